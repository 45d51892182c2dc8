//! All mistakes at once: none hides another.

use super::{problems, provider, smallest, with};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn five_mistakes_are_five_lines() {
    let configuration = json!({
        "providers": [
            {"name": "Main", "introspection": {
                "endpoint": "idp", "cluster": "idp", "timeout": "0s", "client": {"id": "g", "secret": {"env": "UNSET"}}}}
        ],
        "apis": [{"id": "orders", "scope": {}}],
    });
    assert_eq!(
        problems(&configuration),
        [
            "apis[0].scope: is not known here; known are id, match, providers, token, claims, scopes, \
             contract, operations, resource, upstream",
            "providers[0].introspection.client.secret.env: environment variable \"UNSET\" is not set or empty in the VM",
            "providers[0].introspection.endpoint: must begin with \"https://\" or \"http://\"",
            "providers[0].introspection.timeout: must be between 1ms and 60s, got \"0s\"",
            "providers[0].name: must be lower-case letters, digits and \"-\", and not begin with \"-\", got \"Main\"",
        ]
    );
}

/// A mistake and where it is reported; no two at one place.
fn mistakes() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/providers/0/name", json!("Main"), "providers[0].name: must be"),
        ("/providers/0/introspection/timeout", json!("0s"), "providers[0].introspection.timeout: must be"),
        ("/providers/0/introspection/client/auth", json!("x"), "providers[0].introspection.client.auth: must be"),
        ("/providers/1/name", json!("third"), "providers[2].name: is the name of another provider"),
        ("/providers/1/issuer", json!("i2"), "providers[2].issuer: is the issuer of another provider"),
        ("/providers/1/clock_skew", json!(1), "providers[1].clock_skew: must be"),
        ("/apis/0/providers", json!(["nobody"]), "apis[0].providers[0]: no provider is named"),
        ("/apis/0/scopes", json!({}), "apis[0].scopes: must hold"),
        ("/apis/0/operations/0/max_age", json!("0s"), "apis[0].operations[0].max_age: must be"),
        ("/apis/0/upstream", json!({"claims_prefix": "X"}), "apis[0].upstream.claims_prefix: must be"),
        ("/apis/1/id", json!("third"), "apis[2].id: is the id of another API"),
        ("/no_match", json!("maybe"), "no_match: must be"),
        ("/ambiguous_paths", json!("maybe"), "ambiguous_paths: must be"),
        ("/token/sources", json!([]), "token.sources: must not"),
        ("/token/max_length", json!(0), "token.max_length: must be"),
        ("/contracts/inline/0/api", json!("nothing"), "contracts.inline[0].api: no API"),
        ("/contracts/inline/1/expires_at", json!("soon"), "contracts.inline[1].expires_at: not a date"),
        ("/contracts/inline/2/provider", json!("nobody"), "contracts.inline[2].provider: no provider"),
        ("/contracts/source/refresh", json!("1ms"), "contracts.source.refresh: must be"),
        ("/cache/entries", json!(-1), "cache.entries: must be"),
        ("/cache/max_ttl", json!("0s"), "cache.max_ttl: must be"),
        ("/replies/retry_after", json!("0s"), "replies.retry_after: must be"),
        ("/surprise", json!(1), "surprise: is not known here"),
    ]
}

fn sound() -> Value {
    let issued = |name: &str, issuer: &str| with(provider(name), "/issuer", json!(issuer));
    json!({
        "providers": [issued("main", "i0"), issued("second", "i1"), issued("third", "i2")],
        "apis": [
            {"id": "orders", "operations": [{"match": {}}]}, {"id": "second"}, {"id": "third"}
        ],
        "token": {},
        "contracts": {
            "inline": [
                {"api": "orders", "client_id": "c"}, {"api": "orders", "client_id": "c"},
                {"api": "orders", "client_id": "c"}
            ],
            "source": {"url": "https://c/", "cluster": "c"}
        },
        "cache": {},
        "replies": {},
    })
}

proptest! {
    #[test]
    fn no_mistake_hides_another(picked in prop::collection::vec(any::<bool>(), mistakes().len())) {
        let mut configuration = sound();
        let mut expected = Vec::new();
        for ((pointer, value, line), picked) in mistakes().into_iter().zip(picked) {
            if picked {
                configuration = with(configuration, pointer, value);
                expected.push(line);
            }
        }
        if expected.is_empty() {
            prop_assert!(super::read(&configuration).is_ok());
            return Ok(());
        }
        let lines = problems(&configuration);
        for line in &expected {
            prop_assert!(lines.iter().any(|found| found.starts_with(line)), "{line}\nnot in {lines:#?}");
        }
        prop_assert_eq!(lines.len(), expected.len(), "{:#?}", lines);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(super::super::read(&bytes, &super::env).is_err());
    }

    #[test]
    fn any_json_anywhere_is_read_without_a_panic(value in json_value(), place in any::<prop::sample::Index>()) {
        let places = [
            "/providers", "/providers/0", "/providers/0/introspection", "/providers/0/introspection/client",
            "/providers/0/introspection/client/secret", "/providers/0/introspection/headers", "/providers/0/claims",
            "/apis", "/apis/0", "/apis/0/match", "/apis/0/operations", "/apis/0/upstream", "/apis/0/upstream/headers",
            "/token", "/token/sources", "/contracts", "/contracts/inline", "/contracts/source", "/cache", "/replies",
        ];
        let mut configuration = super::example::full();
        *configuration.pointer_mut(places[place.index(places.len())]).unwrap() = value;
        if let Err(problems) = super::read(&configuration) {
            prop_assert!(!problems.is_empty());
        }
    }
}

/// JSON whose member names are often those of a configuration.
#[allow(clippy::too_many_lines, reason = "a table of cases")]
fn json_value() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "name",
        "id",
        "match",
        "hosts",
        "paths",
        "methods",
        "header",
        "query",
        "scheme",
        "env",
        "url",
        "endpoint",
        "cluster",
        "client",
        "auth",
        "secret",
        "inline",
        "source",
        "api",
        "client_id",
        "status",
        "entries",
        "realm",
        "all",
        "any",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "main",
            "orders-v1",
            "15s",
            "https://h/",
            "*",
            "*.",
            "/",
            "none",
            "bearer",
            "IDP_CLIENT_SECRET"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

#[test]
fn the_sound_configuration_of_these_tests_is_sound() {
    super::accepted(&sound());
    super::accepted(&smallest());
}
