// Schemas of kinds that the packages lack, as strict as the projects' own: no member but those named here, which are those
// that a manifest of ours may have.

const text = { type: 'string', minLength: 1 };
const digest = { type: 'string', pattern: '^([a-f0-9]{64})?$' };
const list = (items, more = {}) => ({ type: 'array', items, minItems: 1, ...more });
const word = (...words) => ({ enum: words });
const object = (properties, required = [], more = {}) => ({ type: 'object', properties, required, additionalProperties: false, ...more });
const kind = (apiVersion, name, spec) => ({
  [`${apiVersion}/${name}`]: object({
    apiVersion: { const: apiVersion },
    kind: { const: name },
    metadata: object({ name: text, namespace: text, annotations: { type: 'object' }, labels: { type: 'object' } }, ['name']),
    spec,
  }, ['apiVersion', 'kind', 'metadata', 'spec']),
});

const labels = { type: 'object', additionalProperties: { type: 'string' } };
const port = { type: 'integer', minimum: 1, maximum: 65535 };
const target = (group, kinds) => object(
  { group: { const: group }, kind: word(...kinds), name: text, sectionName: text }, ['group', 'kind', 'name']);

const targetRefs = list(object({ group: { type: 'string' }, kind: text, name: text }, ['kind', 'name']));
const istioPlugin = {
  url: text,
  sha256: digest,
  imagePullPolicy: word('IfNotPresent', 'Always'),
  imagePullSecret: text,
  pluginName: text,
  pluginConfig: { type: 'object' },
  failStrategy: word('FAIL_CLOSE', 'FAIL_OPEN', 'FAIL_RELOAD'),
  type: word('HTTP', 'NETWORK'),
  vmConfig: object({ env: list(object({ name: text, value: { type: 'string', maxLength: 2048 }, valueFrom: word('INLINE', 'HOST') }, ['name'])) }),
};

const moduleName = { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$' };
const GATEWAY_API = 'gateway.networking.k8s.io';
const EXTENSION = 'gateway.envoyproxy.io/v1alpha1';
const wasm = object({
  name: text,
  rootID: text,
  code: {
    ...object({
      type: word('HTTP', 'Image'),
      http: object({ url: text, sha256: digest, tls: { type: 'object' } }, ['url']),
      image: object({ url: text, sha256: digest, pullSecretRef: { type: 'object' }, tls: { type: 'object' } }, ['url']),
      pullPolicy: word('IfNotPresent', 'Always'),
    }, ['type']),
    oneOf: [
      { properties: { type: { const: 'HTTP' }, image: false }, required: ['http'] },
      { properties: { type: { const: 'Image' }, http: false }, required: ['image'] },
    ],
  },
  config: {},
  failOpen: { type: 'boolean' },
  env: object({ hostKeys: list(text) }),
}, ['code']);

const environment = list(object({
  name: text, value: { type: 'string' },
  valueFrom: object({ secretKeyRef: object({ name: text, key: text, optional: { type: 'boolean' } }, ['name', 'key']) }),
}, ['name']));

export const schemas = {
  ...kind('extensions.istio.io/v1alpha1', 'TrafficExtension', object({
    selector: object({ matchLabels: labels }),
    targetRefs,
    phase: word('UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS'),
    priority: { type: 'integer' },
    match: list(object({ mode: word('UNDEFINED', 'CLIENT', 'SERVER', 'CLIENT_AND_SERVER'), ports: list(object({ number: port }, ['number'])) })),
    wasm: object(istioPlugin, ['url']),
  }, ['wasm'], { not: { required: ['selector', 'targetRefs'] } })),

  ...kind(EXTENSION, 'EnvoyExtensionPolicy', object({
    targetRefs: list(target(GATEWAY_API, ['Gateway', 'ListenerSet', 'HTTPRoute', 'GRPCRoute'])),
    wasm: list(wasm, { maxItems: 16 }),
    dynamicModule: list(object({ name: moduleName, filterName: text, config: {}, terminalFilter: { type: 'boolean' } }, ['name']), { maxItems: 16 }),
  }, ['targetRefs'])),

  ...kind(EXTENSION, 'EnvoyProxy', object({
    provider: object({
      type: { const: 'Kubernetes' },
      kubernetes: object({ envoyDeployment: object({
        replicas: { type: 'integer', minimum: 0 },
        pod: object({ volumes: list(object({ name: text, image: object({ reference: text, pullPolicy: word('IfNotPresent', 'Always', 'Never') }, ['reference']) }, ['name'])) }),
        container: object({
          env: environment,
          volumeMounts: list(object({ name: text, mountPath: text, readOnly: { type: 'boolean' } }, ['name', 'mountPath'])),
        }),
      }) }),
    }, ['type']),
    dynamicModules: list(object({
      name: moduleName,
      source: {
        ...object({
          type: word('Local', 'Remote'),
          local: object({ path: { ...text, maxLength: 4096 } }, ['path']),
          remote: object({ url: { type: 'string', pattern: '^https?://[^/?#]+(?:[/?#].*)?$' }, sha256: { type: 'string', pattern: '^[a-f0-9]{64}$' } }, ['url', 'sha256']),
        }),
        oneOf: [
          { properties: { type: { const: 'Remote' }, local: false }, required: ['type', 'remote'] },
          { properties: { type: { const: 'Local' }, remote: false }, required: ['local'] },
        ],
      },
      doNotClose: { type: 'boolean' },
      loadGlobally: { type: 'boolean' },
    }, ['name', 'source']), { maxItems: 16 }),
    telemetry: object({
      accessLog: object({
        settings: list(object({
          format: object({ type: { const: 'JSON' }, json: { type: 'object', additionalProperties: { type: 'string' } } }, ['type', 'json']),
          sinks: list(object({ type: { const: 'File' }, file: object({ path: text }, ['path']) }, ['type', 'file'])),
        }, ['sinks'])),
      }),
    }),
    bootstrap: object({ type: word('Merge', 'Replace', 'JSONPatch'), value: text }, ['value']),
  })),

  ...kind(EXTENSION, 'Backend', object({
    endpoints: list(object({ fqdn: object({ hostname: text, port }, ['hostname', 'port']) }, ['fqdn'])),
  }, ['endpoints'])),

  ...kind(EXTENSION, 'SecurityPolicy', object({
    targetRefs: list(target(GATEWAY_API, ['Gateway', 'HTTPRoute', 'GRPCRoute'])),
    cors: object({
      allowOrigins: list(text), allowMethods: list(text), allowHeaders: list(text), exposeHeaders: list(text),
      maxAge: { type: 'string', pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' }, allowCredentials: { type: 'boolean' },
    }),
  }, ['targetRefs'])),

  'kustomize.config.k8s.io/v1beta1/Kustomization': object({
    apiVersion: text, kind: text, resources: list(text),
    patches: list(object({ target: object({ kind: text, name: text }, ['kind', 'name']), patch: text }, ['target', 'patch'])),
  }, ['resources']),
};
