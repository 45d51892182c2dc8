//! What is said of a dynamic module as of a Wasm filter, and what of it alone.

use super::runner::{Base, Edit, Variant};

const MODULE: &str = "dynamic_module_config: {name: tessera, metrics_namespace: wasmcustom}";
const LAST: &str = "                route: {cluster: upstream}\n";
const IMAGE: &str =
    "registry.example.com/tessera-native@sha256:0000000000000000000000000000000000000000000000000000000000000000";
const SOURCE: &str = "{type: Local, local: {path: /etc/envoy/modules/libtessera.so}}";
/// The filter that comes by itself.
const DISCOVERED: &[Edit] = &[(
    "envoy.extensions.filters.http.wasm.v3.Wasm\n    config:\n      name: tessera\n      failure_policy: FAIL_RELOAD\n      vm_config:\n        runtime: envoy.wasm.runtime.v8\n        code: {local: {filename: /plugin.wasm}}\n        environment_variables: {host_env_keys: [IDP_CLIENT_SECRET, CONTRACTS_AUTH]}\n      configuration:\n",
    "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter\n    dynamic_module_config: ⟦{name: tessera}\n    filter_name: tessera\n    filter_config:\n",
)];

pub const VARIANTS: &[Variant] = &[
    Variant {
        base: Base::EnvoyNative,
        code: "unknown-member",
        path: "no_mach",
        edits: &[("no_match: refuse", "⟦no_mach: refuse")],
        quiet: &[
            // The variables of Envoy's process are the module's: none has to be handed over.
            &[("{env: IDP_CLIENT_SECRET}", "{env: ANOTHER}")],
            &[("dynamic_module_config", "dynamicModuleConfig"), ("filter_config:", "filterConfig:")],
            &[(MODULE, "dynamic_module_config: {module: {local: {filename: /etc/envoy/libtessera.so}}}")],
        ],
    },
    Variant {
        base: Base::EnvoyNative,
        code: "out-of-range",
        path: "providers[0].introspection.timeout",
        edits: &[
            ("dynamic_module_config", "dynamicModuleConfig"),
            ("filter_config:", "filterConfig:"),
            ("timeout: 2s", "timeout: ⟦0s"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyNative,
        code: "no-configuration",
        path: "",
        edits: &[
            ("filter_config:\n", "other_config:\n"),
            (
                "              \"@type\": type.googleapis.com/envoy.extensions.filters.http.dynamic",
                "              ⟦\"@type\": type.googleapis.com/envoy.extensions.filters.http.dynamic",
            ),
        ],
        // A module of somebody else's.
        quiet: &[&[
            ("- name: tessera\n", "- name: waf\n"),
            ("{name: tessera, ", "{name: waf, "),
            ("filter_name: tessera", "filter_name: waf"),
            (
                "                value:\n",
                "                value: {a: 1}\n          - name: tessera\n            typed_config:\n              \"@type\": type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter\n              filter_config:\n                value:\n",
            ),
        ]],
    },
    Variant {
        base: Base::EnvoyNative,
        code: "unknown-cluster",
        path: "providers[0].introspection.cluster",
        edits: &[("cluster: idp\n                      timeout", "cluster: ⟦idq\n                      timeout")],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyNative,
        code: "secret-inline",
        path: "providers[0].introspection.client.secret",
        edits: &[("{env: IDP_CLIENT_SECRET}", "⟦hush")],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyNative,
        code: "fail-open",
        path: "@static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[1].typed_config.dynamic_module_config.module.remote",
        edits: &[(
            MODULE,
            "dynamic_module_config: {module: {remote: ⟦{http_uri: {uri: \"https://m.example.com/libtessera.so\", cluster: idp, timeout: 9s}, sha256: \"00\"}}}",
        )],
        quiet: &[&[(MODULE, "dynamic_module_config: {module: {local: {filename: \"/other.so\"}}}")]],
    },
    Variant {
        base: Base::Discovery,
        code: "module-by-discovery",
        path: "@resources[0].typed_config.dynamic_module_config",
        edits: DISCOVERED,
        // The same by Wasm.
        quiet: &[&[]],
    },
    Variant {
        base: Base::EnvoyNative,
        code: "other-routes-refused",
        path: "@static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[1]",
        edits: &[(
            LAST,
            "                route: {cluster: upstream}\n              - ⟦match: {prefix: /users/}\n                route: {cluster: upstream}\n",
        )],
        quiet: &[&[(
            LAST,
            "                route: {cluster: upstream}\n              - match: {prefix: /users/}\n                route: {cluster: upstream}\n                typed_per_filter_config: {tessera: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}\n",
        )]],
    },
    Variant {
        base: Base::PolicyNative,
        code: "wrong-type",
        path: "cache.entries",
        edits: &[("{entries: 10,", "{entries: ⟦\"10\",")],
        quiet: &[&[("  - name: tessera\n    filterName: tessera\n", "  - filterName: tessera\n    name: tessera\n")]],
    },
    Variant {
        base: Base::PolicyNative,
        code: "unknown-cluster",
        path: "contracts.source.cluster",
        edits: &[("cluster: httproute/tessera/callouts/rule/1", "cluster: ⟦httproute/tessera/callouts/rule/2")],
        quiet: &[],
    },
    Variant {
        base: Base::PolicyNative,
        code: "unknown-reference",
        path: "@spec.dynamicModule[0].name",
        edits: &[("  dynamicModule:\n  - name: tessera", "  dynamicModule:\n  - name: ⟦tessera-native")],
        // Without an EnvoyProxy in the files, nothing is known of its modules.
        quiet: &[&[("kind: EnvoyProxy", "kind: Other")]],
    },
    Variant {
        base: Base::PolicyNative,
        code: "image-not-pinned",
        path: "@spec.provider.kubernetes.envoyDeployment.pod.volumes[1].image.reference",
        edits: &[(
            "\"registry.example.com/tessera-native@sha256:0000000000000000000000000000000000000000000000000000000000000000\"",
            "⟦\"registry.example.com/tessera-native:1\"",
        )],
        quiet: &[&[
            ("mountPath: /etc/envoy/modules/}", "mountPath: /etc/envoy/module}"),
            (IMAGE, "registry.example.com/tessera-native:1"),
        ]],
    },
    Variant {
        base: Base::PolicyNative,
        code: "fail-open",
        path: "@spec.dynamicModules[0].source.remote",
        edits: &[(SOURCE, "{type: Remote, remote: ⟦{url: \"https://m.example.com/libtessera.so\", sha256: \"00\"}}")],
        quiet: &[&[(SOURCE, "{type: Local, local: {path: \"/other.so\"}}")]],
    },
];
