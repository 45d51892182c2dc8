//! The keys and the metadata of authorization servers: fetched by each worker, kept fresh, waited for.

use crate::caller::{A_TICK, active};
use crate::configuration::{configuration, provider};
use crate::host::{Outcome, Process, StreamId, Worker};
use crate::process;
use crate::tokens::{Issuer, KeyKind, KeyPair};
use serde_json::{Value, json};
use std::time::Duration;

const ISSUER: &str = "https://idp.example.com";
const JWKS: &str = "/jwks";
/// How often requests may have keys fetched.
const DEMAND_INTERVAL: Duration = Duration::from_secs(10);

fn issuer(process: &Process) -> Issuer {
    Issuer::new(ISSUER, process.now().as_secs(), &[KeyKind::P256])
}

/// A provider that fetches its keys every ten minutes, and limits a fetch to two seconds.
fn fetching(change: Value) -> String {
    let keys = json!({"url": format!("{ISSUER}{JWKS}"), "cluster": "idp"});
    let jwt = json!({"keys": keys, "algorithms": ["ES256"]});
    let main = provider(json!({"introspection": null, "issuer": ISSUER, "jwt": jwt}));
    let mut settings: Value = serde_json::from_str(&configuration(json!({"providers": [main]}))).expect("JSON");
    let Value::Object(change) = change else { panic!() };
    for (name, value) in change {
        settings["providers"][0][name.as_str()] = value;
    }
    settings.to_string()
}

fn start(process: &Process) -> Worker {
    process.worker(&fetching(json!({}))).expect("a configuration that is accepted")
}

/// The fetches of this path that wait for an answer.
fn fetches(worker: &Worker, path: &str) -> Vec<u32> {
    let is_one = |call: &crate::host::Callout| call.headers.get(":path") == Some(path.as_bytes());
    worker.callouts().iter().filter(|call| is_one(call)).map(|call| call.id).collect()
}

#[track_caller]
fn fetch(worker: &Worker, path: &str) -> u32 {
    match fetches(worker, path)[..] {
        [call] => call,
        ref others => panic!("fetches of {path} under way: {others:?}"),
    }
}

/// The next fetch of the keys, however long it takes to be due.
#[track_caller]
fn next_fetch(worker: &Worker) -> u32 {
    for _ in 0..1000 {
        if let [call] = fetches(worker, JWKS)[..] {
            return call;
        }
        worker.advance(Duration::from_secs(1));
    }
    panic!("the keys are not fetched again");
}

fn count(worker: &Worker, path: &str) -> usize {
    worker.sent_callouts().iter().filter(|call| call.headers.get(":path") == Some(path.as_bytes())).count()
}

/// A worker that has its issuer's keys.
fn with_keys(process: &Process, issuer: &Issuer) -> Worker {
    let worker = start(process);
    worker.advance(A_TICK);
    worker.answer_json(fetch(&worker, JWKS), &issuer.jwks().to_string());
    worker
}

fn ended(worker: &Worker, stream: StreamId) -> String {
    match worker.outcome(stream) {
        Outcome::Continued(_) => "allowed".to_owned(),
        Outcome::Replied(_) => worker.outcome_property(stream).expect("an outcome"),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn verdict(worker: &Worker, token: &str) -> String {
    let stream = worker.bearer(token);
    let verdict = ended(worker, stream);
    worker.hang_up(stream);
    verdict
}

fn metric(process: &Process, worker: &Worker, name: &str) -> u64 {
    worker.advance(A_TICK);
    process.metric(name)
}

#[test]
fn keys_are_fetched_before_the_first_request() {
    let process = process();
    let issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    assert_eq!(verdict(&worker, &issuer.token("ES256", json!({}))), "allowed");
    assert_eq!(count(&worker, JWKS), 1);
    assert_eq!(metric(&process, &worker, "tessera_key_fetches.provider.main.result.changed"), 1);
}

#[test]
fn a_request_that_comes_before_the_keys_waits_for_them() {
    let process = process();
    let issuer = issuer(&process);
    let worker = start(&process);
    let token = issuer.token("ES256", json!({}));
    let (one, two) = (worker.bearer(&token), worker.bearer(&issuer.token("ES256", json!({"exp": 1}))));
    let gone = worker.bearer(&issuer.token("ES256", json!({"jti": "2"})));
    worker.hang_up(gone);
    assert_eq!(worker.outcome(one), Outcome::Paused);
    assert_eq!(ended(&worker, two), "expired", "what needs no key waits for none");
    worker.answer_json(fetch(&worker, JWKS), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, one), "allowed");
    assert_eq!(verdict(&worker, &token), "allowed");
    worker.advance(A_TICK);
    assert_eq!(count(&worker, JWKS), 1);
}

#[test]
fn without_keys_nobody_waits_for_long_and_nothing_passes() {
    for end in [
        |worker: &Worker, call| worker.fail(call),
        |worker: &Worker, call| worker.refuse_connection(call),
        |worker: &Worker, call| worker.answer(call, 200, &[("content-type", "text/html")], "<html>"),
    ] {
        let process = process();
        let issuer = issuer(&process);
        let worker = start(&process);
        let token = issuer.token("ES256", json!({}));
        let waiting = worker.bearer(&token);
        end(&worker, fetch(&worker, JWKS));
        assert_eq!(ended(&worker, waiting), "provider_unavailable");
        assert_eq!(verdict(&worker, &token), "provider_unavailable");
    }
    // The host loses the call.
    let process = process();
    let issuer = issuer(&process);
    let worker = start(&process);
    let waiting = worker.bearer(&issuer.token("ES256", json!({})));
    worker.lose_callouts();
    worker.advance(Duration::from_secs(3));
    assert_eq!(ended(&worker, waiting), "provider_unavailable");
    // There is no such cluster.
    process.set_cluster("idp", false);
    let worker = start(&process);
    let waiting = worker.bearer(&issuer.token("ES256", json!({})));
    worker.turn();
    assert_eq!(ended(&worker, waiting), "provider_unavailable");
}

#[test]
fn an_unknown_key_is_looked_for_at_once_and_then_seldom() {
    let process = process();
    let mut issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    issuer.rotate(KeyKind::P256);
    let token = issuer.token("ES256", json!({}));
    let waiting = worker.bearer(&token);
    assert_eq!(worker.outcome(waiting), Outcome::Paused);
    worker.answer_json(fetch(&worker, JWKS), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, waiting), "allowed");
    // Nobody has the key of these.
    for number in 0..90 {
        let token = issuer.token_with("ES256", json!({"kid": format!("unknown-{number}")}), json!({}));
        assert_eq!(verdict(&worker, &token), "bad_signature");
    }
    assert_eq!(count(&worker, JWKS), 2);
    worker.advance(DEMAND_INTERVAL);
    let unknown = issuer.token_with("ES256", json!({"kid": "unknown"}), json!({}));
    let [one, two] = [0, 1].map(|_| worker.bearer(&unknown));
    worker.answer(fetch(&worker, JWKS), 304, &[("x", "y")], "");
    assert_eq!([ended(&worker, one), ended(&worker, two)], ["provider_unavailable"; 2], "304 to no condition");
    assert_eq!(verdict(&worker, &token), "allowed");
}

#[test]
fn a_key_that_cannot_be_looked_for_is_no_wrong_key() {
    let process = process();
    let issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    let unknown = issuer.token_with("ES256", json!({"kid": "unknown"}), json!({}));
    let waiting = worker.bearer(&unknown);
    worker.fail(fetch(&worker, JWKS));
    assert_eq!(ended(&worker, waiting), "provider_unavailable");
    assert_eq!(verdict(&worker, &unknown), "provider_unavailable");
    assert_eq!(verdict(&worker, &issuer.token("ES256", json!({}))), "allowed");
}

#[test]
fn what_a_key_has_verified_is_forgotten_when_it_leaves_the_set() {
    let process = process();
    let mut issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    let token = issuer.token("ES256", json!({"exp": issuer.now + 86_400}));
    assert_eq!(verdict(&worker, &token), "allowed");
    issuer.rotate(KeyKind::P256);
    worker.answer_json(next_fetch(&worker), &issuer.jwks().to_string());
    worker.reset_hostcalls();
    assert_eq!(verdict(&worker, &token), "allowed", "its key is still there");
    let verify = "proxy_call_foreign_function";
    issuer.drop_old_keys();
    let call = next_fetch(&worker);
    assert_eq!(verdict(&worker, &token), "allowed");
    worker.reset_hostcalls();
    assert_eq!(verdict(&worker, &token), "allowed");
    assert!(!worker.hostcalls().contains_key(verify), "it is known");
    worker.answer_json(call, &issuer.jwks().to_string());
    let waiting = worker.bearer(&token);
    worker.answer_json(fetch(&worker, JWKS), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, waiting), "bad_signature", "its key is looked for once more");
}

/// What the worker says of a token that nobody has seen yet: of the issuer, and of somebody who uses its key's name.
#[track_caller]
fn assert_only_the_issuers_pass(process: &Process, worker: &Worker, issuer: &Issuer, when: &str) {
    let claims = Issuer::new(ISSUER, process.now().as_secs(), &[]).claims(json!({}));
    let header = json!({"alg": "ES256", "kid": issuer.key("ES256").key_id});
    let forger = KeyPair::generate(KeyKind::P256);
    assert_eq!(verdict(worker, &issuer.key("ES256").jws(&header, &claims)), "allowed", "{when}");
    assert_eq!(verdict(worker, &forger.jws(&header, &claims)), "bad_signature", "{when}");
}

#[test]
fn trouble_with_the_keys_leaves_the_last_good_ones_in_force() {
    let process = process();
    let issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    let huge = "x".repeat(10 << 20);
    let answers: [(u16, &str); 10] = [
        (200, r#"{"keys": [{"kty": "oct", "k": "AA"}]}"#),
        (200, r#"{"keys": []}"#),
        (500, ""),
        (302, ""),
        (204, ""),
        (200, "<html>"),
        (200, "{}"),
        (200, r#"{"keys": 7}"#),
        (200, r#"{"keys": [], "keys": []}"#),
        (200, &huge),
    ];
    for (number, (status, body)) in (1..).zip(answers) {
        worker.answer(next_fetch(&worker), status, &[("content-type", "application/json")], body);
        assert_only_the_issuers_pass(&process, &worker, &issuer, &format!("{status} {body:.20}"));
        assert_eq!(metric(&process, &worker, "tessera_key_fetches.provider.main.result.failed"), number);
    }
    let says = "it holds no key that is of use here; 1 were left out; what was good before stays in force";
    assert!(worker.logs().iter().any(|(_, line)| line.contains(says)), "{:?}", worker.logs());
    assert!(process.metric("tessera_keys_age_s.provider.main") > 600);
}

#[test]
fn a_server_that_is_down_or_slow_leaves_them_in_force_too() {
    let process = process();
    let issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    let ends: [fn(&Worker, u32); 4] =
        [Worker::fail, Worker::refuse_connection, Worker::break_circuit, Worker::time_out];
    for (number, end) in (1..).zip(ends) {
        let call = next_fetch(&worker);
        assert_only_the_issuers_pass(&process, &worker, &issuer, "while it is fetched");
        end(&worker, call);
        assert_only_the_issuers_pass(&process, &worker, &issuer, &format!("end {number}"));
        assert_eq!(metric(&process, &worker, "tessera_key_fetches.provider.main.result.failed"), number);
    }
    next_fetch(&worker);
    worker.lose_callouts();
    worker.answer_json(next_fetch(&worker), &issuer.jwks().to_string());
    assert_only_the_issuers_pass(&process, &worker, &issuer, "after a fetch was lost");
    assert_eq!(metric(&process, &worker, "tessera_key_fetches.provider.main.result.unchanged"), 1);
}

#[test]
fn no_unknown_key_is_looked_for_while_the_server_wants_to_be_left_alone() {
    let process = process();
    let issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    let unknown = issuer.token_with("ES256", json!({"kid": "unknown"}), json!({}));
    let waiting = worker.bearer(&unknown);
    worker.answer(fetch(&worker, JWKS), 503, &[("retry-after", "60")], "");
    assert_eq!(ended(&worker, waiting), "provider_unavailable");
    for _ in 0..5 {
        worker.advance(Duration::from_secs(11));
        assert_eq!(verdict(&worker, &unknown), "provider_unavailable");
    }
    assert_eq!(count(&worker, JWKS), 2);
    worker.advance(Duration::from_secs(5));
    let waiting = worker.bearer(&unknown);
    worker.answer_json(fetch(&worker, JWKS), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, waiting), "bad_signature");
}

#[test]
fn a_key_without_a_name_verifies_tokens_of_any_name_that_no_key_has() {
    let process = process();
    let mut issuer = issuer(&process);
    let nameless = |issuer: &Issuer| {
        let mut set = issuer.jwks();
        set["keys"].as_array_mut().unwrap().iter_mut().for_each(|key| {
            key.as_object_mut().unwrap().remove("kid");
        });
        set
    };
    let worker = start(&process);
    worker.advance(A_TICK);
    worker.answer_json(fetch(&worker, JWKS), &nameless(&issuer).to_string());
    assert_eq!(verdict(&worker, &issuer.token("ES256", json!({}))), "allowed");
    // It may be a new key's, and is.
    issuer.rotate(KeyKind::P256);
    issuer.drop_old_keys();
    let waiting = worker.bearer(&issuer.token("ES256", json!({})));
    assert_eq!(worker.outcome(waiting), Outcome::Paused);
    worker.answer_json(fetch(&worker, JWKS), &nameless(&issuer).to_string());
    assert_eq!(ended(&worker, waiting), "allowed");
    let stranger = Issuer::new(ISSUER, issuer.now, &[KeyKind::P256]);
    assert_eq!(verdict(&worker, &stranger.token("ES256", json!({}))), "bad_signature");
    // A name that a key has is that key's alone.
    worker.advance(DEMAND_INTERVAL);
    let mut set = nameless(&issuer);
    set["keys"].as_array_mut().unwrap().push(stranger.keys[0].jwk());
    let waiting = worker.bearer(&stranger.token("ES256", json!({"jti": "2"})));
    worker.answer_json(fetch(&worker, JWKS), &set.to_string());
    assert_eq!(ended(&worker, waiting), "allowed");
    let named = json!({"kid": stranger.keys[0].key_id});
    assert_eq!(verdict(&worker, &issuer.token_with("ES256", named, json!({}))), "bad_signature");
}

#[test]
fn keys_of_one_name_are_all_tried() {
    let process = process();
    let mut issuer = issuer(&process);
    issuer.rotate(KeyKind::P256);
    issuer.keys.iter_mut().for_each(|key| key.key_id = "same".to_owned());
    let worker = with_keys(&process, &issuer);
    let header = json!({"alg": "ES256", "kid": "same"});
    for key in &issuer.keys {
        assert_eq!(verdict(&worker, &key.jws(&header, &issuer.claims(json!({})))), "allowed");
    }
    let forged = KeyPair::generate(KeyKind::P256).jws(&header, &issuer.claims(json!({})));
    assert_eq!(verdict(&worker, &forged), "bad_signature");
    assert_eq!(count(&worker, JWKS), 1, "nothing is looked for");
}

#[test]
fn one_bad_key_spoils_no_other() {
    let process = process();
    let issuer = issuer(&process);
    let worker = start(&process);
    worker.advance(A_TICK);
    let mut set = issuer.jwks();
    let twin = set["keys"][0].clone();
    let keys = set["keys"].as_array_mut().unwrap();
    keys.extend([json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "bad"}), json!(7), twin]);
    worker.answer_json(fetch(&worker, JWKS), &set.to_string());
    assert_eq!(verdict(&worker, &issuer.token("ES256", json!({}))), "allowed");
    let logged =
        worker.logs().iter().any(|(_, line)| line.contains("2 keys are in force; 2 others are of no use here"));
    assert!(logged, "{:?}", worker.logs());
}

const METADATA: [&str; 2] = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

fn discovering() -> String {
    let introspection = json!({"client": {"id": "gateway", "secret": "s3cret"}, "timeout": "2s", "retries": 0});
    let clusters = json!({"https://keys.example.com": "contracts"});
    fetching(json!({
        "introspection": introspection,
        "jwt": {"algorithms": ["ES256"]},
        "discovery": {"cluster": "idp", "clusters": clusters},
    }))
}

#[test]
fn metadata_says_where_the_keys_are_and_who_is_asked() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&discovering()).unwrap();
    let (jwt, opaque) = (worker.bearer(&issuer.token("ES256", json!({}))), worker.bearer("opaque"));
    worker.answer(fetch(&worker, METADATA[0]), 404, &[("x", "y")], "");
    let metadata = json!({
        "issuer": ISSUER, "jwks_uri": "https://keys.example.com/certs", "introspection_endpoint": format!("{ISSUER}/i"),
    });
    worker.answer_json(fetch(&worker, METADATA[1]), &metadata.to_string());
    let keys = fetch(&worker, "/certs");
    assert_eq!(worker.callouts().iter().find(|call| call.id == keys).unwrap().cluster, "contracts");
    assert_eq!([jwt, opaque].map(|stream| worker.outcome(stream)), [Outcome::Paused, Outcome::Paused]);
    worker.answer_json(fetch(&worker, "/i"), &active(json!({})));
    worker.answer_json(keys, &issuer.jwks().to_string());
    assert_eq!([jwt, opaque].map(|stream| ended(&worker, stream)), ["allowed", "allowed"]);
}

#[test]
fn metadata_of_another_issuer_or_with_foreign_endpoints_is_not_used() {
    let process = process();
    let issuer = issuer(&process);
    let worker = process.worker(&discovering()).unwrap();
    let waiting = worker.bearer(&issuer.token("ES256", json!({})));
    let metadata = |issuer: &str, keys: &str| json!({"issuer": issuer, "jwks_uri": keys}).to_string();
    worker.answer_json(fetch(&worker, METADATA[0]), &metadata("https://idp.example.com/", "https://idp.example.com/k"));
    worker.answer_json(fetch(&worker, METADATA[1]), &metadata(ISSUER, "https://attacker.example.com/k"));
    assert_eq!(ended(&worker, waiting), "provider_unavailable");
    assert!(worker.callouts().is_empty());
    let named = |line: &str| line.contains("https://attacker.example.com") && line.contains("discovery.clusters");
    assert!(worker.logs().iter().any(|(_, line)| named(line)), "{:?}", worker.logs());
}

#[test]
fn a_server_that_cannot_be_found_is_unavailable() {
    let process = process();
    let worker = process.worker(&discovering()).unwrap();
    let waiting = worker.bearer("opaque");
    for path in METADATA {
        worker.fail(fetch(&worker, path));
    }
    assert_eq!(ended(&worker, waiting), "provider_unavailable");
    assert_eq!(verdict(&worker, "opaque"), "provider_unavailable");
    // It is looked for again, and found.
    worker.advance(Duration::from_secs(2));
    let metadata =
        json!({"issuer": ISSUER, "introspection_endpoint": format!("{ISSUER}/i"), "jwks_uri": format!("{ISSUER}/k")});
    worker.answer_json(fetch(&worker, METADATA[0]), &metadata.to_string());
    let waiting = worker.bearer("opaque");
    worker.answer_json(fetch(&worker, "/i"), &active(json!({})));
    assert_eq!(ended(&worker, waiting), "allowed");
}

#[test]
fn what_is_fetched_beside_the_keys_ends_nobody_who_waits_for_them() {
    let process = process();
    let mut issuer = issuer(&process);
    let worker = process.worker(&discovering()).unwrap();
    worker.advance(A_TICK);
    let metadata = |keys: &str| {
        let endpoints = ["/i", keys].map(|path| format!("{ISSUER}{path}"));
        json!({"issuer": ISSUER, "introspection_endpoint": endpoints[0], "jwks_uri": endpoints[1]}).to_string()
    };
    worker.answer_json(fetch(&worker, METADATA[0]), &metadata("/one"));
    worker.answer_json(fetch(&worker, "/one"), &issuer.jwks().to_string());
    assert_eq!(verdict(&worker, &issuer.token("ES256", json!({}))), "allowed");
    // The metadata is due; while it is fetched, a new key is looked for, and then all keys are elsewhere.
    let call = (0..4000).find_map(|_| {
        fetches(&worker, "/one").iter().for_each(|call| worker.answer_json(*call, &issuer.jwks().to_string()));
        worker.advance(Duration::from_secs(1));
        fetches(&worker, METADATA[0]).first().copied()
    });
    issuer.now = process.now().as_secs();
    issuer.rotate(KeyKind::P256);
    let waiting = worker.bearer(&issuer.token("ES256", json!({})));
    let at_one = fetch(&worker, "/one");
    worker.answer_json(call.expect("a fetch of the metadata"), &metadata("/two"));
    assert_eq!(worker.outcome(waiting), Outcome::Paused);
    worker.answer_json(at_one, "{}");
    assert_eq!(worker.outcome(waiting), Outcome::Paused, "what comes from the old address counts for nothing");
    worker.answer_json(fetch(&worker, "/two"), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, waiting), "allowed");
}

#[test]
fn a_token_without_kid_finds_a_new_key() {
    let process = process();
    let mut issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    issuer.rotate(KeyKind::P256);
    let waiting = worker.bearer(&issuer.token_with("ES256", json!({"kid": null}), json!({})));
    assert_eq!(worker.outcome(waiting), Outcome::Paused);
    worker.answer_json(fetch(&worker, JWKS), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, waiting), "allowed");
}

#[test]
fn a_crowd_that_waits_is_let_go_on_in_turns() {
    let process = process();
    let issuer = issuer(&process);
    let worker = start(&process);
    let streams: Vec<StreamId> =
        (0..600).map(|number| worker.bearer(&issuer.token("ES256", json!({"jti": number})))).collect();
    worker.reset_hostcalls();
    worker.deliver_json(fetch(&worker, JWKS), &issuer.jwks().to_string());
    let at_once = worker.hostcalls()["proxy_call_foreign_function"];
    assert!((1..=128).contains(&at_once), "{at_once} signatures in one turn");
    worker.turn();
    assert!(streams.iter().all(|stream| ended(&worker, *stream) == "allowed"));
    assert_eq!(worker.hostcalls()["proxy_call_foreign_function"], 600);
}
