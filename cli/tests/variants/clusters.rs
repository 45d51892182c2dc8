//! Variables, clusters and TLS.

use super::runner::{Base, Variant};

pub fn variants() -> Vec<Variant> {
    [VARIABLES, UNKNOWN, NO_TLS, UNCHECKED, CLEARTEXT, CONNECT_TIMEOUTS].concat()
}

const SECRET: &str = "providers[0].introspection.client.secret.env";
const VARIABLES: &[Variant] = &[
    Variant {
        base: Base::Envoy,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("[IDP_CLIENT_SECRET, CONTRACTS_AUTH]", "[CONTRACTS_AUTH]"),
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyText,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("    environment_variables: {host_env_keys: [IDP_CLIENT_SECRET, CONTRACTS_AUTH]}\n", "\n"),
            ("\"env\": \"IDP", "\"env\": ⟦\"IDP"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::Discovery,
        code: "env-not-passed",
        path: "contracts.source.headers.authorization.env",
        edits: &[
            ("IDP_CLIENT_SECRET, CONTRACTS_AUTH]", "IDP_CLIENT_SECRET]"),
            ("{env: CONTRACTS_AUTH}", "{env: ⟦CONTRACTS_AUTH}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("    - {name: IDP_CLIENT_SECRET, valueFrom: HOST}\n", ""),
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
        ],
        quiet: &[],
    },
    // Without valueFrom it stands for the value that is beside it.
    Variant {
        base: Base::WasmPlugin,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("{name: IDP_CLIENT_SECRET, valueFrom: HOST}", "{name: IDP_CLIENT_SECRET}"),
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
            ("{name: IDP_CLIENT_SECRET, valueFrom: HOST}", "{name: IDP_CLIENT_SECRET, valueFrom: INLINE, value: \"\"}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::Envoy,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            (
                "{host_env_keys: [IDP_CLIENT_SECRET, CONTRACTS_AUTH]}",
                "{key_values: {IDP_CLIENT_SECRET: \"\"}, host_env_keys: [CONTRACTS_AUTH]}",
            ),
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("{name: IDP_CLIENT_SECRET,", "{name: IDP_CLIENT,"),
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("[IDP_CLIENT_SECRET, CONTRACTS_AUTH]", "[CONTRACTS_AUTH]"),
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "env-not-passed",
        path: SECRET,
        edits: &[
            ("[IDP_CLIENT_SECRET, CONTRACTS_AUTH]", "[CONTRACTS_AUTH]"),
            ("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET}"),
        ],
        quiet: &[],
    },
];

const CLUSTER: &str = "providers[0].introspection.cluster";
const UNKNOWN: &[Variant] = &[
    Variant {
        base: Base::Envoy,
        code: "unknown-cluster",
        path: CLUSTER,
        edits: &[("              cluster: idp\n", "              cluster: ⟦idq\n")],
        quiet: &[&[
            ("              cluster: idp\n", "              cluster: idq\n"),
            ("static_resources:\n", "dynamic_resources: {cds_config: {ads: {}}}\nstatic_resources:\n"),
        ]],
    },
    Variant {
        base: Base::EnvoyText,
        code: "unknown-cluster",
        path: CLUSTER,
        edits: &[("\"cluster\": \"idp\"", "\"cluster\": ⟦\"idq\"")],
        quiet: &[],
    },
    Variant {
        base: Base::Discovery,
        code: "unknown-cluster",
        path: "providers[0].discovery.cluster providers[0].discovery.clusters.https://keys.example.com",
        edits: &[(
            "            audiences: [orders]\n",
            "            audiences: [orders]\n            discovery: {cluster: ⟦idq, clusters: {\"https://keys.example.com\": ⟦keys}}\n",
        )],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "unknown-cluster",
        path: CLUSTER,
        edits: &[("cluster: outbound|443||idp.example.com", "cluster: ⟦outbound|8443||idp.example.com")],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "unknown-cluster",
        path: "contracts.source.cluster",
        edits: &[("cluster: outbound|8443|blue|", "cluster: ⟦outbound|8443|green|")],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "unknown-cluster",
        path: "contracts.source.cluster",
        edits: &[
            ("cluster: outbound|8443", "cluster: ⟦outbound|8443"),
            (
                "kind: Service\nmetadata: {name: contracts, namespace: tessera}",
                "kind: Service\nmetadata: {name: contracts}",
            ),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "unknown-cluster",
        path: CLUSTER,
        edits: &[
            ("cluster: idp\n                      timeout", "cluster: ⟦idp\n                      timeout"),
            ("operation: ADD", "operation: MERGE"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "unknown-cluster other-routes-refused",
        path: "providers[0].introspection.cluster @spec.rules[0]",
        edits: &[
            ("cluster: httproute/tessera/idp/rule/0", "cluster: ⟦httproute/tessera/idp/rule/1"),
            // It is a route like any other then.
            (
                "  - backendRefs:\n    - {group: gateway.envoyproxy.io",
                "  - ⟦backendRefs:\n    - {group: gateway.envoyproxy.io",
            ),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "unknown-cluster",
        path: "contracts.source.cluster",
        edits: &[
            ("cluster: httproute/tessera/callouts/rule/1", "cluster: ⟦httproute/tessera/callouts/rule/1"),
            ("  - backendRefs:\n    - {name: contracts, port: 8443}\n", "  - {}\n"),
        ],
        quiet: &[],
    },
];

const ENVOY_TLS: &str = "transport_socket:\n      name: envoy.transport_sockets.tls\n      typed_config:\n        \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n        sni: idp.example.com";

const URL: &str = "providers[0].introspection.endpoint";
const NO_TLS: &[Variant] = &[
    Variant {
        base: Base::Envoy,
        code: "no-tls",
        path: URL,
        edits: &[
            ("endpoint: https", "endpoint: ⟦https"),
            (
                ENVOY_TLS,
                "metadata:\n      name: envoy.transport_sockets.tls\n      typed_config:\n        sni: idp.example.com",
            ),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::Discovery,
        code: "no-tls",
        path: "providers[0].discovery.url",
        edits: &[
            (
                "            audiences: [orders]\n",
                "            audiences: [orders]\n            discovery: {cluster: plain, url: ⟦\"https://idp.example.com/metadata\"}\n",
            ),
            (
                "resources:\n- \"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: idp",
                "resources:\n- {\"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: plain, connect_timeout: 1s}\n- \"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: idp",
            ),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "no-tls",
        path: URL,
        edits: &[("endpoint: https", "endpoint: ⟦https"), ("mode: SIMPLE", "mode: DISABLE")],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "no-tls",
        path: "contracts.source.url",
        edits: &[
            ("url: https://contracts", "url: ⟦https://contracts"),
            ("port: {number: 8443}", "port: {number: 8444}"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "no-tls",
        path: URL,
        edits: &[("endpoint: https", "endpoint: ⟦https"), ("mode: SIMPLE", "mode: ISTIO_MUTUAL")],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "no-tls",
        path: URL,
        edits: &[("endpoint: https", "endpoint: ⟦https"), ("  tls:\n    wellKnownCACertificates: System\n", "")],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "no-tls",
        path: "contracts.source.url",
        edits: &[("url: https://contracts", "url: ⟦https://contracts"), ("sectionName: https", "sectionName: plain")],
        quiet: &[],
    },
];

const UNCHECKED: &[Variant] = &[
    Variant {
        base: Base::Envoy,
        code: "tls-no-name-check",
        path: "@static_resources.clusters[0].transport_socket",
        edits: &[
            (
                ENVOY_TLS,
                "transport_socket:\n      ⟦name: envoy.transport_sockets.tls\n      typed_config:\n        \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n        sni: idp.example.com",
            ),
            ("            match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: idp.example.com}}]\n", ""),
        ],
        quiet: &[&[
            ("sni: idp.example.com", "auto_sni_san_validation: true\n        sni: idp.example.com"),
            ("            match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: idp.example.com}}]\n", ""),
        ]],
    },
    Variant {
        base: Base::Discovery,
        code: "tls-no-name-check",
        path: "@resources[1].transport_socket",
        edits: &[
            ("{san_type: DNS, matcher: {exact: contracts.example.com}}", ""),
            (
                "  transport_socket:\n    name: envoy.transport_sockets.tls\n    typed_config:\n      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n      sni: contracts",
                "  transport_socket:\n    ⟦name: envoy.transport_sockets.tls\n    typed_config:\n      \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\n      sni: contracts",
            ),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "tls-no-name-check",
        path: "@spec.configPatches[1].patch.value.transport_socket",
        edits: &[
            ("          name: envoy.transport_sockets.tls", "          ⟦name: envoy.transport_sockets.tls"),
            ("                trusted_ca: {filename: /etc/ssl/ca.pem}\n", ""),
        ],
        quiet: &[&[("trusted_ca: {filename: /etc/ssl/ca.pem}", "system_root_certs: {}")]],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "tls-no-name-check",
        path: "@spec.trafficPolicy.tls",
        edits: &[("mode: SIMPLE\n      subjectAltNames: [idp.example.com]", "⟦mode: SIMPLE")],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "tls-no-name-check",
        path: "@spec.subsets[0].trafficPolicy.portLevelSettings[0].tls",
        edits: &[("mode: MUTUAL\n", "⟦mode: MUTUAL\n          insecureSkipVerify: true\n")],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "tls-no-name-check",
        path: "@spec.tls",
        edits: &[(
            "  tls:\n    wellKnownCACertificates: System\n",
            "  tls:\n    ⟦wellKnownCACertificates: System\n    insecureSkipVerify: true\n",
        )],
        quiet: &[],
    },
];

const CLEARTEXT: &[Variant] = &[
    Variant {
        base: Base::Plain,
        code: "cleartext-remote",
        path: URL,
        edits: &[("endpoint: https", "endpoint: ⟦http")],
        quiet: &[
            &[("endpoint: https://idp.example.com", "endpoint: http://localhost:4000")],
            &[("endpoint: https://idp.example.com", "endpoint: http://127.1.2.3")],
            &[("endpoint: https://idp.example.com/introspect", "endpoint: \"http://[::1]:80/\"")],
        ],
    },
    Variant {
        base: Base::Envoy,
        code: "cleartext-remote",
        path: URL,
        edits: &[
            ("endpoint: https", "endpoint: ⟦http"),
            (
                ENVOY_TLS,
                "metadata:\n      name: envoy.transport_sockets.tls\n      typed_config:\n        sni: idp.example.com",
            ),
        ],
        quiet: &[
            // TLS is made by the cluster.
            &[("endpoint: https", "endpoint: http")],
            &[
                ("endpoint: https", "endpoint: http"),
                ("{address: idp.example.com,", "{address: 127.0.0.1,"),
                (
                    ENVOY_TLS,
                    "metadata:\n      name: envoy.transport_sockets.tls\n      typed_config:\n        sni: idp.example.com",
                ),
            ],
        ],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "cleartext-remote",
        path: "contracts.source.url",
        edits: &[("url: https://contracts", "url: ⟦http://contracts"), ("mode: MUTUAL", "mode: DISABLE")],
        quiet: &[],
    },
    Variant {
        base: Base::Policy,
        code: "cleartext-remote",
        path: URL,
        edits: &[("endpoint: https", "endpoint: ⟦http"), ("  tls:\n    wellKnownCACertificates: System\n", "")],
        quiet: &[&[
            ("endpoint: https", "endpoint: http"),
            ("fqdn: {hostname: idp.example.com, port: 443}", "unix: {path: /idp.sock}"),
            ("  tls:\n    wellKnownCACertificates: System\n", ""),
        ]],
    },
];

const CONNECT_TIMEOUTS: &[Variant] = &[
    Variant {
        base: Base::Envoy,
        code: "connect-timeout",
        path: "@static_resources.clusters[0].connect_timeout",
        edits: &[(
            "name: idp\n    type: STRICT_DNS\n    connect_timeout: 1s",
            "name: idp\n    type: STRICT_DNS\n    connect_timeout: ⟦2.5s",
        )],
        quiet: &[&[(
            "name: idp\n    type: STRICT_DNS\n    connect_timeout: 1s",
            "name: idp\n    type: STRICT_DNS\n    connect_timeout: 2s",
        )]],
    },
    Variant {
        base: Base::EnvoyText,
        code: "connect-timeout",
        path: "@static_resources.clusters[0]",
        edits: &[("name: idp\n    type: STRICT_DNS\n    connect_timeout: 1s", "⟦name: idp\n    type: STRICT_DNS")],
        quiet: &[&[
            ("name: idp\n    type: STRICT_DNS\n    connect_timeout: 1s", "name: idp\n    type: STRICT_DNS"),
            ("\"cluster\": \"idp\"", "\"cluster\": \"idp\", \"timeout\": \"5s\""),
        ]],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "connect-timeout",
        path: "@spec.trafficPolicy.connectionPool.tcp.connectTimeout",
        edits: &[("connectTimeout: 1s", "connectTimeout: ⟦2001ms")],
        quiet: &[&[("connectTimeout: 1s", "connectTimeout: 2s")], &[("{connectTimeout: 1s}", "{}")]],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "connect-timeout",
        path: "@spec.configPatches[1].patch.value.connect_timeout",
        edits: &[("connect_timeout: 1s", "connect_timeout: ⟦3s")],
        quiet: &[],
    },
];
