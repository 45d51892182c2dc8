//! What a key has signed counts in a worker for as long as the key is in that worker's set, whoever has asked.

use crate::caller::active;
use crate::configuration::{configuration, provider};
use crate::host::{Callout, Outcome, Process, StreamId, Worker};
use crate::process;
use crate::tokens::{Issuer, KeyKind};
use serde_json::json;
use std::time::Duration;

const ISSUER: &str = "https://idp.example.com";
const INTROSPECTION: &str = "/oauth2/introspect";
const JWKS: &str = "/jwks";
/// Answers are fresh for nine to ten minutes, and stale for ten more.
const STALE: Duration = Duration::from_secs(600);

fn issuer(process: &Process) -> Issuer {
    Issuer::new(ISSUER, process.now().as_secs(), &[KeyKind::P256])
}

/// The same issuer with another key: the old one is withdrawn.
fn renewed(process: &Process) -> Issuer {
    issuer(process)
}

/// A worker that has no keys yet, and believes signed answers only.
fn start(process: &Process) -> Worker {
    asking_for(process, "jwt", "never")
}

fn asking_for(process: &Process, response: &str, introspect: &str) -> Worker {
    let keys = json!({"url": format!("{ISSUER}{JWKS}"), "cluster": "idp", "refresh": "5s"});
    let jwt = json!({"keys": keys, "algorithms": ["ES256"], "introspect": introspect});
    let main = provider(json!({"issuer": ISSUER, "introspection": {"response": response}, "jwt": jwt}));
    let cache = json!({"max_ttl": "10m", "stale_if_error": "10m", "refresh_ahead": false});
    let settings = configuration(json!({"providers": [main], "cache": cache}));
    process.worker(&settings).expect("a configuration that is accepted")
}

fn with_keys(process: &Process, issuer: &Issuer) -> Worker {
    let worker = start(process);
    learns(&worker, issuer);
    worker
}

/// The worker's next fetch of the keys finds those of this issuer.
#[track_caller]
fn learns(worker: &Worker, issuer: &Issuer) {
    worker.lose_callouts();
    for _ in 0..20 {
        if let Some(call) = calls(worker, JWKS).last() {
            return worker.answer_json(call.id, &issuer.jwks().to_string());
        }
        worker.advance(Duration::from_secs(1));
    }
    panic!("the keys are not fetched");
}

fn calls(worker: &Worker, path: &str) -> Vec<Callout> {
    let is_one = |call: &Callout| call.headers.get(":path") == Some(path.as_bytes());
    worker.callouts().into_iter().filter(is_one).collect()
}

/// The worker's question about a token is answered with the key of this issuer.
#[track_caller]
fn answer(worker: &Worker, issuer: &Issuer) {
    let asked = calls(worker, INTROSPECTION);
    assert_eq!(asked.len(), 1, "questions under way");
    let signed = issuer.introspection("ES256", "gateway", json!({"active": true, "client_id": "portal"}));
    worker.answer(asked[0].id, 200, &[("content-type", "application/token-introspection+jwt")], signed);
}

fn ended(worker: &Worker, stream: StreamId) -> String {
    match worker.outcome(stream) {
        Outcome::Continued(_) => "allowed".to_owned(),
        Outcome::Replied(_) => worker.outcome_property(stream).expect("an outcome"),
        other => format!("{other:?}"),
    }
}

/// How a request ends about whose token nobody is asked.
#[track_caller]
fn known(worker: &Worker, token: &str) -> String {
    let stream = worker.bearer(token);
    assert!(calls(worker, INTROSPECTION).is_empty(), "{token} is asked about");
    let verdict = ended(worker, stream);
    worker.hang_up(stream);
    verdict
}

/// A request about whose token the server is asked; the answer is signed with the key of this issuer.
#[track_caller]
fn asked(worker: &Worker, token: &str, issuer: &Issuer) -> StreamId {
    let stream = worker.bearer(token);
    answer(worker, issuer);
    stream
}

#[test]
fn a_worker_takes_over_what_it_could_have_verified_itself() {
    let process = process();
    let (old, new) = (issuer(&process), renewed(&process));
    let [one, two] = [0, 1].map(|_| with_keys(&process, &old));
    for token in ["t", "u"] {
        assert_eq!(ended(&one, asked(&one, token, &old)), "allowed");
    }
    assert_eq!(known(&two, "t"), "allowed");
    // One still has the old key, in two it is gone: from memory, and from what the workers share.
    learns(&two, &new);
    for token in ["t", "u"] {
        assert_eq!(known(&one, token), "allowed");
        assert_eq!(ended(&two, asked(&two, token, &new)), "allowed");
    }
    // Also what was asked for since.
    assert_eq!(ended(&one, asked(&one, "v", &old)), "allowed");
    assert_eq!(ended(&two, asked(&two, "v", &new)), "allowed");
    // One has not heard of the new key yet, and finds it.
    assert_eq!(ended(&two, asked(&two, "w", &new)), "allowed");
    let stream = asked(&one, "w", &new);
    assert_eq!(one.outcome(stream), Outcome::Paused);
    one.answer_json(calls(&one, JWKS).last().expect("a fetch").id, &new.jwks().to_string());
    assert_eq!(ended(&one, stream), "allowed");
    for token in ["t", "u", "v", "w"] {
        assert_eq!(known(&one, token), "allowed", "{token}");
    }
}

#[test]
fn after_a_reload_it_counts_once_the_key_is_found_in_the_set() {
    let process = process();
    let (old, new) = (issuer(&process), renewed(&process));
    let one = with_keys(&process, &old);
    for token in ["t", "u"] {
        assert_eq!(ended(&one, asked(&one, token, &old)), "allowed");
    }
    assert_eq!(known(&with_keys(&process, &old), "t"), "allowed");
    // Without keys nothing can be said of it; then its key is not among them.
    let two = start(&process);
    let stream = asked(&two, "t", &old);
    assert_eq!(two.outcome(stream), Outcome::Paused);
    two.answer_json(calls(&two, JWKS).last().expect("a fetch").id, &new.jwks().to_string());
    assert_eq!(ended(&two, stream), "provider_error");
    assert_eq!(ended(&two, asked(&two, "u", &new)), "allowed");
}

#[test]
fn it_is_no_stale_answer_either() {
    let process = process();
    let (old, new) = (issuer(&process), renewed(&process));
    let [one, two] = [0, 1].map(|_| with_keys(&process, &old));
    assert_eq!(ended(&one, asked(&one, "t", &old)), "allowed");
    process.set_clock(process.now() + STALE);
    let three = with_keys(&process, &new);
    learns(&two, &new);
    let during_outage = |worker: &Worker| {
        let stream = worker.bearer("t");
        worker.refuse_connection(calls(worker, INTROSPECTION)[0].id);
        ended(worker, stream)
    };
    assert_eq!([&two, &three].map(during_outage), ["provider_unavailable"; 2]);
    assert_eq!(during_outage(&one), "allowed");
}

#[test]
fn who_waits_for_another_workers_answer_asks_for_one_of_a_key_that_it_has() {
    let process = process();
    let (old, new) = (issuer(&process), renewed(&process));
    for (leading, following, in_force) in [(&old, &new, false), (&new, &old, true)] {
        let (leader, follower) = (with_keys(&process, leading), with_keys(&process, following));
        let token = if in_force { "t" } else { "u" };
        let streams = [leader.bearer(token), follower.bearer(token)];
        assert!(calls(&follower, INTROSPECTION).is_empty());
        answer(&leader, leading);
        process.turn_all();
        assert_eq!(ended(&leader, streams[0]), "allowed");
        assert_eq!(follower.outcome(streams[1]), Outcome::Paused);
        // It is the leader's key again, and this worker looks for it.
        answer(&follower, leading);
        assert_eq!(follower.outcome(streams[1]), Outcome::Paused);
        follower.answer_json(calls(&follower, JWKS).last().expect("a fetch").id, &new.jwks().to_string());
        assert_eq!(ended(&follower, streams[1]), if in_force { "allowed" } else { "provider_error" });
    }
}

#[test]
fn what_is_known_about_a_jwt_is_worth_nothing_without_its_key() {
    let process = process();
    let (old, new) = (issuer(&process), renewed(&process));
    let [one, two] = [0, 1].map(|_| asking_for(&process, "json", "always"));
    learns(&one, &old);
    learns(&two, &new);
    let token = old.token("ES256", json!({}));
    let stream = one.bearer(&token);
    one.answer_json(calls(&one, INTROSPECTION)[0].id, &active(json!({})));
    assert_eq!(ended(&one, stream), "allowed");
    assert_eq!(known(&one, &token), "allowed");
    for worker in [&two, &asking_for(&process, "json", "always")] {
        let stream = worker.bearer(&token);
        worker.answer_json(calls(worker, JWKS).last().expect("a fetch").id, &new.jwks().to_string());
        assert_eq!(ended(worker, stream), "bad_signature");
    }
    learns(&one, &new);
    let stream = one.bearer(&token);
    one.answer_json(calls(&one, JWKS).last().expect("a fetch").id, &new.jwks().to_string());
    assert_eq!(ended(&one, stream), "bad_signature");
}
