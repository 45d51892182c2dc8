// Carries what comes to a port of its own over TLS to another one of this machine.
//
//   node tls_tunnel.mjs PORT [CERTIFICATE KEY]       files in PEM, for a client that shows a certificate
//
// Prints its port once it listens.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { connect } from 'node:tls';

const [port, certificate, key] = process.argv.slice(2);
const shown = certificate ? { cert: readFileSync(certificate), key: readFileSync(key) } : {};

const server = createServer((plain) => {
  // Who the server is does not matter here.
  const secure = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false, ...shown });
  plain.pipe(secure).pipe(plain);
  plain.on('error', () => secure.destroy());
  secure.on('error', () => plain.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
