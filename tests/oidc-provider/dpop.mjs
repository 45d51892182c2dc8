// A DPoP client (npm `dpop`) with one key: makes a proof for each request that it is told of.
//
//   node dpop.mjs [ALGORITHM]        ES256 if absent
//
// Reads {"method": "GET", "url": "https://…", "token": "…"} from each line, `token` being optional, and prints the proof.
import { createInterface } from 'node:readline';
import { generateKeyPair, generateProof } from 'dpop';

const keys = await generateKeyPair(process.argv[2] ?? 'ES256');

for await (const line of createInterface({ input: process.stdin })) {
  const { method, url, token } = JSON.parse(line);
  console.log(await generateProof(keys, url, method, undefined, token ?? undefined));
}
