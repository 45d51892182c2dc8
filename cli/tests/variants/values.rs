//! Values that are dangerous by themselves, and what surrounds the module.

use super::runner::{Base, Variant};

pub const VALUES: &[Variant] = &[
    // no-audience
    Variant {
        base: Base::Plain,
        code: "no-audience",
        path: "providers[0]",
        edits: &[("- name: main", "- ⟦name: main"), ("  audiences: [orders]\n", "")],
        quiet: &[&[("audiences: [orders]", "audiences: [a, b]")]],
    },
    Variant {
        base: Base::EnvoyText,
        code: "no-audience",
        path: "providers[0]",
        edits: &[("\"providers\": [{", "\"providers\": [⟦{"), ("[\"orders\"]", "[]")],
        quiet: &[],
    },
    // no-match-pass
    Variant {
        base: Base::Plain,
        code: "no-match-pass",
        path: "no_match",
        edits: &[("no_match: refuse", "no_match: ⟦pass")],
        quiet: &[&[("no_match: refuse\n", "")]],
    },
    Variant {
        base: Base::Policy,
        code: "no-match-pass",
        path: "no_match",
        edits: &[("no_match: refuse", "no_match: ⟦\"pass\"")],
        quiet: &[],
    },
    // token-in-query
    Variant {
        base: Base::Plain,
        code: "token-in-query",
        path: "token.sources[0].query",
        edits: &[("{header: authorization, scheme: Bearer}", "{query: ⟦access_token}")],
        quiet: &[&[("{header: authorization, scheme: Bearer}", "{cookie: at}, {header: x-access-token}")]],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "token-in-query",
        path: "token.sources[1].query",
        edits: &[("scheme: Bearer}", "scheme: Bearer}, {query: ⟦t}")],
        quiet: &[],
    },
    // stale-too-long
    Variant {
        base: Base::Plain,
        code: "stale-too-long",
        path: "cache.stale_if_error",
        edits: &[("stale_if_error: 1h", "stale_if_error: ⟦61m")],
        quiet: &[&[("stale_if_error: 1h", "stale_if_error: 3600s")]],
    },
    // metric-names-collide
    Variant {
        base: Base::Plain,
        code: "metric-names-collide",
        path: "apis[1].id apis[2].id",
        edits: &[
            ("no_match: refuse", "no_match: refuse\n"),
            ("apis:\n", "apis:\n- {id: orders.v1, match: {paths: [/a/]}}\n- {id: ⟦orders_v1, match: {paths: [/b/]}}\n"),
            ("- id: orders-v1", "- id: ⟦orders-v1"),
        ],
        quiet: &[&[(
            "apis:\n",
            "apis:\n- {id: orders-v2, match: {paths: [/a/]}}\n- {id: ordersv1, match: {paths: [/b/]}}\n- {id: Orders-v1, match: {paths: [/c/]}}\n",
        )]],
    },
    // secret-inline
    Variant {
        base: Base::Plain,
        code: "secret-inline",
        path: "providers[0].introspection.client.secret",
        edits: &[("secret: {env: IDP_CLIENT_SECRET}", "secret: ⟦hush")],
        quiet: &[],
    },
    Variant {
        base: Base::Discovery,
        code: "secret-inline",
        path: "contracts.source.headers.authorization",
        edits: &[("{env: CONTRACTS_AUTH}", "⟦Bearer hush")],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyText,
        code: "secret-inline",
        path: "providers[0].introspection.client.secret",
        edits: &[("{\"env\": \"IDP_CLIENT_SECRET\"}", "⟦\"hush\"")],
        quiet: &[],
    },
    Variant {
        base: Base::Envoy,
        code: "secret-inline",
        path: "@static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[1].typed_config.config.vm_config.environment_variables.key_values.IDP_CLIENT_SECRET",
        edits: &[(
            "{host_env_keys: [IDP_CLIENT_SECRET, CONTRACTS_AUTH]}",
            "{host_env_keys: [CONTRACTS_AUTH], key_values: {REGION: eu, IDP_CLIENT_SECRET: ⟦hush}}",
        )],
        quiet: &[&[("CONTRACTS_AUTH]}", "CONTRACTS_AUTH], key_values: {REGION: eu}}")]],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "secret-inline",
        path: "@spec.vmConfig.env[0].value",
        edits: &[("{name: IDP_CLIENT_SECRET, valueFrom: HOST}", "{name: IDP_CLIENT_SECRET, value: ⟦hush}")],
        quiet: &[&[("    env:\n", "    env:\n    - {name: REGION, value: eu}\n")]],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "secret-inline",
        path: "@spec.wasm.vmConfig.env[1].value",
        edits: &[(
            "{name: CONTRACTS_AUTH, valueFrom: HOST}",
            "{name: CONTRACTS_AUTH, valueFrom: INLINE, value: ⟦hush}",
        )],
        quiet: &[],
    },
    // fail-open
    Variant {
        base: Base::Envoy,
        code: "fail-open",
        path: "@static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[1].typed_config.config.failure_policy",
        edits: &[("failure_policy: FAIL_RELOAD", "failure_policy: ⟦FAIL_OPEN")],
        quiet: &[
            &[("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_CLOSED")],
            &[("failure_policy: FAIL_RELOAD", "fail_open: false")],
        ],
    },
    Variant {
        base: Base::Discovery,
        code: "fail-open",
        path: "@resources[0].typed_config.config.fail_open",
        edits: &[("failure_policy: FAIL_RELOAD", "fail_open: ⟦true")],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "fail-open",
        path: "@spec.configPatches[0].patch.value.typed_config.value.config.failurePolicy",
        edits: &[("failure_policy: FAIL_RELOAD", "failurePolicy: ⟦FAIL_OPEN")],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "fail-open",
        path: "@spec.failStrategy",
        edits: &[("failStrategy: FAIL_RELOAD", "failStrategy: ⟦FAIL_OPEN")],
        quiet: &[&[("  failStrategy: FAIL_RELOAD\n", "")], &[("FAIL_RELOAD", "FAIL_CLOSE")]],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "fail-open",
        path: "@spec.wasm.failStrategy",
        edits: &[("failStrategy: FAIL_CLOSE", "failStrategy: ⟦FAIL_OPEN")],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "fail-open",
        path: "@spec.wasm[0].failOpen",
        edits: &[("failOpen: false", "failOpen: ⟦true")],
        quiet: &[&[("    failOpen: false\n", "")]],
    },
    // image-not-pinned
    Variant {
        base: Base::WasmPlugin,
        code: "image-not-pinned",
        path: "@spec.url",
        edits: &[
            ("url: oci", "url: ⟦oci"),
            ("  sha256: \"0000000000000000000000000000000000000000000000000000000000000000\"\n", ""),
        ],
        quiet: &[&[(
            "  url: oci://registry.example.com/tessera:0.1.0\n  sha256: \"0000000000000000000000000000000000000000000000000000000000000000\"\n",
            "  url: file:///tessera.wasm\n",
        )]],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "image-not-pinned",
        path: "@spec.wasm.url",
        edits: &[(
            "oci://registry.example.com/tessera@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "⟦https://modules.example.com/tessera.wasm",
        )],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "image-not-pinned",
        path: "@spec.wasm[0].code.image.url",
        edits: &[
            ("url: registry", "url: ⟦registry"),
            ("sha256: \"0000000000000000000000000000000000000000000000000000000000000000\"", "sha256: \"\""),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::Envoy,
        code: "image-not-pinned",
        path: "@static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[1].typed_config.config.vm_config.code.remote.http_uri.uri",
        edits: &[(
            "{local: {filename: /plugin.wasm}}",
            "{remote: {http_uri: {uri: ⟦\"https://modules.example.com/tessera.wasm\", cluster: idp, timeout: 9s}}}",
        )],
        quiet: &[&[(
            "{local: {filename: /plugin.wasm}}",
            "{remote: {http_uri: {uri: \"https://m.example.com/t.wasm\", cluster: idp, timeout: 9s}, sha256: \"00\"}}",
        )]],
    },
    // no-phase, outbound-judged
    Variant {
        base: Base::WasmPlugin,
        code: "no-phase",
        path: "@spec",
        edits: &[
            (
                "spec:\n  selector:\n    matchLabels: {istio: tessera-gateway}\n",
                "spec:\n  ⟦selector:\n    matchLabels: {istio: tessera-gateway}\n",
            ),
            ("  phase: AUTHN\n", ""),
        ],
        quiet: &[&[("phase: AUTHN", "phase: AUTHZ")], &[("phase: AUTHN", "phase: STATS")]],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "no-phase",
        path: "@spec",
        edits: &[(
            "spec:\n  targetRefs:\n  - {group: gateway.networking.k8s.io, kind: Gateway, name: front}\n  phase: AUTHN\n",
            "spec:\n  ⟦targetRefs:\n  - {group: gateway.networking.k8s.io, kind: Gateway, name: front}\n  phase: UNSPECIFIED\n",
        )],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "outbound-judged",
        path: "@spec",
        edits: &[(
            "  selector:\n    matchLabels: {istio: tessera-gateway}\n  phase",
            "  ⟦selector:\n    matchLabels: {app: orders}\n  phase",
        )],
        quiet: &[
            &[("matchLabels: {istio: tessera-gateway}\n", "matchLabels: {app: orders}\n  match: [{mode: SERVER}]\n")],
            &[
                ("matchLabels: {istio: tessera-gateway}\n", "matchLabels: {app: front, zone: a}\n"),
                ("selector: {istio: tessera-gateway}", "selector: {app: front}"),
            ],
            &[(
                "matchLabels: {istio: tessera-gateway}\n",
                "matchLabels: {gateway.networking.k8s.io/gateway-name: front}\n",
            )],
        ],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "outbound-judged",
        path: "@spec",
        edits: &[(
            "  selector:\n    matchLabels: {istio: tessera-gateway}\n  phase",
            "  ⟦match: [{mode: SERVER}, {mode: CLIENT}]\n  phase",
        )],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "outbound-judged",
        path: "@spec",
        edits: &[(
            "  targetRefs:\n  - {group: gateway.networking.k8s.io, kind: Gateway, name: front}\n  phase",
            "  ⟦phase",
        )],
        quiet: &[],
    },
    // policy-per-route
    Variant {
        base: Base::Policy,
        code: "policy-per-route",
        path: "@spec.targetRefs[0] @spec.targetRef",
        edits: &[
            (
                "  targetRefs:\n  - {group: gateway.networking.k8s.io, kind: Gateway, name: front}\n",
                "  targetRefs:\n  - ⟦{group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders}\n",
            ),
            (
                "      no_match: refuse\n",
                "      no_match: refuse\n---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nmetadata: {name: users, namespace: tessera}\nspec:\n  targetRef: ⟦{group: gateway.networking.k8s.io, kind: GRPCRoute, name: users}\n  wasm:\n  - name: tessera\n    code: {type: Image, image: {url: registry.example.com/tessera:1, sha256: \"00\"}}\n    config: {providers: [{name: main, issuer: \"https://idp.example.com\", audiences: [a], introspection: {endpoint: \"https://idp.example.com/i\", cluster: httproute/tessera/idp/rule/0, client: {auth: none}}}], apis: [{id: users}]}\n",
            ),
        ],
        quiet: &[&[(
            "  - {group: gateway.networking.k8s.io, kind: Gateway, name: front}\n",
            "  - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders}\n  - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: users}\n",
        )]],
    },
    // read-otherwise
    Variant {
        base: Base::Envoy,
        code: "read-otherwise",
        path: "cache.entries",
        edits: &[("cache: {entries: 10,", "cache: {entries: ⟦010,")],
        quiet: &[&[("cache: {entries: 10,", "cache: {entries: 0x10,")]],
    },
    Variant {
        base: Base::Envoy,
        code: "read-otherwise",
        path: "apis[0].id",
        edits: &[("- id: orders-v1", "- id: ⟦on")],
        quiet: &[
            &[("- id: orders-v1", "- id: 'on'")],
            &[("- id: orders-v1", "- id: \"n\"")],
            &[("- id: orders-v1", "- id: oN")],
            &[("- id: orders-v1", "- id: 1_000")],
            &[(
                "- id: orders-v1",
                "- {id: orders-v1, claims: {/level: [5000000]}}\n                    - id: orders-v2",
            )],
        ],
    },
    Variant {
        base: Base::Envoy,
        code: "read-otherwise read-otherwise",
        path: "apis[0].claims./level[0] apis[0].claims./level[1]",
        edits: &[(
            "                      operations:",
            "                      claims: {/level: [⟦5000000000, ⟦1.5]}\n                      operations:",
        )],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "read-otherwise read-otherwise",
        path: "providers[0].introspection.headers.on apis[0].claims./level[1]",
        edits: &[
            ("        timeout: 2s\n", "        timeout: 2s\n        headers: {⟦on: {env: CONTRACTS_AUTH}}\n"),
            ("      operations:", "      claims: {/level: [5000000000, ⟦9007199254740993]}\n      operations:"),
        ],
        quiet: &[&[
            ("        timeout: 2s\n", "        timeout: 2s\n        headers: {\"on\": {env: CONTRACTS_AUTH}}\n"),
            ("      operations:", "      claims: {/level: [5000000000, 9007199254740992]}\n      operations:"),
        ]],
    },
    Variant {
        base: Base::Policy,
        code: "read-otherwise",
        path: "apis[0].id",
        edits: &[("- id: orders-v1", "- id: ⟦1_000")],
        quiet: &[],
    },
    Variant {
        base: Base::Plain,
        code: "read-otherwise",
        path: "apis[0].id",
        edits: &[("- id: orders-v1", "- id: ⟦No")],
        quiet: &[],
    },
];
