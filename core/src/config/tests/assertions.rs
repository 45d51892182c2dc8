//! Clients that authenticate with an assertion: `private_key_jwt` and `client_secret_jwt`.

use super::super::choose_signers;
use super::{accepted, problems, provider, smallest, with};
use crate::engine::settings::Settings;
use crate::jose::sign::samples::{self, NativeSignatures};
use crate::port::Signatures;
use crate::port::memory::NoSignatures;
use crate::provider::client_auth::{ClientAssertion, ClientAuth};
use serde_json::{Value, json};

const CLIENT: &str = "/providers/0/introspection/client";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn key(algorithm: &str, key: Value) -> Value {
    json!({"auth": "private_key_jwt", "id": "g", "algorithm": algorithm, "key": key})
}

fn secret(algorithm: &str, secret: &str) -> Value {
    json!({"auth": "client_secret_jwt", "id": "g", "algorithm": algorithm, "secret": secret})
}

fn settings(client: Value) -> Settings {
    accepted(&with(smallest(), CLIENT, client))
}

fn assertion(settings: &Settings) -> ClientAssertion {
    match &settings.providers[0].introspection.as_ref().unwrap().client {
        ClientAuth::Assertion(assertion) => (**assertion).clone(),
        other => panic!("{other:?}"),
    }
}

/// `client` with one mistake, and the lines that it earns.
#[track_caller]
fn refused(client: Value, lines: &[&str]) {
    let path = "providers[0].introspection.client";
    let lines: Vec<String> = lines.iter().map(|line| format!("{path}.{line}")).collect();
    assert_eq!(problems(&with(smallest(), CLIENT, client)), lines);
}

#[test]
fn a_key_is_pem_or_jwk_given_directly_or_by_a_variable() {
    for given in [json!({"env": "IDP_CLIENT_KEY"}), json!(samples::P256[0]), json!(samples::P256[1])] {
        let assertion = assertion(&settings(key("ES256", given)));
        assert_eq!(assertion.signer.algorithm().name(), "ES256");
        assert_eq!((&*assertion.id, assertion.audience), ("g", None));
    }
    assert_eq!(assertion(&settings(secret("HS256", SECRET))).signer.algorithm().name(), "HS256");
}

#[test]
fn the_audience_is_the_given_one_else_the_issuer() {
    let audience = |issuer: Option<&str>, audience: Option<&str>| {
        let mut client = secret("HS256", SECRET);
        if let Some(audience) = audience {
            client["audience"] = json!(audience);
        }
        let mut configuration = with(smallest(), CLIENT, client);
        if let Some(issuer) = issuer {
            configuration["providers"][0]["issuer"] = json!(issuer);
        }
        assertion(&accepted(&configuration)).audience
    };
    assert_eq!(audience(None, None), None, "the endpoint");
    assert_eq!(audience(Some("https://i"), None).as_deref(), Some("https://i"));
    assert_eq!(audience(Some("https://i"), Some("a")).as_deref(), Some("a"));
    assert_eq!(audience(None, Some("a")).as_deref(), Some("a"));
}

#[test]
fn what_is_missing_or_belongs_to_another_method() {
    refused(json!({"auth": "private_key_jwt"}), &["algorithm: is required", "id: is required", "key: is required"]);
    refused(
        json!({"auth": "client_secret_jwt"}),
        &["algorithm: is required", "id: is required", "secret: is required"],
    );
    let known = "is not known here; known are auth, key_id, algorithm, key, id, audience";
    for stranger in ["secret", "basic_encoding"] {
        let mut client = key("ES256", json!(samples::P256[0]));
        client[stranger] = json!("form");
        refused(client, &[&format!("{stranger}: {known}")]);
    }
    let known = "is not known here; known are auth, algorithm, secret, id, audience";
    for stranger in ["key", "key_id", "basic_encoding"] {
        let mut client = secret("HS256", SECRET);
        client[stranger] = json!("form");
        refused(client, &[&format!("{stranger}: {known}")]);
    }
}

#[test]
fn algorithms_are_those_that_are_signed_with_and_fit_the_method() {
    let words = "must be \"ES256\" or \"ES384\" or \"ES512\" or \"EdDSA\" or \"RS256\" or \"RS384\" or \"RS512\" or \
                 \"HS256\" or \"HS384\" or \"HS512\"";
    for name in ["PS256", "PS384", "PS512", "none", "es256", ""] {
        refused(key(name, json!(samples::RSA[0])), &[&format!("algorithm: {words}, got {name:?}")]);
    }
    let line = "algorithm: HS256 needs a secret: with it \"auth\" is client_secret_jwt";
    refused(key("HS256", json!(samples::RSA[0])), &[line]);
    refused(secret("ES256", SECRET), &["algorithm: ES256 needs a key: with it \"auth\" is private_key_jwt"]);
}

#[test]
fn keys_and_secrets_are_checked_and_never_shown() {
    let wrong = "key: is an RSA key, but \"algorithm\" needs a P-256 key";
    refused(key("ES256", json!(samples::RSA[0])), &[wrong]);
    refused(
        key("RS256", json!({"env": "UNSET"})),
        &["key.env: environment variable \"UNSET\" is not set or empty in the VM"],
    );
    refused(key("RS256", json!("")), &["key: must not be empty"]);
    refused(key("RS256", json!(7)), &["key: must be a string or {\"env\": \"NAME\"}, got a number"]);
    let neither =
        "key: must be a private key: PEM that begins with \"-----BEGIN PRIVATE KEY-----\", or a JWK (a JSON object)";
    refused(key("RS256", json!("Sesame")), &[neither]);
    refused(secret("HS256", &SECRET[1..]), &["secret: must have at least 32 bytes for HS256 (RFC 7518 §3.2)"]);
    refused(secret("HS512", SECRET), &["secret: must have at least 64 bytes for HS512 (RFC 7518 §3.2)"]);
    refused(secret("HS256", &format!("{SECRET}\n")), &["secret: must not end in a line break"]);
}

#[test]
fn parameters_do_not_set_what_the_client_sets() {
    for name in ["client_id", "client_assertion_type", "client_assertion"] {
        let configuration = with(smallest(), CLIENT, secret("HS256", SECRET));
        let parameters = json!({name: "x"});
        assert_eq!(
            problems(&with(configuration, "/providers/0/introspection/parameters", parameters)),
            [format!("providers[0].introspection: \"parameters\" sets {name}, which \"client\" sets too")]
        );
    }
}

/// What is chosen for a first provider with this client, or what is wrong with it; a second one has a secret.
fn chosen(client: Value, host: &dyn Signatures) -> (bool, Vec<String>) {
    let issued = |name: &str| with(provider(name), "/issuer", json!(format!("https://{name}")));
    let second = with(issued("second"), "/introspection/client", secret("HS384", &SECRET.repeat(2)));
    let first = with(issued("main"), "/introspection/client", client);
    let settings = accepted(&json!({"providers": [first, second], "apis": [{"id": "orders"}]}));
    match choose_signers(&settings, host) {
        Ok(lines) => (true, lines),
        Err(problems) => (false, problems.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn who_signs_is_chosen_with_the_host() {
    let line = |name: &str, by: &str, algorithm: &str| {
        format!("provider {name:?}: {by} signs the assertions of the client with {algorithm}")
    };
    let second = line("second", "the module", "HS384");
    for (algorithm, text, with, without) in [
        ("ES256", samples::P256[0], Some("the host"), Some("the module")),
        ("EdDSA", samples::ED25519[0], Some("the module"), Some("the module")),
        ("RS256", samples::RSA[1], Some("the host"), None),
        ("ES384", samples::P384[0], Some("the host"), None),
        ("ES512", samples::P521[1], Some("the host"), None),
    ] {
        for (host, by) in [(&NativeSignatures as &dyn Signatures, with), (&NoSignatures, without)] {
            let expected = match by {
                Some(by) => (true, vec![line("main", by, algorithm), second.clone()]),
                None => {
                    let path = "providers[0].introspection.client.algorithm";
                    let advice = "needs a host that signs (Envoy 1.36 or later); use ES256 or EdDSA here";
                    (false, vec![format!("{path}: {algorithm} {advice}")])
                }
            };
            assert_eq!(chosen(key(algorithm, json!(text)), host), expected);
        }
    }
}

#[test]
fn a_key_that_the_host_does_not_accept_is_refused() {
    // Its halves do not belong together, which the module does not find out for this curve.
    let mut jwk: Value = serde_json::from_str(samples::P384[1]).unwrap();
    jwk["x"] = jwk["y"].clone();
    let line = "providers[0].introspection.client.key: the host cannot sign ES384 with this key: it is damaged, or not of \
                that kind";
    assert_eq!(chosen(key("ES384", json!(jwk.to_string())), &NativeSignatures), (false, vec![line.to_owned()]));
}
