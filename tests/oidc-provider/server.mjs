// A certified OpenID provider (npm `oidc-provider`) as the authorization server of the end-to-end tests and the demo.
//
//   node server.mjs [--port N] [--host A]   N = 0 or absent: a free port; A: the address to listen on, 127.0.0.1 if absent
//
//   OIDC_CLIENTS    JSON array: [{"id": "portal", "secret": "…", "scope": "orders.read orders.write",
//                                 "auth": "client_secret_basic", "signed_introspection": "RS256"}]
//                   A client with `scope` may use the client_credentials grant; one without may only introspect.
//   OIDC_RESOURCES  JSON object, resource indicator (RFC 8707) -> {"format": "opaque" | "jwt", "algorithm": "RS256",
//                                 "audience": "…", "expires_in": 600}
//                   Default: opaque tokens for https://orders.example.com, JWTs (RFC 9068) for https://orders-jwt.example.com.
//
// Prints `ready http://127.0.0.1:PORT` once it answers; that address is the issuer. Everything is in memory.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { parseArgs } from 'node:util';
import Provider, { errors } from 'oidc-provider';

const SCOPE = 'orders.read orders.write';

const { values: options } = parseArgs({
  options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '0' } },
});
const clients = JSON.parse(process.env.OIDC_CLIENTS ?? '[]');
const resources = JSON.parse(process.env.OIDC_RESOURCES ?? 'null') ?? {
  'https://orders.example.com': { format: 'opaque' },
  'https://orders-jwt.example.com': { format: 'jwt' },
};

function clientMetadata({ id, secret, scope, auth = 'client_secret_basic', signed_introspection: signed }) {
  return {
    client_id: id,
    ...(auth === 'none' ? {} : { client_secret: secret }),
    token_endpoint_auth_method: auth,
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

function signingKeys() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return {
    keys: [
      { ...rsa.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'rs256' },
      { ...ec.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'es256' },
    ],
  };
}

function configuration() {
  return {
    clients: clients.map(clientMetadata),
    jwks: signingKeys(),
    scopes: SCOPE.split(' '),
    ttl: { ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
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

// The issuer holds the port, so the server listens first and gets its handler second.
const server = createServer();
server.on('error', (error) => {
  console.error(`authorization server: ${error.message}`);
  process.exit(1);
});
server.listen(Number(options.port), options.host, () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(issuer, configuration()).callback());
  console.log(`ready ${issuer}`);
});
