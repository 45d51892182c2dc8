// A certified OpenID provider (npm `oidc-provider`) as the authorization server of the end-to-end tests and the demo.
//
//   node server.mjs [--port N] [--host A] [--issuer URL] [--control N] [--people] [--certificate FILE --key FILE]
//
//   --port          0 or absent: a free port
//   --host          the address to listen on; 127.0.0.1 if absent
//   --issuer        http://127.0.0.1:PORT if absent; with a certificate, https://localhost:PORT
//   --control       another port, 0 = a free one. GET / tells {"introspections": N, "jwks": N, "metadata": N}, how many
//                   were asked for so far.
//                   POST /down: connections are closed and refused from then on; POST /up: they are taken again.
//                   POST /rotate: new keys sign, the old ones stay in the set; POST /drop: only the newest are in it.
//
//   --certificate, --key  files in PEM, of localhost: the server speaks TLS
//
//   --people        clients may register themselves (RFC 7591), and people log in, with whatever name and password
//   --registration  clients are registered by whoever has the initial access token OIDC_REGISTRATION_TOKEN, and read,
//                   changed and deleted (RFC 7592) by their own registration tokens, of which a change gives a new one
//   --one-time      so many initial access tokens of which each registers one client, instead of
//                   OIDC_REGISTRATION_TOKEN; each is printed as `one-time TOKEN`
//
//   OIDC_CLIENTS    JSON array: [{"id": "portal", "secret": "…", "scope": "orders.read orders.write",
//                                 "auth": "client_secret_basic", "signed_introspection": "RS256",
//                                 "jwks": {"keys": […]}, "signing": "ES256", "dpop": true, "certificate": true}]
//                   A client with `scope` may use the client_credentials grant; one without may only introspect.
//                   A secret may be {"env": "NAME"}, the environment variable that holds it. `jwks` and `signing` are for
//                   `private_key_jwt`. Tokens are bound to a key with `dpop`, to a certificate with `certificate`: that
//                   of the header `x-client-certificate` of the token request (DER in base64), as a TLS proxy would
//                   have it.
//   OIDC_RESOURCES  JSON object, resource indicator (RFC 8707) -> {"format": "opaque" | "jwt",
//                                 "algorithm": "RS256" | "PS256" | "ES256" | "EdDSA", "audience": "…", "expires_in": 600}
//                   Default: opaque tokens for https://orders.example.com, JWTs (RFC 9068) for https://orders-jwt.example.com.
//
// Prints `control http://127.0.0.1:PORT`, where it was asked for, and `ready URL`, its own address, once it answers.
// Everything is in memory.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { parseArgs } from 'node:util';
import Provider, { errors } from 'oidc-provider';

const SCOPE = 'orders.read orders.write';

const { values: options } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    issuer: { type: 'string' },
    control: { type: 'string' },
    people: { type: 'boolean', default: false },
    registration: { type: 'boolean', default: false },
    'one-time': { type: 'string' },
    certificate: { type: 'string' },
    key: { type: 'string' },
  },
});
const clients = JSON.parse(process.env.OIDC_CLIENTS ?? '[]');
const resources = JSON.parse(process.env.OIDC_RESOURCES ?? 'null') ?? {
  'https://orders.example.com': { format: 'opaque' },
  'https://orders-jwt.example.com': { format: 'jwt' },
};

function fail(message) {
  console.error(`authorization server: ${message}`);
  process.exit(1);
}

const oneTime = Number(options['one-time'] ?? 0);
const initialAccessToken = oneTime > 0 ? true : process.env.OIDC_REGISTRATION_TOKEN;
if (options.registration && !initialAccessToken) fail('--registration needs OIDC_REGISTRATION_TOKEN');

const ASYMMETRIC = ['private_key_jwt', 'none'];

function secretOf(client) {
  const { secret } = client;
  const value = typeof secret?.env === 'string' ? process.env[secret.env] : secret;
  return value || fail(`the client ${client.id} has no secret`);
}

function clientMetadata(client) {
  const { id, scope, auth = 'client_secret_basic', signed_introspection: signed, jwks, signing } = client;
  return {
    client_id: id,
    ...(ASYMMETRIC.includes(auth) ? {} : { client_secret: secretOf(client) }),
    ...(jwks ? { jwks } : {}),
    ...(signing ? { token_endpoint_auth_signing_alg: signing } : {}),
    token_endpoint_auth_method: auth,
    dpop_bound_access_tokens: client.dpop === true,
    tls_client_certificate_bound_access_tokens: client.certificate === true,
    grant_types: scope ? ['client_credentials'] : [],
    response_types: [],
    redirect_uris: [],
    ...(scope ? { scope } : {}),
    ...(signed ? { introspection_signed_response_alg: signed } : {}),
  };
}

function resourceServer(indicator) {
  const resource = resources[indicator];
  if (!resource) throw new errors.InvalidTarget();
  const { format = 'opaque', algorithm = 'RS256', audience = indicator, expires_in: accessTokenTTL = 600 } = resource;
  return {
    scope: SCOPE,
    audience,
    accessTokenTTL,
    accessTokenFormat: format,
    ...(format === 'jwt' ? { jwt: { sign: { alg: algorithm } } } : {}),
  };
}

let generation = 0;

// The first key that fits is the one that signs.
function signingKeys() {
  generation += 1;
  const PEM = { type: 'pkcs8', format: 'pem' };
  const encoded = { privateKeyEncoding: PEM, publicKeyEncoding: { type: 'spki', format: 'pem' } };
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048, ...encoded }),
    PS256: generateKeyPairSync('rsa', { modulusLength: 2048, ...encoded }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256', ...encoded }),
    EdDSA: generateKeyPairSync('ed25519', encoded),
  };
  // By way of PEM: Node.js 20 may deadlock when it exports half of a pair whose other half is collected meanwhile.
  return Object.entries(pairs).map(([alg, { privateKey }]) => ({
    ...createPrivateKey(privateKey).export({ format: 'jwk' }), use: 'sig', alg, kid: `${alg.toLowerCase()}-${generation}`,
  }));
}

let keys = signingKeys();

function configuration() {
  return {
    clients: clients.map(clientMetadata),
    jwks: { keys },
    scopes: SCOPE.split(' '),
    ttl: { ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 600 },
    features: {
      devInteractions: { enabled: options.people },
      registration: options.registration ? { enabled: true, initialAccessToken } : { enabled: options.people },
      registrationManagement: { enabled: options.registration },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        getCertificate: (context) => context.get('x-client-certificate') || undefined,
      },
      introspection: { enabled: true, allowedPolicy: (_context, client) => client.clientAuthMethod !== 'none' },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_context, indicator) => resourceServer(indicator),
      },
    },
  };
}

const secure = options.certificate !== undefined;

function address(listening) {
  return `http://127.0.0.1:${listening.address().port}`;
}

function ownAddress() {
  return secure ? `https://localhost:${server.address().port}` : address(server);
}

const asked = { introspections: 0, jwks: 0, metadata: 0 };

function count({ method, url }) {
  if (method === 'POST' && url === '/token/introspection') asked.introspections += 1;
  if (method === 'GET' && url === '/jwks') asked.jwks += 1;
  if (method === 'GET' && url.startsWith('/.well-known/')) asked.metadata += 1;
}

let answer;

// A provider has its keys for good, so others take another one. What it stores is not its own.
function provide() {
  const provider = new Provider(options.issuer ?? ownAddress(), configuration());
  provider.on('registration_create.success', ({ oidc }) => oidc.entities.InitialAccessToken?.destroy());
  answer = provider.callback();
  return provider;
}

// The issuer holds the port, so the server listens first and gets its handler second.
const server = secure
  ? createSecureServer({ cert: readFileSync(options.certificate), key: readFileSync(options.key) })
  : createServer();
server.on('error', (error) => fail(error.message));
server.listen(Number(options.port), options.host, async () => {
  const provider = provide();
  for (let made = 0; made < oneTime; made += 1) {
    console.log(`one-time ${await new provider.InitialAccessToken({}).save()}`);
  }
  server.on('request', (request, response) => {
    count(request);
    answer(request, response);
  });
  if (options.control === undefined) console.log(`ready ${ownAddress()}`);
  else control(server.address().port);
});

function control(port) {
  const switches = {
    'GET /': (done) => done(),
    'POST /down': (done) => {
      server.close(done);
      server.closeAllConnections();
    },
    'POST /rotate': (done) => {
      keys = [...signingKeys(), ...keys];
      provide();
      done();
    },
    'POST /drop': (done) => {
      keys = keys.slice(0, 4);
      provide();
      done();
    },
    'POST /up': (done) => (server.listening ? done() : server.listen(port, options.host, done)),
  };
  const controls = createServer((request, response) => {
    const change = switches[`${request.method} ${request.url}`];
    if (!change) {
      response.writeHead(404).end();
      return;
    }
    change(() => response.setHeader('content-type', 'application/json').end(JSON.stringify(asked)));
  });
  controls.on('error', (error) => fail(error.message));
  controls.listen(Number(options.control), options.host, () => {
    console.log(`control ${address(controls)}\nready ${ownAddress()}`);
  });
}
