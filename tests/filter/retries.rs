//! Timeouts and retries, and how long a paused request can wait at most.

use crate::caller::{A_PAUSE, INACTIVE, active};
use crate::configuration::{configuration, provider};
use crate::host::{Callout, Outcome, StreamId, Worker};
use crate::{process, worker};
use proxy_wasm::types::Status;
use serde_json::json;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_millis(700);

fn patient(retries: u32) -> String {
    let introspection = json!({"timeout": "700ms", "retries": retries});
    configuration(json!({"providers": [provider(json!({"introspection": introspection}))]}))
}

/// What becomes of a callout.
type Fate = fn(&Worker, &Callout);

/// The longest that guarantee 7 lets a request wait.
fn bound(retries: u32) -> Duration {
    TIMEOUT * (retries + 1) + Duration::from_secs(1)
}

/// Moves the clock in small steps, letting `fate` meet each callout, until the request is answered; gives the time.
#[track_caller]
fn waited(worker: &Worker, stream: StreamId, limit: Duration, mut fate: impl FnMut(&Worker, &Callout)) -> Duration {
    const STEP: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        let sent = worker.sent_callouts().len();
        for call in worker.callouts() {
            if worker.outcome(stream) == Outcome::Paused {
                fate(worker, &call);
            }
        }
        if worker.outcome(stream) != Outcome::Paused {
            return waited;
        }
        if worker.sent_callouts().len() > sent {
            continue;
        }
        assert!(waited <= limit, "still waiting after {waited:?}");
        worker.advance(STEP);
        waited += STEP;
    }
}

#[test]
fn each_attempt_has_the_configured_timeout_and_is_the_same_request() {
    let worker = worker(&patient(2));
    let stream = worker.bearer("abc");
    worker.advance(TIMEOUT * 2);
    worker.answer_json(worker.callout().id, &active(json!({"client_id": "portal"})));
    assert_eq!(worker.outcome(stream).upstream().text("x-client-id"), Some("portal"));
    let sent = worker.sent_callouts();
    assert_eq!(sent.len(), 3);
    for call in &sent {
        assert_eq!((call.timeout, &call.body, &call.headers), (TIMEOUT, &sent[0].body, &sent[0].headers));
    }
    assert_eq!(sent[2].sent_at - sent[0].sent_at, TIMEOUT * 2);
    worker.hang_up(stream);
}

#[test]
fn what_may_be_gone_in_a_moment_is_retried() {
    for retries in 0..=3_u32 {
        for fate in [
            (|worker, call| worker.answer(call.id, 502, &[("x", "y")], "{}")) as Fate,
            |worker, call| worker.answer(call.id, 503, &[("retry-after", "0")], ""),
            |worker, call| worker.answer(call.id, 504, &[("x", "y")], ""),
            |worker, call| worker.refuse_connection(call.id),
            |worker, call| worker.fail(call.id),
        ] {
            let worker = worker(&patient(retries));
            let stream = worker.bearer("abc");
            assert_eq!(waited(&worker, stream, Duration::ZERO, fate), Duration::ZERO);
            assert_eq!(worker.sent_callouts().len(), retries as usize + 1);
            assert_eq!(worker.outcome_property(stream).as_deref(), Some("provider_unavailable"));
        }
    }
}

#[test]
fn a_server_that_asks_for_time_is_not_asked_again_at_once() {
    for (status, headers) in [
        (429, [("x", "y")]),
        (429, [("retry-after", "0")]),
        (429, [("retry-after", "1")]),
        (503, [("retry-after", "1")]),
        (503, [("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT")]),
    ] {
        let worker = worker(&patient(3));
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, status, &headers, "");
        assert_eq!(worker.outcome_property(stream).as_deref(), Some("provider_unavailable"), "{status} {headers:?}");
        assert_eq!(worker.sent_callouts().len(), 1, "{status} {headers:?}");
    }
}

#[test]
fn a_compressed_answer_is_named_in_the_log() {
    let worker = worker(&patient(3));
    let stream = worker.bearer("abc");
    let call = worker.callout();
    assert_eq!(call.headers.text("accept-encoding"), Some("identity"));
    worker.answer(call.id, 200, &[("content-encoding", "gzip")], "\u{1f}gzipped");
    assert_eq!(worker.outcome_property(stream).as_deref(), Some("provider_error"));
    assert!(worker.logs().iter().any(|(_, line)| line.contains("content-encoding")), "{:?}", worker.logs());
    assert_eq!(worker.sent_callouts().len(), 1);
}

#[test]
fn a_refusal_of_the_gateways_own_token_is_no_word_on_the_callers() {
    let client = json!({"auth": "bearer", "secret": "own", "id": null});
    let own = configuration(json!({"providers": [provider(json!({"introspection": {"client": client}}))]}));
    for (configuration, status, outcome) in
        [(&own, 401, "provider_error"), (&own, 400, "inactive"), (&patient(0), 401, "inactive")]
    {
        let worker = worker(configuration);
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, status, &[("x", "y")], r#"{"error":"invalid_token"}"#);
        assert_eq!(worker.outcome_property(stream).as_deref(), Some(outcome), "{status}");
    }
}

#[test]
fn an_answer_is_never_asked_for_again() {
    for (status, body, outcome) in [
        (200, INACTIVE, "inactive"),
        (200, "{", "provider_error"),
        (200, "", "provider_error"),
        (400, "", "provider_error"),
        (401, "", "provider_error"),
        (403, "", "provider_error"),
        (404, "", "provider_error"),
        (302, "", "provider_error"),
        (500, "", "provider_unavailable"),
        (501, "", "provider_unavailable"),
    ] {
        let worker = worker(&patient(3));
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, status, &[("content-type", "application/json")], body);
        assert_eq!(worker.outcome_property(stream).as_deref(), Some(outcome), "{status} {body}");
        assert_eq!(worker.sent_callouts().len(), 1, "{status} {body}");
    }
}

#[test]
fn a_retry_that_succeeds_is_all_that_the_caller_sees() {
    let process = process();
    let worker = process.worker(&patient(1)).expect("a configuration that is accepted");
    let stream = worker.bearer("abc");
    worker.fail(worker.callout().id);
    worker.answer_json(worker.callout().id, &active(json!({"client_id": "portal"})));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
    process.advance(crate::caller::A_TICK);
    assert_eq!(process.metric("tessera_introspections.provider.main.result.unavailable"), 1);
    assert_eq!(process.metric("tessera_introspections.provider.main.result.active"), 1);
}

#[test]
fn every_failure_is_answered_in_time() {
    let fates: [(&str, Fate); 4] = [
        ("silence until the timeout", |_, _| {}),
        ("a callout that never comes back", |worker, call| worker.lose(call.id)),
        ("a broken stream", |worker, call| worker.fail(call.id)),
        ("a refused connection", |worker, call| worker.refuse_connection(call.id)),
    ];
    for retries in [0, 1, 3] {
        for (name, fate) in fates {
            let worker = worker(&patient(retries));
            let stream = worker.bearer("abc");
            waited(&worker, stream, bound(retries), fate);
            assert_eq!(worker.outcome(stream).status(), Some(503), "{name}, {retries} retries");
        }
    }
}

#[test]
fn the_last_attempt_may_be_the_one_that_is_lost() {
    let worker = worker(&patient(2));
    let stream = worker.bearer("abc");
    let mut calls = 0;
    waited(&worker, stream, bound(2), |worker, call| {
        if call.id == 3 {
            worker.lose(call.id);
        }
        calls = calls.max(call.id);
    });
    assert_eq!((calls, worker.outcome(stream).status()), (3, Some(503)));
}

#[test]
fn a_callout_that_comes_back_after_its_flight_has_ended_disturbs_nobody() {
    let worker = worker(&patient(0));
    let first = worker.bearer("abc");
    let lost = worker.callout();
    worker.lose(lost.id);
    worker.advance(bound(0));
    assert_eq!(worker.outcome(first).status(), Some(503));
    worker.advance(A_PAUSE);
    let second = worker.bearer("abc");
    worker.find(lost.id);
    worker.answer_json(lost.id, INACTIVE);
    assert_eq!(worker.outcome(second), Outcome::Paused, "an answer to an older question");
    worker.answer_json(worker.callout().id, &active(json!({})));
    assert!(worker.outcome(second).passed());
    worker.hang_up(second);
}

#[test]
fn what_cannot_be_sent_is_answered_at_once() {
    for retries in [0, 2] {
        let process = process();
        process.set_cluster("idp", false);
        let worker = process.worker(&patient(retries)).expect("a configuration that is accepted");
        assert_eq!(worker.outcome(worker.bearer("abc")).status(), Some(503), "an unknown cluster");
        assert!(worker.sent_callouts().is_empty());

        process.set_cluster("idp", true);
        for status in [Status::BadArgument, Status::InternalFailure] {
            for _ in 0..=retries {
                worker.fail_next("proxy_http_call", status);
            }
            assert_eq!(worker.outcome(worker.bearer(&format!("{status:?}"))).status(), Some(503));
        }
        let stream = worker.bearer("ghi");
        worker.answer_json(worker.callout().id, &active(json!({})));
        assert!(worker.outcome(stream).passed(), "sent as soon as it can be");
        worker.hang_up(stream);
    }
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody_waiting() {
    let process = process();
    let worker = process.worker(&patient(0)).expect("a configuration that is accepted");
    let stream = worker.bearer("abc");
    worker.lose(worker.callout().id);
    process.set_clock(process.now() - Duration::from_secs(3600));
    // One bound from the moment on which the clock was set.
    waited(&worker, stream, bound(0), |_, _| {});
    assert_eq!(worker.outcome(stream).status(), Some(503));
}

#[test]
fn a_wake_up_that_gets_lost_delays_and_loses_nobody() {
    let process = process();
    let worker = process.worker(&patient(0)).expect("a configuration that is accepted");
    // The queue is empty when the worker's turn comes: somebody else has taken the message.
    worker.fail_next("proxy_dequeue_shared_queue", Status::NotFound);
    let stream = worker.bearer("abc");
    worker.advance(Duration::from_millis(300));
    worker.answer_json(worker.callout().id, &active(json!({})));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
}

#[test]
fn those_who_come_later_wait_no_longer() {
    let worker = worker(&patient(1));
    let first = worker.bearer("abc");
    worker.advance(Duration::from_millis(1000));
    let second = worker.bearer("abc");
    waited(&worker, second, bound(1), |_, _| {});
    assert_eq!(worker.outcome(first), worker.outcome(second));
    assert_eq!(worker.sent_callouts().len(), 2, "one flight for both");
}

#[test]
fn a_call_after_another_requests_end_is_the_roots_too() {
    let named = |name: &str, retries: u32| {
        provider(json!({"name": name, "issuer": format!("https://{name}"), "introspection": {"retries": retries}}))
    };
    let api = |id: &str, provider: &str| json!({"id": id, "providers": [provider], "match": {"paths": [format!("/{id}/")]}, "contract": "none"});
    let worker = worker(&configuration(json!({
        "providers": [named("once", 0), named("twice", 1)],
        "apis": [api("a", "once"), api("b", "twice")],
    })));
    for _ in 0..2 {
        worker.fail_next("proxy_http_call", Status::InternalFailure);
    }
    let arrive = |path: &str, token: &str| {
        worker.arrive(&[(":path", path), ("authorization", &format!("Bearer {token}"))], true)
    };
    // Both calls are refused before either failure is handled; then the first request ends and the second is asked again.
    let (first, second) = (arrive("/a/", "abc"), arrive("/b/", "def"));
    worker.turn();
    assert_eq!(worker.outcome(first).status(), Some(503));
    let again = worker.callout();
    worker.hang_up(first);
    worker.answer_json(again.id, &active(json!({"client_id": "portal"})));
    assert!(worker.outcome(second).passed());
}
