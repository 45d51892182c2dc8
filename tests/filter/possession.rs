//! Proof of possession: a token that is bound to a key or a certificate is good only with the proof of it, known or not.

use crate::caller::{A_TICK, active};
use crate::configuration::{api, configuration, provider};
use crate::host::{Outcome, Process, StreamId, Worker};
use crate::refusals::parameter;
use crate::tokens::{KeyKind, KeyPair, Proof};
use crate::{process, worker};
use proptest::prelude::*;
use proxy_wasm::types::Status;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const URI: &str = "https://api.example.com/";
const CERTIFICATE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Its 32 bytes in base64url.
const X5T: &str = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo";
const ALGORITHMS: &str = "ES256 ES384 EdDSA RS256 PS256";

fn key() -> KeyPair {
    KeyPair::generate(KeyKind::of("ES256"))
}

fn bound_to(cnf: Value) -> String {
    active(json!({"client_id": "portal", "cnf": cnf}))
}

fn seconds(process: &Process) -> u64 {
    process.now().as_secs()
}

type Lines = Vec<(&'static str, String)>;

fn by_dpop(token: &str, proof: &Proof<'_>) -> Lines {
    vec![("authorization", format!("DPoP {token}")), ("dpop", proof.sign()), ("x-forwarded-proto", "https".to_owned())]
}

/// A worker that knows the token `abc`, which is bound so.
fn knowing(cnf: Value, change: Value) -> (Process, Worker) {
    let process = process();
    let worker = process.worker(&configuration(change)).expect("a configuration that is accepted");
    let stream = worker.bearer("abc");
    worker.answer_json(worker.callout().id, &bound_to(cnf));
    worker.hang_up(stream);
    (process, worker)
}

/// The outcome, the error of the body, and the challenge's scheme and error, which is the same.
#[track_caller]
fn refused(worker: &Worker, stream: StreamId) -> (String, String, String) {
    let outcome = worker.outcome(stream);
    let reply = outcome.reply();
    assert_eq!(reply.status, 401);
    let challenge = reply.headers.text("www-authenticate").expect("a challenge").to_owned();
    assert_eq!(parameter(&challenge, "error"), Some(outcome.error()));
    let scheme = challenge.split(' ').next().expect("a scheme").to_owned();
    let algorithms = (scheme == "DPoP").then(|| ALGORITHMS.to_owned());
    assert_eq!(parameter(&challenge, "algs"), algorithms, "{challenge}");
    (worker.outcome_property(stream).expect("an outcome"), outcome.error(), scheme)
}

#[track_caller]
fn assert_refused(worker: &Worker, lines: &[(&str, String)], outcome: &str, error: &str, scheme: &str) {
    let stream = worker.request(lines);
    let expected = [outcome, error, scheme].map(str::to_owned);
    assert_eq!(<[String; 3]>::from(refused(worker, stream)), expected);
    worker.hang_up(stream);
}

#[test]
fn each_request_brings_its_own_proof_whether_its_token_is_known_or_not() {
    let (process, key) = (process(), key());
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    let now = seconds(&process);
    let proof = || Proof::new(&key, "GET", URI, now).token("abc");
    // One asks, two wait for the answer, one of which has no proof; then it is known.
    let asks = worker.request(&by_dpop("abc", &proof()));
    let waits = worker.request(&by_dpop("abc", &proof()));
    let without = worker.request(&[("authorization", "DPoP abc"), ("x-forwarded-proto", "https")]);
    worker.answer_json(worker.callout().id, &bound_to(json!({"jkt": key.thumbprint()})));
    assert!(worker.outcome(asks).passed() && worker.outcome(waits).passed());
    assert_eq!(refused(&worker, without).0, "proof_missing");
    assert!(worker.exchange(&by_dpop("abc", &proof())).passed());
    assert_refused(
        &worker,
        &by_dpop("abc", &proof().claim("htm", json!("PUT"))),
        "proof_invalid",
        "invalid_dpop_proof",
        "DPoP",
    );
    process.advance(A_TICK);
    for (result, count) in [("good", 3), ("missing", 1), ("invalid", 1), ("replayed", 0)] {
        assert_eq!(process.metric(&format!("tessera_proofs.result.{result}")), count, "{result}");
    }
    assert_eq!(worker.sent_callouts().len(), 1);
}

#[test]
fn a_proof_is_used_once_in_the_process() {
    let (process, key) = (process(), key());
    let workers =
        [(); 2].map(|()| process.worker(&configuration(json!({}))).expect("a configuration that is accepted"));
    let proof = Proof::new(&key, "GET", URI, seconds(&process)).token("abc");
    let lines = by_dpop("abc", &proof);
    let first = workers[0].request(&lines);
    workers[0].answer_json(workers[0].callout().id, &bound_to(json!({"jkt": key.thumbprint()})));
    assert!(workers[0].outcome(first).passed());
    for worker in &workers {
        assert_refused(worker, &lines, "proof_invalid", "invalid_dpop_proof", "DPoP");
    }
    // Another configuration of the process remembers it, too.
    let reloaded = process.worker(&configuration(json!({"replies": {}}))).expect("a configuration that is accepted");
    assert_refused(&reloaded, &lines, "proof_invalid", "invalid_dpop_proof", "DPoP");
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_proofs.result.replayed"), 3);
    let shared = format!("{:?}", process.shared_data());
    assert!(!shared.contains("proof-"), "no jti is in shared data");
}

#[test]
fn a_proof_for_something_else_is_refused() {
    let (key, other) = (key(), key());
    let (process, worker) = knowing(json!({"jkt": key.thumbprint()}), json!({}));
    let now = seconds(&process);
    let proof = || Proof::new(&key, "GET", URI, now).token("abc");
    for (what, proof) in [
        ("method", proof().claim("htm", json!("POST"))),
        ("host", proof().claim("htu", json!("https://other.example.com/"))),
        ("scheme", proof().claim("htu", json!("http://api.example.com/"))),
        ("path", proof().claim("htu", json!("https://api.example.com/orders"))),
        ("no uri", proof().claim("htu", Value::Null)),
        ("token", proof().token("abd")),
        ("no token", proof().claim("ath", Value::Null)),
        ("old", proof().claim("iat", json!(now - 71))),
        ("ahead", proof().claim("iat", json!(now + 11))),
        ("no time", proof().claim("iat", Value::Null)),
        ("no identifier", proof().claim("jti", Value::Null)),
        ("type", proof().header("typ", json!("JWT"))),
        ("algorithm", proof().header("alg", json!("none"))),
        ("no key", proof().header("jwk", Value::Null)),
    ] {
        let stream = worker.request(&by_dpop("abc", &proof));
        assert_eq!(
            refused(&worker, stream),
            ("proof_invalid".into(), "invalid_dpop_proof".into(), "DPoP".into()),
            "{what}"
        );
        worker.hang_up(stream);
    }
    // RFC 9449 section 7.1: that the key is another one is the token's fault.
    let foreign = by_dpop("abc", &Proof::new(&other, "GET", URI, now).token("abc"));
    assert_refused(&worker, &foreign, "proof_invalid", "invalid_token", "DPoP");
    let mut forged = by_dpop("abc", &proof());
    forged[1].1 = proof().sign_with(&other);
    assert_refused(&worker, &forged, "proof_invalid", "invalid_dpop_proof", "DPoP");
    let mut twice = by_dpop("abc", &proof());
    twice.push(("dpop", proof().sign()));
    assert_refused(&worker, &twice, "proof_invalid", "invalid_dpop_proof", "DPoP");
    for ends in [now - 69, now + 9] {
        assert!(worker.exchange(&by_dpop("abc", &proof().claim("iat", json!(ends)))).passed());
    }
    let spelled = proof().claim("htu", json!("HTTPS://API.example.com:443?x#y"));
    assert!(worker.exchange(&by_dpop("abc", &spelled)).passed());
}

#[test]
fn every_algorithm_of_the_configuration_is_good_and_no_other() {
    for (algorithms, algorithm, passes) in [
        (json!(null), "ES256", true),
        (json!(null), "EdDSA", true),
        (json!(null), "RS256", true),
        (json!(null), "PS256", true),
        (json!(null), "RS384", false),
        (json!(["EdDSA"]), "EdDSA", true),
        (json!(["EdDSA"]), "ES256", false),
    ] {
        let key = KeyPair::signing(algorithm);
        let (process, worker) = knowing(json!({"jkt": key.thumbprint()}), json!({"dpop": {"algorithms": algorithms}}));
        let proof = Proof::new(&key, "GET", URI, seconds(&process)).token("abc").header("alg", json!(algorithm));
        assert_eq!(worker.exchange(&by_dpop("abc", &proof)).passed(), passes, "{algorithm} {algorithms}");
    }
}

#[test]
fn a_bound_token_is_no_bearer_token_and_an_unbound_one_needs_no_proof() {
    let key = key();
    let (process, worker) = knowing(json!({"jkt": key.thumbprint()}), json!({}));
    let proof = Proof::new(&key, "GET", URI, seconds(&process)).token("abc");
    let mut bearer = by_dpop("abc", &proof);
    bearer[0].1 = "Bearer abc".to_owned();
    assert_refused(&worker, &bearer, "proof_invalid", "invalid_token", "DPoP");
    assert_refused(&worker, &bearer[..1], "proof_missing", "invalid_token", "DPoP");
    assert_refused(&worker, &by_dpop("abc", &proof)[..1], "proof_missing", "invalid_token", "DPoP");

    assert!(worker.asked("free", &active(json!({"client_id": "portal"}))).passed());
    assert_refused(&worker, &by_dpop("free", &proof), "proof_invalid", "invalid_token", "DPoP");
    assert_refused(&worker, &[("authorization", "dpop free".to_owned())], "proof_invalid", "invalid_token", "DPoP");
}

#[test]
fn a_request_by_dpop_is_challenged_by_dpop() {
    let worker = worker(&configuration(json!({"apis": [api(json!({"scopes": {"all": ["read"]}}))]})));
    for (authorization, scheme) in [("DPoP", "DPoP"), ("DPoP a,b", "DPoP"), ("Bearer", "Bearer"), ("Basic x", "Bearer")]
    {
        let outcome = worker.exchange(&[("authorization", authorization)]);
        let challenge = outcome.reply().headers.text("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with(scheme), "{authorization}: {challenge}");
        assert_eq!(parameter(challenge, "algs").is_some(), scheme == "DPoP");
    }
    let stream = worker.request(&[("authorization", "DPoP gone")]);
    worker.answer_json(worker.callout().id, r#"{"active":false}"#);
    assert_eq!(refused(&worker, stream), ("inactive".into(), "invalid_token".into(), "DPoP".into()));
}

#[test]
fn what_binds_must_be_something_that_can_be_proved() {
    let key = key();
    for answer in [
        bound_to(json!({})),
        bound_to(json!("x")),
        bound_to(json!({"kid": "k"})),
        bound_to(json!({"jkt": key.thumbprint(), "kid": "k"})),
        bound_to(json!({"jkt": format!("{}=", key.thumbprint())})),
        active(json!({"token_type": "DPoP"})),
    ] {
        let process = process();
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        let stream = worker.request(&by_dpop("abc", &Proof::new(&key, "GET", URI, seconds(&process)).token("abc")));
        worker.answer_json(worker.callout().id, &answer);
        assert_eq!(refused(&worker, stream).0, "proof_invalid", "{answer}");
        worker.hang_up(stream);
        assert_eq!(worker.known("abc").error(), "invalid_token");
    }
}

#[test]
fn a_token_is_good_with_its_certificate_only() {
    let (_, worker) = knowing(json!({"x5t#S256": X5T}), json!({}));
    let bearer = [("authorization", "Bearer abc".to_owned())];
    let forwarded = ("x-forwarded-client-cert", format!("Hash={CERTIFICATE}"));
    assert_refused(&worker, &bearer, "proof_missing", "invalid_token", "Bearer");
    assert_refused(&worker, &[bearer[0].clone(), forwarded.clone()], "proof_missing", "invalid_token", "Bearer");
    worker.set_client_certificate(Some(&"b".repeat(64)));
    assert_refused(&worker, &[bearer[0].clone(), forwarded], "proof_invalid", "invalid_token", "Bearer");
    worker.set_client_certificate(Some(CERTIFICATE));
    assert!(worker.exchange(&bearer).passed());
    // One that waits is judged by the connection that it came on.
    let stream = worker.bearer("def");
    worker.set_client_certificate(None);
    worker.answer_json(worker.callout().id, &bound_to(json!({"x5t#S256": X5T})));
    assert!(worker.outcome(stream).passed());
}

#[test]
fn a_proxy_before_this_one_may_say_which_certificate_it_saw() {
    let (_, worker) = knowing(json!({"x5t#S256": X5T}), json!({"client_certificate": "forwarded"}));
    worker.set_client_certificate(Some(CERTIFICATE));
    let with = |line: &str| worker.exchange(&[("authorization", "Bearer abc"), ("x-forwarded-client-cert", line)]);
    assert_eq!(worker.known("abc").error(), "invalid_token", "the connection is the proxy's");
    let other = "b".repeat(64);
    assert!(with(&format!("By=spiffe://a/b;Hash={CERTIFICATE};Subject=\"CN=x\",Hash={other}")).passed());
    assert!(!with(&format!("Hash={other},Hash={CERTIFICATE}")).passed());
    assert!(!with(&format!("Hash={CERTIFICATE};Hash={CERTIFICATE}")).passed());
}

#[test]
fn where_proofs_are_ignored_bound_tokens_are_bearer_tokens() {
    let change = json!({"providers": [provider(json!({"proof_of_possession": "ignore"}))]});
    let (_, worker) = knowing(json!({"jkt": "x"}), change);
    assert!(worker.known("abc").passed());
    let outcome = worker.exchange(&[("authorization", "DPoP abc")]);
    assert_eq!(outcome.error(), "missing_token", "DPoP is a scheme like any other");
}

#[test]
fn the_proof_goes_with_the_credential() {
    let key = key();
    for (forwarded, left) in [(true, 2), (false, 0)] {
        let change = json!({"apis": [api(json!({"upstream": {"forward_token": forwarded}}))]});
        let (process, worker) = knowing(json!({"jkt": key.thumbprint()}), change);
        let proof = Proof::new(&key, "GET", URI, seconds(&process)).token("abc");
        let Outcome::Continued(headers) = worker.exchange(&by_dpop("abc", &proof)) else { panic!("it does not pass") };
        let named = ["authorization", "dpop"].into_iter().filter(|name| headers.get(name).is_some());
        assert_eq!(named.count(), left);
    }
}

#[test]
fn a_store_that_fails_proves_nothing() {
    let key = key();
    let (process, worker) = knowing(json!({"jkt": key.thumbprint()}), json!({}));
    let proof = Proof::new(&key, "GET", URI, seconds(&process)).token("abc");
    // Without a salt, and without a place.
    let salted = Proof::new(&key, "GET", URI, seconds(&process)).token("abc");
    worker.fail_next("proxy_set_shared_data", Status::InternalFailure);
    assert_eq!(worker.exchange(&by_dpop("abc", &salted)).status(), Some(500));
    assert!(worker.exchange(&by_dpop("abc", &salted)).passed(), "it was not used");
    worker.fail_next("proxy_set_shared_data", Status::InternalFailure);
    let outcome = worker.exchange(&by_dpop("abc", &proof));
    assert_eq!((outcome.status(), outcome.error()), (Some(500), "server_error".to_owned()));
    assert!(worker.exchange(&by_dpop("abc", &proof)).passed(), "it was not used");
    // Whatever else writes there, nothing traps.
    let keys: Vec<String> = process.shared_data().into_keys().filter(|key| key.contains("/proofs/")).collect();
    assert!((2..=3).contains(&keys.len()), "a salt, and one set or two");
    for key in keys {
        process.set_shared_data(&key, b"\xff\0garbage");
    }
    assert!(worker.exchange(&by_dpop("abc", &proof)).passed());
    assert!(!worker.exchange(&by_dpop("abc", &proof)).passed());
}

#[test]
fn a_proof_costs_one_read_and_one_write_and_a_token_that_is_not_bound_nothing() {
    let key = key();
    let (process, worker) = knowing(json!({"jkt": key.thumbprint()}), json!({}));
    let proof = || Proof::new(&key, "GET", URI, seconds(&process)).token("abc");
    // The first one brings the salt.
    assert!(worker.exchange(&by_dpop("abc", &proof())).passed());
    worker.reset_hostcalls();
    assert!(worker.exchange(&by_dpop("abc", &proof())).passed());
    let expected = BTreeMap::from([
        ("proxy_get_current_time_nanoseconds", 1),
        ("proxy_get_header_map_pairs", 1),
        ("proxy_call_foreign_function", 1),
        ("proxy_get_shared_data", 1),
        ("proxy_set_shared_data", 1),
        ("proxy_add_header_map_value", 1),
    ]);
    assert_eq!(worker.hostcalls(), expected);
}

#[test]
fn what_is_old_is_what_the_configuration_says() {
    let key = key();
    let (process, worker) = knowing(json!({"jkt": key.thumbprint()}), json!({"dpop": {"max_age": "5s"}}));
    let now = seconds(&process);
    let proof = || Proof::new(&key, "GET", URI, now).token("abc");
    process.advance(Duration::from_secs(15));
    assert!(worker.exchange(&by_dpop("abc", &proof())).passed());
    process.advance(Duration::from_secs(1));
    assert_refused(&worker, &by_dpop("abc", &proof()), "proof_invalid", "invalid_dpop_proof", "DPoP");
}

/// What a request shows, part by part.
#[derive(Clone, Copy, Debug)]
struct Shown {
    scheme: bool,
    proof: bool,
    method: bool,
    uri: bool,
    token: bool,
    time: bool,
    key: bool,
    certificate: bool,
}

prop_compose! {
    fn shown()(parts in prop::array::uniform8(prop::bool::weighted(0.8))) -> Shown {
        let [scheme, proof, method, uri, token, time, key, certificate] = parts;
        Shown { scheme, proof, method, uri, token, time, key, certificate }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A token passes with all that it is bound to and with nothing less, and is refused alike, whether it is known or
    /// not.
    #[test]
    fn a_token_passes_with_all_that_it_is_bound_to(
        shown in shown(), to_key: bool, to_certificate: bool, to_another in prop::bool::weighted(0.2),
    ) {
        let (own, other) = (key(), key());
        let process = process();
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        worker.set_client_certificate(shown.certificate.then_some(CERTIFICATE));
        let mut cnf = serde_json::Map::new();
        cnf.extend(to_key.then(|| ("jkt".to_owned(), json!(own.thumbprint()))));
        cnf.extend(to_certificate.then(|| ("x5t#S256".to_owned(), json!(X5T))));
        cnf.extend(to_another.then(|| ("kid".to_owned(), json!("k"))));
        let answer = if cnf.is_empty() { active(json!({})) } else { bound_to(cnf.into()) };
        let (method, uri) = (if shown.method { "GET" } else { "get" }, if shown.uri { URI } else { "https://a/" });
        let iat = seconds(&process) - if shown.time { 0 } else { 100 };
        let lines = || {
            let proof = Proof::new(if shown.key { &own } else { &other }, method, uri, iat);
            let mut lines = by_dpop("abc", &proof.token(if shown.token { "abc" } else { "def" }));
            if !shown.proof {
                lines.remove(1);
            }
            if !shown.scheme {
                lines[0].1 = "Bearer abc".to_owned();
            }
            lines
        };
        let Shown { scheme, proof, method, uri, token, time, key, certificate } = shown;
        let is_proved = scheme && proof && method && uri && token && time && key;
        let expected = if to_key { is_proved } else { !scheme } && (certificate || !to_certificate) && !to_another;
        let first = worker.request(&lines());
        worker.answer_json(worker.callout().id, &answer);
        prop_assert_eq!(worker.outcome(first).passed(), expected);
        let known = worker.request(&lines());
        prop_assert_eq!(worker.outcome(known).passed(), expected);
        if !expected {
            prop_assert_eq!(refused(&worker, first), refused(&worker, known));
        }
        prop_assert_eq!(worker.sent_callouts().len(), 1);
    }
}
