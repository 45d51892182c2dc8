// Checks Kubernetes documents, a JSON array on the standard input, against their kinds. A member that a kind does not know
// is refused, as a server refuses it that is asked to validate strictly.
//
// The kinds are those of the packages @kubernetes-models/istio, @kubernetes-models/gateway-api and kubernetes-models, which
// are made from the projects' own definitions: their schemas check the values, and their types, by TypeScript, the names of
// members. `schemas.mjs` has the kinds that the packages lack.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { schemas } from './schemas.mjs';

const ajv = new Ajv({ allErrors: true, strict: false });

function problem(schema, document) {
  return ajv.validate(schema, document) ? undefined : ajv.errorsText();
}

// The same with a member too many: it must be refused, or nothing is known about the others.
function withStranger(document) {
  const { spec } = document;
  return spec ? { ...document, spec: { unknownMember: 1, ...spec } } : { unknownMember: 1, ...document };
}

function moduleOf({ apiVersion, kind }) {
  const [group] = apiVersion.split('/');
  if (group.endsWith('.istio.io')) return `@kubernetes-models/istio/${apiVersion}/${kind}`;
  if (group === 'gateway.networking.k8s.io') return `@kubernetes-models/gateway-api/${apiVersion}/${kind}`;
  return `kubernetes-models/${apiVersion}/${kind}`;
}

// A program whose types hold exactly if every document has known members only.
function program(documents) {
  return documents.map((document, number) => {
    const { apiVersion, kind, ...members } = document;
    const type = `${kind}${number}`;
    const stranger = JSON.stringify(withStranger(members), null, 1)
      .replace(/^(\s*)"unknownMember"/m, '// @ts-expect-error\n$1"unknownMember"');
    return `import { ${kind} as ${type} } from '${moduleOf(document)}';\n`
      + `new ${type}(${JSON.stringify(members, null, 1)});\nnew ${type}(${stranger});\n`;
  }).join('\n');
}

function typeCheck(documents) {
  // Where the packages are found.
  const folder = fileURLToPath(new URL('node_modules/.cache/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/kinds.mts`, program(documents));
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'];
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url));
  const { status, stdout } = spawnSync('node', [tsc, ...options, `${folder}/kinds.mts`], { encoding: 'utf8' });
  return status === 0 ? [] : stdout.trim().split('\n');
}

const documents = JSON.parse(readFileSync(0, 'utf8'));
const complaints = [];
const packaged = [];
for (const document of documents) {
  const schema = schemas[`${document.apiVersion}/${document.kind}`];
  const name = `${document.kind} ${document.metadata?.name ?? ''}`;
  let found;
  if (schema) {
    found = problem(schema, document) ?? (problem(schema, withStranger(document)) ? undefined : 'an unknown member is not refused');
  } else {
    packaged.push(document);
    try {
      const Model = (await import(moduleOf(document)))[document.kind];
      new Model(document).validate();
    } catch (error) {
      found = error.message;
    }
  }
  if (found) complaints.push(`${name}: ${found}`);
}
complaints.push(...typeCheck(packaged));
for (const complaint of complaints) console.error(complaint);
if (complaints.length) process.exit(1);
console.log(`${documents.length} documents have members that their kinds know`);
