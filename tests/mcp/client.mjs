// Calls the tool `whoami` of an MCP server with the client of npm `@modelcontextprotocol/sdk`, which finds out by itself
// where to register and to log in. In the place of a browser and its user, this script fills in the forms of
// `oidc-provider`.
//
//   node client.mjs URL
//
// Prints each request of the SDK with its status, the access token, and what the tool said.
import { parseArgs } from 'node:util';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const { positionals: [url] } = parseArgs({ allowPositionals: true });
const redirectUrl = 'http://127.0.0.1/callback';

// What the SDK wants to be kept, and where it sends the user.
const session = {};
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: 'An MCP client',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  clientInformation: () => session.client,
  saveClientInformation: (client) => { session.client = client; },
  tokens: () => session.tokens,
  saveTokens: (tokens) => { session.tokens = tokens; },
  codeVerifier: () => session.verifier,
  saveCodeVerifier: (verifier) => { session.verifier = verifier; },
  redirectToAuthorization: async (authorization) => { session.code = await logIn(authorization); },
};

async function shown(target, init) {
  const response = await fetch(target, init);
  console.log(`${init?.method ?? 'GET'} ${target} ${response.status}`);
  return response;
}

const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: shown });

async function connect(by) {
  const client = new Client({ name: 'client', version: '1.0.0' });
  await client.connect(by);
  return client;
}

// The first attempt ends at the login, whose code is what the second one is let in by.
async function connected() {
  const first = transport();
  try {
    return await connect(first);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
  }
  await first.finishAuth(session.code);
  console.log(`token ${session.tokens.access_token}`);
  return connect(transport());
}

// Follows redirects and submits forms until the authorization server sends the user back, with a code.
async function logIn(authorization) {
  const cookies = new Map();
  let [at, form] = [authorization, undefined];
  for (let step = 0; step < 20; step += 1) {
    if (at.href.startsWith(redirectUrl)) return at.searchParams.get('code') ?? fail(`no code: ${at}`);
    const response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies.values()].join('; ') },
      ...(form ? { method: 'POST', body: form } : {}),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair] = cookie.split(';');
      cookies.set(pair.split('=')[0], pair);
    }
    const location = response.headers.get('location');
    const prompt = location ? undefined : /name="prompt" value="(\w+)"/.exec(await response.text())?.[1];
    if (!location && !prompt) fail(`neither a redirect nor a form at ${at}: ${response.status}`);
    form = prompt && new URLSearchParams({ prompt, ...(prompt === 'login' ? { login: 'alice', password: 'any' } : {}) });
    if (location) at = new URL(location, at);
  }
  return fail('the login never ends');
}

function fail(message) {
  throw new Error(message);
}

const client = await connected();
const { content: [{ text }] } = await client.callTool({ name: 'whoami' });
console.log(`whoami ${text}`);
await client.close();
