//! What one token brings about concerns that token, and a server that wants to be left alone is.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::Request;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::{Gateway, introspection};
use crate::harness::http2_client::{self, Http2Request};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;

fn configuration(cache: Value) -> Value {
    let once = introspection("idp", json!({"timeout": "60s", "retries": 0}));
    json!({"providers": [{"name": "main", "introspection": once}], "apis": [{"id": "all"}], "cache": cache})
}

fn request(token: &str) -> Request {
    Request::get("/orders/1").bearer(token)
}

/// A token about which the server answers so, however often it is asked.
fn answered(gateway: &Gateway, answer: Answer) -> String {
    let token = secrecy::secret("token");
    gateway.server.answer_for(&token, answer);
    token
}

#[test]
fn a_revoked_token_does_not_live_on_trouble_that_other_tokens_provoke() {
    let cache = json!({"max_ttl": "300ms", "stale_if_error": "1h", "refresh_ahead": false});
    let gateway = Gateway::start_with(configuration(cache), |builder| builder.workers(1));
    let revoked = gateway.token(json!({}));
    assert_eq!(gateway.send(&request(&revoked)).status, 200);
    gateway.server.answer_for(&revoked, Answer::json(json!({"active": false})));
    let provoke = || {
        for _ in 0..4 {
            let poison = answered(&gateway, Answer::status(500));
            assert_refused(&gateway.send(&request(&poison)), "provider_unavailable");
        }
    };
    eventually(SOON, "the end of a revoked token", || {
        provoke();
        (gateway.send(&request(&revoked)).status == 401).then_some(())
    });
    for _ in 0..20 {
        provoke();
        assert_refused(&gateway.send(&request(&revoked)), "inactive");
    }
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_token_whose_question_failed_is_asked_about_once_a_second() {
    let gateway = Gateway::start_with(configuration(json!({})), |builder| builder.workers(1));
    for (answer, outcome) in [(Answer::status(500), "provider_unavailable"), (Answer::status(403), "provider_error")] {
        let token = answered(&gateway, answer);
        let start = Instant::now();
        for _ in 0..20 {
            assert_refused(&gateway.send(&request(&token)), outcome);
        }
        let most = 1 + start.elapsed().as_secs() as usize;
        assert!(gateway.server.calls_for(&token) <= most, "{outcome}: {}", gateway.server.calls_for(&token));
    }
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_and_known_tokens_do_not_notice() {
    let gateway = Gateway::start_with(configuration(json!({})), |builder| builder.workers(1));
    let (known, new) = (gateway.token(json!({})), gateway.token(json!({})));
    assert_eq!(gateway.send(&request(&known)).status, 200);
    let busy = answered(&gateway, Answer::status(429).header("retry-after", "86400"));
    for token in [&busy, &new, &new, &busy] {
        let refused = gateway.send(&request(token));
        assert_refused(&refused, "provider_unavailable");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait), "{wait}");
        assert_eq!(gateway.send(&request(&known)).status, 200);
    }
    assert_eq!((gateway.server.calls_for(&busy), gateway.server.calls_for(&new)), (1, 0));
    gateway.server.activate(&busy, json!({}));
    eventually(SOON, "the end of the pause", || (gateway.send(&request(&new)).status == 200).then_some(()));
    assert_eq!(gateway.send(&request(&busy)).status, 200);
    gateway.envoy.assert_no_vm_reload();
}

/// As many strangers as one worker asks about at the same time.
const MOST_STRANGERS: usize = 1024;

#[test]
fn strangers_do_not_lock_out_a_token_that_was_good_before() {
    let cache = json!({"max_ttl": "300ms", "refresh_ahead": false});
    // The calls queue up in Envoy for this one connection; else each would have its own.
    let gateway = Gateway::start_with(configuration(cache), |builder| builder.workers(1).most_connections("idp", 1));
    let (good, gate, port) = (gateway.token(json!({})), Gate::default(), gateway.envoy.port());
    assert_eq!(gateway.send(&request(&good)).status, 200);
    let known_since = Instant::now();
    gateway.server.answer_otherwise(Answer::json(json!({"active": true})).held_by(&gate));
    let strangers =
        (0..MOST_STRANGERS).map(|_| Http2Request::new(http::Method::GET, "/").bearer(&secrecy::secret("token")));
    let strangers: Vec<_> = strangers.collect();
    let strangers = thread::spawn(move || http2_client::send_all(port, strangers));
    let asked = |tokens: usize| {
        let in_flight = || gateway.envoy.stat("wasmcustom.tessera_in_flight") == Some(tokens as u64);
        eventually(SOON, "questions under way", || in_flight().then_some(()));
    };
    asked(MOST_STRANGERS);
    assert_refused(&gateway.send(&request(&secrecy::secret("token"))), "overloaded");
    eventually(SOON, "the token to lapse", || (known_since.elapsed() > Duration::from_millis(300)).then_some(()));
    let returning = request(&good);
    let returning = thread::spawn(move || returning.send(port));
    asked(MOST_STRANGERS + 1);
    gate.open();
    assert_eq!(returning.join().unwrap().status, 200);
    assert!(strangers.join().unwrap().iter().all(|response| response.status == 200));
    gateway.envoy.assert_no_vm_reload();
}
