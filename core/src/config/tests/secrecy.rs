//! No secret shows, whatever else is wrong.

use super::smallest;
use crate::jose::sign::samples;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The marker that must never show. Legal wherever a secret may stand.
const MARKER: &str = "Sesame-0pen-8c1f-of-at-least-32-bytes";

/// The secret member of the key.
const KEY: &str = "VvJqU1mPD_F-5bxiGFNjN16NFRiL4tLdYaAicunZ7ws";

const METHODS: [&str; 6] =
    ["client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt", "bearer", "none"];

/// A configuration with the marker at every place for a secret, given directly or through the environment.
fn configuration(auth: &str, direct: bool) -> Value {
    let secret = if direct { json!(MARKER) } else { json!({"env": "MARKED"}) };
    let key = if direct { json!(samples::ED25519[1]) } else { json!({"env": "KEY"}) };
    let mut configuration = smallest();
    configuration["providers"][0]["introspection"]["client"] = match auth {
        "bearer" => json!({"auth": auth, "secret": secret}),
        "client_secret_jwt" => json!({"auth": auth, "id": "g", "algorithm": "HS256", "secret": secret}),
        "private_key_jwt" => json!({"auth": auth, "id": "g", "algorithm": "EdDSA", "key": key}),
        _ => json!({"auth": auth, "id": "g", "secret": secret}),
    };
    configuration["providers"][0]["introspection"]["headers"] = json!({"x-key": secret});
    configuration["contracts"] =
        json!({"source": {"url": "https://c/", "cluster": "c", "headers": {"authorization": secret}}});
    configuration
}

fn env(name: &str) -> Option<String> {
    match name {
        "MARKED" => Some(MARKER.to_owned()),
        "KEY" => Some(samples::ED25519[1].to_owned()),
        _ => None,
    }
}

fn read(configuration: &Value) -> String {
    match super::super::read(configuration.to_string().as_bytes(), &env) {
        Ok(settings) => format!("{settings:?}"),
        Err(problems) => problems.iter().map(|problem| format!("{problem} {problem:?}\n")).collect(),
    }
}

#[test]
fn settings_show_no_secret() {
    for auth in METHODS.into_iter().filter(|auth| *auth != "none") {
        for direct in [true, false] {
            let shown = read(&configuration(auth, direct));
            assert!(shown.starts_with("Settings"), "{shown}");
            assert!(!shown.contains(MARKER) && !shown.contains(KEY), "{auth}: {shown}");
        }
    }
}

#[test]
fn a_url_with_credentials_is_not_repeated() {
    let mut configuration = configuration("client_secret_basic", true);
    configuration["providers"][0]["introspection"]["endpoint"] = json!(format!("https://gw:{MARKER}@idp/"));
    configuration["contracts"]["source"]["url"] = json!(format!("https://gw:{MARKER}@c/"));
    configuration["replies"] = json!({"resource_metadata": format!("https://gw:{MARKER}@c/")});
    let shown = read(&configuration);
    assert_eq!(shown.matches("must not hold credentials").count(), 6, "each once as text and once as debug: {shown}");
    assert!(!shown.contains(MARKER), "{shown}");
}

/// As the filter's log has it.
#[test]
fn a_key_in_the_place_of_a_secret_is_not_repeated() {
    let client = "/providers/0/introspection/client";
    for (auth, member, value, line) in [
        ("bearer", "secret", json!({MARKER: 1}), "client.secret.…: is not known here"),
        ("bearer", "secret", json!({"env": "MARKED", MARKER: 1}), "client.secret.…: is not known here"),
        ("bearer", "secret", json!({format!("env.{MARKER}"): 1}), "client.secret.…: is not known here"),
        ("bearer", "secret", json!({"env": "UNSET"}), "client.secret.env: environment variable"),
        ("private_key_jwt", "key", json!({MARKER: 1}), "client.key.…: is not known here"),
        ("private_key_jwt", "key", json!({"kty": "EC", "d": MARKER}), "client.key.…: is not known here"),
        ("private_key_jwt", "key", json!([MARKER]), "client.key: must be"),
        ("private_key_jwt", "key", json!({"env": "UNSET"}), "client.key.env: environment variable"),
    ] {
        let mut configuration = configuration(auth, false);
        configuration.pointer_mut(client).unwrap()[member] = value;
        let problems = super::super::read(configuration.to_string().as_bytes(), &env).unwrap_err();
        let log: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        assert!(log.contains(line) && !log.contains(MARKER), "{line}: {log}");
    }
}

#[test]
fn a_key_in_the_place_of_a_header_is_not_repeated() {
    for (headers, name) in
        [("/providers/0/introspection/headers", "x-key"), ("/contracts/source/headers", "authorization")]
    {
        for (value, line) in [
            (json!({MARKER: 1}), format!("headers.{name}.…: is not known here")),
            (json!({"env": "UNSET"}), format!("headers.{name}.env: environment variable")),
        ] {
            let mut configuration = configuration("bearer", false);
            configuration.pointer_mut(headers).unwrap()[name] = value;
            let problems = super::super::read(configuration.to_string().as_bytes(), &env).unwrap_err();
            let log: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
            assert!(log.contains(&line) && !log.contains(MARKER), "{line}: {log}");
        }
    }
}

#[test]
fn text_that_is_not_json_is_not_repeated() {
    for text in [
        format!("{{\"secret\": \"{MARKER}"),
        format!("{{\"secret\": {MARKER}}}"),
        format!("{{\"secret\": \"{MARKER}\\x\"}}"),
        format!("\"{MARKER}\""),
    ] {
        let problems = super::super::read(text.as_bytes(), &env).unwrap_err();
        assert!(!format!("{problems:?}").contains(MARKER), "{problems:?}");
    }
}

proptest! {
    #[test]
    fn mistakes_around_secrets_show_none(
        auth in prop::sample::select(&METHODS[..]),
        direct: bool,
        broken in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8), 1..4),
    ) {
        let places = [
            "/providers/0/introspection/client/secret", "/providers/0/introspection/client/key",
            "/providers/0/introspection/client/algorithm", "/providers/0/introspection/client",
            "/providers/0/introspection/headers", "/providers/0/introspection/headers/x-key",
            "/providers/0/introspection", "/providers/0", "/contracts/source/headers",
            "/contracts/source/headers/authorization", "/contracts/source", "/contracts", "/providers",
            "/providers/0/introspection/endpoint", "/providers/0/name",
        ];
        let mut configuration = configuration(auth, direct);
        for (place, how) in broken {
            let Some(place) = configuration.pointer_mut(places[place.index(places.len())]) else { continue };
            let old = place.take();
            *place = match how {
                0 => json!([old]),
                1 => json!({"env": old}),
                2 => json!({"value": old}),
                3 => Value::Null,
                4 => match old {
                    Value::String(text) => json!(format!("{text}\n")),
                    other => other,
                },
                _ => match old {
                    Value::Object(mut members) => {
                        members.insert("surprise".to_owned(), json!(MARKER));
                        Value::Object(members)
                    }
                    other => other,
                },
            };
        }
        let shown = read(&configuration);
        prop_assert!(!shown.contains(MARKER) && !shown.contains(KEY), "{}", shown);
    }
}
