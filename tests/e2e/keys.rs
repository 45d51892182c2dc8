//! A JWK Set in trouble: the last good keys stay, the metrics tell, and nothing unverified passes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::{Connection, Request};
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::refusal::assert_refused;
use crate::jwt::{ISSUER, now, only, token};
use crate::tokens::{Issuer, KeyKind, KeyPair};

const KEYS: &str = "/jwks";

/// An issuer whose keys Envoy fetches, so often, and gives a busy machine its time.
fn start(refresh: &str) -> (Issuer, DocumentSource, Envoy) {
    let issuer = Issuer::new(ISSUER, now(), &[KeyKind::P256, KeyKind::Ed25519]);
    let source = DocumentSource::start();
    source.answer_for(KEYS, Answer::json(issuer.jwks()));
    let envoy = envoy(&source, refresh, "30s");
    (issuer, source, envoy)
}

fn envoy(source: &DocumentSource, refresh: &str, timeout: &str) -> Envoy {
    let keys = json!({"url": format!("{ISSUER}{KEYS}"), "cluster": "keys", "refresh": refresh, "timeout": timeout});
    let jwt = json!({"keys": keys, "algorithms": ["ES256", "EdDSA"]});
    let provider = json!({"name": "main", "issuer": ISSUER, "jwt": jwt});
    Envoy::builder().plugin(only(provider)).cluster("keys", source.port()).start()
}

fn fetches(envoy: &Envoy, result: &str) -> u64 {
    let name = format!("wasmcustom.tessera_key_fetches.provider.main.result.{result}");
    envoy.stat(&name).unwrap_or_default()
}

#[track_caller]
fn status(connection: &mut Connection, token: &str) -> u16 {
    connection.send(&Request::get("/").bearer(token)).status
}

/// Later than they are waited for where they must not be taken.
const LATE: Duration = Duration::from_secs(4);

/// Documents with this key that must not be taken, by what is wrong with them.
fn bad_documents(key: &Value) -> Vec<Answer> {
    let set = json!({"keys": [key]});
    let large = json!({"keys": [key], "padding": "x".repeat(10 << 20)});
    let broken = set.to_string();
    vec![
        Answer::json(large),
        Answer::json(set.clone()).after(LATE),
        Answer::silence(),
        Answer::status(302).header("location", "https://idp.example.com/elsewhere").body(set.to_string()),
        Answer::status(500).body(set.to_string()),
        Answer::status(404).body(set.to_string()),
        Answer::status(200).body(&broken.as_bytes()[..broken.len() - 1]),
        Answer::json(json!({"keys": key})),
        Answer::json(json!({"keys": null})),
        Answer::json(json!([key])),
        Answer::status(200),
        Answer::json(set.clone()).truncated(),
        Answer::json(set).reset_in_body(),
        Answer::reset(),
    ]
}

#[test]
fn trouble_leaves_the_last_good_keys_in_force() {
    let issuer = Issuer::new(ISSUER, now(), &[KeyKind::P256, KeyKind::Ed25519]);
    let source = DocumentSource::start();
    source.answer_for(KEYS, Answer::json(issuer.jwks()));
    let envoy = envoy(&source, "1s", "1s");
    let forger = KeyPair::generate(KeyKind::P256);
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": forger.key_id});
    let by_forger = |number: usize| forger.jws(&header, &issuer.claims(json!({"jti": format!("forged-{number}")})));
    let by_issuer = |number: usize| token(&issuer, "ES256", json!({"jti": format!("good-{number}")}));
    let mut connections = envoy.connections_on_every_worker();
    for connection in &mut connections {
        eventually(SOON, "good keys", || (status(connection, &by_issuer(0)) == 200).then_some(()));
    }
    let troubles = bad_documents(&forger.jwk());
    let count = u64::try_from(troubles.len()).expect("a number");
    source.answer_next(troubles);
    let mut number = 0;
    let failed = fetches(&envoy, "failed");
    // Each worker fetches for itself; its own tries become rarer, but unknown keys bring more about.
    eventually(6 * SOON, "all troubles having been met", || {
        number += 1;
        for connection in &mut connections {
            assert_eq!(status(connection, &by_issuer(number)), 200);
            assert_ne!(status(connection, &by_forger(number)), 200);
        }
        (fetches(&envoy, "failed") >= failed + count).then_some(())
    });
    source.go_away();
    for connection in &mut connections {
        assert_eq!(status(connection, &by_issuer(0)), 200);
        assert_ne!(status(connection, &by_forger(0)), 200);
    }
    assert!(envoy.stats().contains_key("wasmcustom.tessera_keys_age_s.provider.main"));
    envoy.assert_no_vm_reload();
}

#[test]
fn without_keys_nothing_passes_until_there_are_some() {
    let issuer = Issuer::new(ISSUER, now(), &[KeyKind::P256]);
    let source = DocumentSource::start();
    source.go_away();
    let envoy = envoy(&source, "1s", "30s");
    let token = token(&issuer, "ES256", json!({}));
    assert_refused(&Request::get("/").bearer(&token).send(envoy.port()), "provider_unavailable");
    source.answer_for(KEYS, Answer::json(issuer.jwks()));
    source.come_back();
    eventually(2 * SOON, "the keys being fetched", || {
        (Request::get("/").bearer(&token).send(envoy.port()).status == 200).then_some(())
    });
    envoy.assert_no_vm_reload();
}

#[test]
fn bad_keys_and_doubles_in_a_set_leave_the_good_ones() {
    let mut issuer = Issuer::new(ISSUER, now(), &[KeyKind::P256, KeyKind::Ed25519]);
    // Two keys of one name: each may have signed.
    issuer.rotate(KeyKind::P256);
    issuer.keys[2].key_id = "same".to_owned();
    issuer.keys[0].key_id = "same".to_owned();
    let mut set = issuer.jwks();
    let keys = set["keys"].as_array_mut().expect("keys");
    let mut off_the_curve = keys[0].clone();
    off_the_curve["x"] = keys[0]["y"].clone();
    keys.insert(0, off_the_curve);
    keys.insert(0, json!({"kty": "oct", "k": "c2VjcmV0", "kid": "same"}));
    keys.insert(0, json!({"kty": "RSA", "n": "AQAB", "e": "Aw", "kid": "same"}));
    keys.insert(0, json!("no key"));
    keys.push(json!({"kty": "unheard-of", "kid": "same"}));
    let source = DocumentSource::start();
    source.answer_for(KEYS, Answer::json(set));
    let envoy = envoy(&source, "10m", "30s");
    for key in [0, 2] {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "same"});
        let token = issuer.keys[key].jws(&header, &issuer.claims(json!({})));
        assert_eq!(Request::get("/").bearer(&token).send(envoy.port()).status, 200);
    }
    assert_eq!(Request::get("/").bearer(&token(&issuer, "EdDSA", json!({}))).send(envoy.port()).status, 200);
    envoy.assert_no_vm_reload();
}

#[test]
fn ninety_unknown_keys_in_a_row_cause_two_fetches_in_a_worker_at_most() {
    let (issuer, source, envoy) = start("10m");
    let mut connections = envoy.connections_on_every_worker();
    for connection in &mut connections {
        assert_eq!(status(connection, &token(&issuer, "ES256", json!({}))), 200);
    }
    let (before, begun) = (source.polls().len(), Instant::now());
    let mut number = 0;
    // Workers whose keys a busy machine had them fetch twice already do so again ten seconds later.
    while number < 90 || (source.polls().len() == before && begun.elapsed() < SOON) {
        let unknown = issuer.token_with("ES256", json!({"kid": format!("unknown-{number}")}), json!({}));
        for connection in &mut connections {
            assert_refused(&connection.send(&Request::get("/").bearer(&unknown)), "bad_signature");
        }
        number += 1;
    }
    let fetched = source.polls().len() - before;
    // For each worker one more every ten seconds.
    let most = 2 * (2 + usize::try_from(begun.elapsed().as_secs() / 10).expect("a number"));
    assert!((1..=most).contains(&fetched), "{fetched} fetches by two workers");
    for connection in &mut connections {
        assert_eq!(status(connection, &token(&issuer, "EdDSA", json!({}))), 200);
    }
    envoy.assert_no_vm_reload();
}
