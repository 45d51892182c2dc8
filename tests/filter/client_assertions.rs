//! The client authenticates with a signed assertion (RFC 7523) to its authorization server.

use crate::caller::active;
use crate::configuration::{configuration, provider};
use crate::host::{Callout, HostSignatures, Worker};
use crate::tokens::{KeyKind, KeyPair};
use crate::{process, worker};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const ENDPOINT: &str = "https://idp.example.com/oauth2/introspect";

/// A client with this key.
fn with_key(algorithm: &str, key: &KeyPair, further: Value) -> String {
    let mut client = json!({"auth": "private_key_jwt", "algorithm": algorithm, "key": key.pem(), "secret": null});
    client.as_object_mut().expect("an object").extend(further.as_object().expect("an object").clone());
    configuration(json!({"providers": [provider(json!({"introspection": {"client": client, "retries": 1}}))]}))
}

/// The assertion of a call, and its header and claims.
fn assertion(call: &Callout) -> (String, Value, Value) {
    assert_eq!(call.field("client_id").as_deref(), Some("gateway"));
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(call.field("client_assertion_type").as_deref(), Some(kind));
    let assertion = call.field("client_assertion").expect("an assertion");
    let part = |index: usize| {
        let segment = assertion.split('.').nth(index).expect("a segment");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).expect("base64url")).expect("JSON")
    };
    let (header, claims) = (part(0), part(1));
    (assertion, header, claims)
}

#[track_caller]
fn verify(assertion: &str, algorithm: &'static dyn VerificationAlgorithm, key: &KeyPair) {
    let (text, made) = assertion.rsplit_once('.').expect("three segments");
    let made = URL_SAFE_NO_PAD.decode(made).expect("base64url");
    UnparsedPublicKey::new(algorithm, key.spki()).verify(text.as_bytes(), &made).expect("a good signature");
}

/// Nothing that is logged says anything of the key or of an assertion.
#[track_caller]
fn keeps_quiet(worker: &Worker, key: &KeyPair) {
    let logged: String = worker.logs().into_iter().map(|(_, line)| line + "\n").collect();
    let secrets = key.pem().lines().filter(|line| !line.starts_with('-')).map(str::to_owned).collect::<Vec<_>>();
    let sent = worker.sent_callouts().iter().map(|call| assertion(call).0).collect::<Vec<_>>();
    for secret in secrets.iter().chain(&sent) {
        assert!(!logged.contains(secret.as_str()), "{logged}");
    }
}

#[test]
fn what_is_signed_with_each_algorithm_is_good_whoever_signs() {
    for (algorithm, verified_by, by_module) in [
        ("ES256", &signature::ECDSA_P256_SHA256_FIXED as &'static dyn VerificationAlgorithm, true),
        ("ES384", &signature::ECDSA_P384_SHA384_FIXED, false),
        ("ES512", &signature::ECDSA_P521_SHA512_FIXED, false),
        ("RS256", &signature::RSA_PKCS1_2048_8192_SHA256, false),
        ("RS384", &signature::RSA_PKCS1_2048_8192_SHA384, false),
        ("RS512", &signature::RSA_PKCS1_2048_8192_SHA512, false),
        ("EdDSA", &signature::ED25519, true),
    ] {
        let key = KeyPair::signing(algorithm);
        let configuration = with_key(algorithm, &key, json!({"key_id": "k1"}));
        for offered in [HostSignatures::Whole, HostSignatures::WithoutSign, HostSignatures::Missing] {
            let process = process();
            process.set_signatures(offered);
            let worker = match process.worker(&configuration) {
                Ok(worker) => worker,
                Err(refused) => {
                    assert!(offered != HostSignatures::Whole && !by_module, "{algorithm}: {:?}", refused.logs);
                    let path = "providers[0].introspection.client.algorithm";
                    let advice = "needs a host that signs (Envoy 1.36 or later); use ES256 or EdDSA here";
                    let line = format!("{path}: {algorithm} {advice}");
                    assert!(refused.logs.iter().any(|(_, logged)| *logged == line), "{:?}", refused.logs);
                    continue;
                }
            };
            let stream = worker.bearer("abc");
            let call = worker.callout();
            let (made, header, claims) = assertion(&call);
            assert_eq!(header, json!({"alg": algorithm, "typ": "JWT", "kid": "k1"}));
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!("gateway"), &json!("gateway")));
            assert_eq!(claims["aud"], json!(ENDPOINT));
            let now = process.now().as_secs();
            assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 60)));
            verify(&made, verified_by, &key);
            worker.answer_json(call.id, &active(json!({"client_id": "portal"})));
            assert_eq!(worker.outcome(stream).upstream().text("x-client-id"), Some("portal"));
            keeps_quiet(&worker, &key);
        }
    }
}

#[test]
fn each_attempt_has_a_random_number_of_its_own() {
    let key = KeyPair::generate(KeyKind::P256);
    let worker = worker(&with_key("ES256", &key, json!({"audience": "https://idp.example.com/"})));
    let stream = worker.bearer("abc");
    worker.answer(worker.callout().id, 503, &[("x", "y")], "");
    worker.answer_json(worker.callout().id, &active(json!({"client_id": "portal"})));
    assert!(worker.outcome(stream).passed());
    worker.bearer("def");
    let numbers: Vec<String> = worker
        .sent_callouts()
        .iter()
        .map(|call| {
            let (_, header, claims) = assertion(call);
            assert_eq!(header, json!({"alg": "ES256", "typ": "JWT"}));
            assert_eq!(claims["aud"], json!("https://idp.example.com/"));
            claims["jti"].as_str().expect("a string").to_owned()
        })
        .collect();
    let [first, second, third] = &numbers[..] else { panic!("{numbers:?}") };
    assert!(first != second && second != third && first != third, "{numbers:?}");
    for number in &numbers {
        assert_eq!(URL_SAFE_NO_PAD.decode(number).expect("base64url").len(), 16);
    }
}

#[test]
fn a_secret_signs_too() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let client = json!({"auth": "client_secret_jwt", "algorithm": "HS256", "secret": SECRET});
    let providers = json!([provider(json!({"issuer": "https://idp", "introspection": {"client": client}}))]);
    let process = process();
    process.set_signatures(HostSignatures::Missing);
    let worker = process.worker(&configuration(json!({"providers": providers}))).expect("a sound configuration");
    worker.bearer("abc");
    let (made, header, claims) = assertion(&worker.callout());
    assert_eq!((header, &claims["aud"]), (json!({"alg": "HS256", "typ": "JWT"}), &json!("https://idp")));
    let (text, made) = made.rsplit_once('.').expect("three segments");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let made = URL_SAFE_NO_PAD.decode(made).expect("base64url");
    aws_lc_rs::hmac::verify(&key, text.as_bytes(), &made).expect("a good signature");
}

#[test]
fn a_key_that_the_host_does_not_take_is_refused() {
    let process = process();
    process.set_signatures(HostSignatures::AlwaysBad);
    for (algorithm, kind) in [("RS256", KeyKind::Rsa), ("ES384", KeyKind::P384)] {
        let Err(refused) = process.worker(&with_key(algorithm, &KeyPair::generate(kind), json!({}))) else {
            panic!("{algorithm}: accepted");
        };
        let path = "providers[0].introspection.client.key";
        let line =
            format!("{path}: the host cannot sign {algorithm} with this key: it is damaged, or not of that kind");
        assert!(refused.logs.iter().any(|(_, logged)| *logged == line), "{:?}", refused.logs);
    }
    for (algorithm, kind) in [("ES256", KeyKind::P256), ("EdDSA", KeyKind::Ed25519)] {
        let key = KeyPair::generate(kind);
        let worker = process.worker(&with_key(algorithm, &key, json!({}))).expect("the module signs");
        worker.bearer(algorithm);
        assertion(&worker.callout());
    }
}

#[test]
fn a_host_that_stops_signing_ends_requests_and_hangs_none() {
    let key = KeyPair::generate(KeyKind::Rsa);
    for broken in [HostSignatures::Missing, HostSignatures::AlwaysBad, HostSignatures::Garbled] {
        let process = process();
        let worker = process.worker(&with_key("RS256", &key, json!({}))).expect("a sound configuration");
        process.set_signatures(broken);
        for _ in 0..2 {
            let stream = worker.bearer("abc");
            assert_eq!(worker.outcome(stream).status(), Some(500), "{broken:?}");
            assert_eq!(worker.outcome_property(stream).as_deref(), Some("internal_error"));
            worker.hang_up(stream);
        }
        assert!(worker.sent_callouts().is_empty());
        // Once it signs again, nothing is left of it. Between two attempts it ends those who wait, too.
        process.set_signatures(HostSignatures::Whole);
        let stream = worker.bearer("abc");
        process.set_signatures(broken);
        worker.answer(worker.callout().id, 503, &[("x", "y")], "");
        assert_eq!(worker.outcome(stream).status(), Some(500), "{broken:?}");
        keeps_quiet(&worker, &key);
    }
}
