//! Routes that no API is for, and preflight requests.

use super::runner::{Base, Variant};

pub fn variants() -> Vec<Variant> {
    [OF_ENVOY, OF_ISTIO, OF_ENVOY_GATEWAY, PREFLIGHTS].concat()
}

const LAST: &str = "                route: {cluster: upstream}\n";
const OF_ENVOY: &[Variant] = &[
    Variant {
        base: Base::Envoy,
        code: "other-routes-refused",
        path: "@static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[1]",
        edits: &[(
            LAST,
            "                route: {cluster: upstream}\n              - ⟦match: {prefix: /users/}\n                route: {cluster: upstream}\n",
        )],
        quiet: &[
            &[(
                LAST,
                "                route: {cluster: upstream}\n              - match: {prefix: /}\n                route: {cluster: upstream}\n",
            )],
            &[(
                LAST,
                "                route: {cluster: upstream}\n              - match: {prefix: /users/}\n                direct_response: {status: 200}\n",
            )],
            &[(
                LAST,
                "                route: {cluster: upstream}\n              - match: {safe_regex: {regex: \"/orders/[0-9]+\"}}\n                route: {cluster: upstream}\n",
            )],
            &[(
                LAST,
                "                route: {cluster: upstream}\n              - match: {prefix: /users/}\n                route: {cluster: upstream}\n                typed_per_filter_config: {tessera: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}\n",
            )],
            &[
                (
                    LAST,
                    "                route: {cluster: upstream}\n              - match: {prefix: /users/}\n                route: {cluster: upstream}\n",
                ),
                ("no_match: refuse", "no_match: refuse\n                    ambiguous_paths: literal"),
                (
                    "                    apis:\n",
                    "                    apis:\n                    - {id: users, match: {paths: [/users/]}, operations: [{match: {}, public: true}]}\n",
                ),
            ],
        ],
    },
    Variant {
        base: Base::EnvoyText,
        code: "other-routes-refused",
        path: "@static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0]",
        edits: &[
            ("domains: [api.example.com]", "domains: [www.example.com]"),
            ("- match: {prefix: /orders/}", "- ⟦match: {prefix: /orders/}"),
        ],
        quiet: &[
            &[("domains: [api.example.com]", "domains: [\"*.example.com:8080\"]")],
            &[("domains: [api.example.com]", "domains: [\"*\"]")],
        ],
    },
    Variant {
        base: Base::Discovery,
        code: "other-routes-refused",
        path: "@resources[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0]",
        edits: &[("- match: {prefix: /orders/}", "- ⟦match: {path: /login}")],
        quiet: &[],
    },
];

const ROUTE: &str = "      route: [{destination: {host: orders}}]\n";
const OF_ISTIO: &[Variant] = &[
    Variant {
        base: Base::WasmPlugin,
        code: "other-routes-refused",
        path: "@items[1].spec.http[1]",
        edits: &[(
            ROUTE,
            "      route: [{destination: {host: orders}}]\n    - ⟦match: [{uri: {exact: /login}}, {uri: {prefix: /users/}}]\n      route: [{destination: {host: users}}]\n",
        )],
        quiet: &[
            &[(
                ROUTE,
                "      route: [{destination: {host: orders}}]\n    - match: [{uri: {exact: /login}}, {uri: {prefix: /ord}}]\n      route: [{destination: {host: users}}]\n",
            )],
            &[(
                ROUTE,
                "      route: [{destination: {host: orders}}]\n    - match: [{uri: {prefix: /users/}}]\n      directResponse: {status: 200}\n",
            )],
            &[
                (
                    ROUTE,
                    "      route: [{destination: {host: orders}}]\n    - match: [{uri: {prefix: /users/}}]\n      route: [{destination: {host: users}}]\n",
                ),
                ("gateways: [front]", "gateways: [other/front]"),
            ],
        ],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "other-routes-refused",
        path: "@items[1].spec.http[0]",
        edits: &[("    - match: [{uri: {prefix: /orders/}}]", "    - ⟦match: [{uri: {prefix: /users/}}]")],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "other-routes-refused",
        path: "@items[2].spec.rules[0]",
        edits: &[(
            "    - matches: [{path: {type: PathPrefix, value: /orders}}]",
            "    - ⟦matches: [{path: {type: Exact, value: /orders}}]",
        )],
        quiet: &[&[("{type: PathPrefix, value: /orders}", "{type: Exact, value: /orders/7}")]],
    },
];

const OF_ENVOY_GATEWAY: &[Variant] = &[
    Variant {
        base: Base::Policy,
        code: "other-routes-refused",
        path: "@spec.rules[0]",
        edits: &[(
            "  - matches: [{path: {type: PathPrefix, value: /orders}}]",
            "  - ⟦matches: [{path: {type: PathPrefix, value: /users}}]",
        )],
        quiet: &[
            &[
                (
                    "  - {group: gateway.networking.k8s.io, kind: Gateway, name: front}",
                    "  - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: front}",
                ),
                ("value: /orders}", "value: /users}"),
            ],
            &[
                ("kind: Gateway, name: front}", "kind: Gateway, name: front, sectionName: a}"),
                (
                    "parentRefs: [{name: front}]\n  hostnames: [api.example.com]\n  rules:\n  - matches: [{path: {type: PathPrefix, value: /orders}}]",
                    "parentRefs: [{name: front, sectionName: b}]\n  hostnames: [api.example.com]\n  rules:\n  - matches: [{path: {type: PathPrefix, value: /users}}]",
                ),
            ],
        ],
    },
    Variant {
        base: Base::Policy,
        code: "other-routes-refused",
        path: "@spec.rules[0]",
        edits: &[
            ("kind: HTTPRoute\nmetadata: {name: orders,", "kind: GRPCRoute\nmetadata: {name: orders,"),
            (
                "  - matches: [{path: {type: PathPrefix, value: /orders}}]",
                "  - ⟦matches: [{method: {service: shop.Orders}}]",
            ),
        ],
        quiet: &[&[
            ("kind: HTTPRoute\nmetadata: {name: orders,", "kind: GRPCRoute\nmetadata: {name: orders,"),
            ("matches: [{path: {type: PathPrefix, value: /orders}}]", "matches: [{method: {service: shop.Orders}}]"),
            ("paths: [/orders/]", "paths: [/shop.Orders/List]"),
        ]],
    },
];

/// Where an EnvoyFilter puts it.
const PUT: &str = "{context: GATEWAY}\n    patch:\n      operation: INSERT_BEFORE";
const BEFORE_ROUTER: &str = "{context: GATEWAY, listener: {filterChain: {filter: {subFilter: {name: \
                             envoy.filters.http.router}}}}}\n    patch:\n      operation: INSERT_BEFORE";
const BEHIND_CORS: &str = "{context: GATEWAY, listener: {filterChain: {filter: {subFilter: {name: \
                           envoy.filters.http.cors}}}}}\n    patch:\n      operation: INSERT_AFTER";
const BEHIND_JWT: &str = "{context: GATEWAY, listener: {filterChain: {filter: {subFilter: {name: \
                          envoy.filters.http.jwt_authn}}}}}\n    patch:\n      operation: INSERT_AFTER";
const OPERATIONS_OF_FILTER: &str = "                    - match: {methods: [OPTIONS]}\n";
const OPERATIONS: &str = "      - match: {methods: [OPTIONS]}\n";
const OPERATIONS_OF_ENVOY: &str =
    "                      - match: {methods: [OPTIONS]}\n                        public: true\n";
const CORS: &str = "          - name: envoy.filters.http.cors\n            typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}\n";
const FETCHED_CORS: &str = "        - name: envoy.filters.http.cors\n          typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}\n";
const PREFLIGHTS: &[Variant] = &[
    Variant {
        base: Base::Envoy,
        code: "preflight-refused",
        path: "apis[0]",
        edits: &[
            (CORS, ""),
            (
                "          - name: envoy.filters.http.router",
                "          - {name: envoy.filters.http.cors}\n          - name: envoy.filters.http.router",
            ),
            ("                    - id: orders-v1", "                    - ⟦id: orders-v1"),
            (OPERATIONS_OF_ENVOY, "                      - {match: {methods: [GET]}, public: true}\n"),
        ],
        quiet: &[
            // The filter that answers stands first.
            &[(OPERATIONS_OF_ENVOY, "                      - {match: {methods: [GET]}, public: true}\n")],
            &[
                (CORS, ""),
                (
                    "          - name: envoy.filters.http.router",
                    "          - {name: envoy.filters.http.cors}\n          - name: envoy.filters.http.router",
                ),
            ],
            &[(CORS, ""), (OPERATIONS_OF_ENVOY, "                      - {match: {methods: [GET]}, public: true}\n")],
            &[
                (CORS, ""),
                (
                    "          - name: envoy.filters.http.router",
                    "          - {name: envoy.filters.http.cors}\n          - name: envoy.filters.http.router",
                ),
                (OPERATIONS_OF_ENVOY, "                      - {match: {}, public: true}\n"),
            ],
            &[
                (CORS, ""),
                (
                    "          - name: envoy.filters.http.router",
                    "          - {name: envoy.filters.http.cors}\n          - name: envoy.filters.http.router",
                ),
                (
                    OPERATIONS_OF_ENVOY,
                    "                      - {match: {methods: [GET]}, max_age: 1s}\n                      token: optional\n",
                ),
            ],
        ],
    },
    Variant {
        base: Base::Discovery,
        code: "preflight-refused",
        path: "apis[0]",
        edits: &[
            (FETCHED_CORS, ""),
            (
                "        - name: envoy.filters.http.router",
                "        - {name: envoy.filters.http.cors}\n        - name: envoy.filters.http.router",
            ),
            ("          - id: orders-v1", "          - ⟦id: orders-v1"),
            ("            - match: {methods: [OPTIONS]}\n", "            - match: {methods: [GET]}\n"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::WasmPlugin,
        code: "preflight-refused",
        path: "apis[0]",
        edits: &[("    - id: orders-v1", "    - ⟦id: orders-v1"), (OPERATIONS, "      - match: {methods: [GET]}\n")],
        quiet: &[&[
            (OPERATIONS, "      - match: {methods: [GET]}\n"),
            ("      corsPolicy: {allowMethods: [GET]}\n", ""),
        ]],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "preflight-refused",
        path: "apis[0]",
        edits: &[
            ("operation: INSERT_BEFORE", "operation: INSERT_FIRST"),
            ("                  - id: orders-v1", "                  - ⟦id: orders-v1"),
            (OPERATIONS_OF_FILTER, "                    - match: {methods: [GET]}\n"),
        ],
        quiet: &[
            &[("operation: INSERT_BEFORE", "operation: INSERT_FIRST")],
            &[
                ("operation: INSERT_BEFORE", "operation: INSERT_FIRST"),
                (OPERATIONS_OF_FILTER, "                    - match: {methods: [GET]}\n"),
                ("      corsPolicy: {allowMethods: [GET]}\n", ""),
            ],
            &[(PUT, BEFORE_ROUTER), (OPERATIONS_OF_FILTER, "                    - match: {methods: [GET]}\n")],
            &[(PUT, BEHIND_CORS), (OPERATIONS_OF_FILTER, "                    - match: {methods: [GET]}\n")],
        ],
    },
    // Nothing is selected: before the first one.
    Variant {
        base: Base::EnvoyFilter,
        code: "preflight-refused",
        path: "apis[0]",
        edits: &[
            ("                  - id: orders-v1", "                  - ⟦id: orders-v1"),
            (OPERATIONS_OF_FILTER, "                    - match: {methods: [GET]}\n"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::EnvoyFilter,
        code: "preflight-refused",
        path: "apis[0]",
        edits: &[
            (PUT, BEHIND_JWT),
            ("                  - id: orders-v1", "                  - ⟦id: orders-v1"),
            (OPERATIONS_OF_FILTER, "                    - match: {methods: [GET]}\n"),
        ],
        quiet: &[],
    },
    Variant {
        base: Base::TrafficExtension,
        code: "preflight-refused",
        path: "apis[0]",
        edits: &[
            ("      - id: orders-v1", "      - ⟦id: orders-v1"),
            (
                "        - match: {methods: [OPTIONS]}\n          public: true\n",
                "        - {match: {}, scopes: {all: [a]}}\n        - {match: {methods: [OPTIONS]}, public: true}\n",
            ),
        ],
        quiet: &[],
    },
];
