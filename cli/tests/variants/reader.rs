//! Mistakes of the configuration itself, in documents of each kind.

use super::runner::{Base, Edit, Variant};

pub fn variants() -> Vec<Variant> {
    [OF_TEXTS, OF_MEMBERS, OF_VALUES].concat()
}

const fn loud(base: Base, code: &'static str, path: &'static str, edits: &'static [Edit]) -> Variant {
    Variant { base, code, path, edits, quiet: &[] }
}

const OF_TEXTS: &[Variant] = &[
    loud(Base::EnvoyText, "syntax", "", &[("\"providers\": [{", "\"providers\": [⟦,{")]),
    loud(
        Base::Envoy,
        "no-configuration",
        "",
        &[
            (
                "configuration:\n                  \"@type\": type.googleapis.com/google.protobuf.Struct\n                  value:\n                    providers:",
                "ignored:\n                  value:\n                    providers:",
            ),
            (
                "                name: tessera\n                failure_policy",
                "                ⟦name: tessera\n                failure_policy",
            ),
        ],
    ),
    loud(Base::WasmPlugin, "duplicate-member", "cache.entries", &[("{entries: 10,", "{entries: 10, ⟦entries: 10,")]),
    loud(
        Base::EnvoyText,
        "duplicate-member",
        "providers[0].name",
        &[("\"name\": \"main\",", "\"name\": \"main\", ⟦\"name\": \"main\",")],
    ),
];

const OF_MEMBERS: &[Variant] = &[
    loud(
        Base::Plain,
        "unknown-member",
        "providers[0].introspection.retrys",
        &[("    timeout: 2s", "    ⟦retrys: 1\n    timeout: 2s")],
    ),
    loud(Base::Discovery, "unknown-member", "no_mach", &[("no_match: refuse", "⟦no_mach: refuse")]),
    loud(
        Base::Plain,
        "missing-member",
        "providers[0].introspection.client",
        &[
            ("    endpoint: https", "    ⟦endpoint: https"),
            ("    client: {id: gateway, secret: {env: IDP_CLIENT_SECRET}}\n", ""),
        ],
    ),
    loud(Base::Policy, "wrong-type", "cache.entries", &[("{entries: 10,", "{entries: ⟦\"10\",")]),
    loud(
        Base::EnvoyText,
        "wrong-type",
        "apis[0].match.paths",
        &[("\"paths\": [\"/orders/\"]", "\"paths\": ⟦\"/orders/\"")],
    ),
    loud(
        Base::Plain,
        "unknown-reference",
        "apis[0].providers[0]",
        &[("- id: orders-v1\n", "- id: orders-v1\n  providers: [⟦other]\n")],
    ),
];

const OF_VALUES: &[Variant] = &[
    loud(Base::Envoy, "out-of-range", "providers[0].introspection.timeout", &[("timeout: 2s", "timeout: ⟦0s")]),
    loud(
        Base::TrafficExtension,
        "out-of-range",
        "providers[0].introspection.timeout",
        &[("timeout: 2s", "timeout: ⟦61s")],
    ),
    loud(Base::WasmPlugin, "bad-value", "no_match", &[("no_match: refuse", "no_match: ⟦allow")]),
    loud(Base::EnvoyFilter, "bad-value", "apis[0].match.paths[0]", &[("paths: [/orders/]", "paths: [⟦orders/]")]),
    loud(
        Base::EnvoyFilter,
        "conflict",
        "apis[0].operations[0]",
        &[(
            "- match: {methods: [OPTIONS]}\n",
            "- ⟦match: {methods: [OPTIONS]}\n                      scopes: {all: [a]}\n",
        )],
    ),
    loud(
        Base::Plain,
        "bad-secret secret-inline",
        "contracts.source.headers.authorization contracts.source.headers.authorization",
        &[("{env: CONTRACTS_AUTH}", "⟦⟦\"a\\u0001b\"")],
    ),
    loud(
        Base::Plain,
        "env-not-set",
        "providers[0].introspection.client.secret.env",
        &[("{env: IDP_CLIENT_SECRET}", "{env: ⟦IDP_CLIENT_SECRET_UNSET}")],
    ),
];
