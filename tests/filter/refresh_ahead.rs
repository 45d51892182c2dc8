//! Tokens in use are renewed before they lapse, and nobody waits for it.

use crate::caller::{INACTIVE, active};
use crate::configuration::configuration;
use crate::host::{Process, START, Worker};
use crate::process;
use serde_json::json;
use std::time::Duration;

const PORTAL: &str = r#"{"active":true,"client_id":"portal"}"#;
/// An answer lives for 90 s to 100 s; the last fifth begins between 72 s and 80 s.
const EARLY: u64 = 71;
const DUE: u64 = 80;

fn start(process: &Process, ahead: bool) -> Worker {
    let cache = json!({"max_ttl": "100s", "negative_ttl": "100s", "refresh_ahead": ahead, "cache_control": "respect"});
    process.worker(&configuration(json!({"cache": cache}))).expect("a configuration that is accepted")
}

fn at(process: &Process, seconds: u64) {
    process.set_clock(Duration::from_secs(START + seconds));
}

/// A request with this token, which does not wait.
#[track_caller]
fn passes(worker: &Worker, token: &str) {
    let stream = worker.bearer(token);
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
}

/// A worker that renews `abc`, because of a request at this moment.
#[track_caller]
fn renewing(process: &Process, seconds: u64) -> Worker {
    let worker = start(process, true);
    worker.asked("abc", PORTAL);
    worker.known("abc");
    at(process, seconds);
    passes(&worker, "abc");
    worker
}

/// A token with this answer is not introspected again, however often it is used.
#[track_caller]
fn stays_as_it_is(ahead: bool, answer: &str) {
    let process = process();
    let worker = start(&process, ahead);
    worker.asked("abc", answer);
    at(&process, DUE);
    for _ in 0..5 {
        worker.known("abc");
    }
}

#[test]
fn a_token_in_use_is_renewed_off_the_request_path() {
    let process = process();
    let worker = start(&process, true);
    worker.asked("abc", PORTAL);
    worker.known("abc");
    at(&process, EARLY);
    worker.known("abc");
    at(&process, DUE);
    passes(&worker, "abc");
    passes(&worker, "abc");
    assert_eq!(worker.sent_callouts().len(), 2, "one renewal at a time");
    worker.answer_json(worker.callout().id, &active(json!({"client_id": "renamed"})));
    at(&process, DUE + EARLY);
    assert_eq!(worker.known("abc").upstream().text("x-client-id"), Some("renamed"));
}

#[test]
fn a_token_out_of_use_is_not_renewed() {
    let process = process();
    let worker = start(&process, true);
    worker.asked("abc", PORTAL);
    at(&process, DUE);
    worker.known("abc");
    assert_eq!(worker.sent_callouts().len(), 1, "seen twice in all its life");
}

#[test]
fn nothing_is_renewed_where_that_is_off() {
    stays_as_it_is(false, PORTAL);
}

#[test]
fn a_bad_token_is_not_renewed() {
    stays_as_it_is(true, INACTIVE);
}

#[test]
fn one_worker_renews_for_all() {
    let process = process();
    let workers = [start(&process, true), start(&process, true), start(&process, true)];
    workers[0].asked("abc", PORTAL);
    for worker in &workers {
        worker.known("abc");
        worker.known("abc");
    }
    at(&process, DUE);
    for worker in &workers {
        passes(worker, "abc");
    }
    let sent = || workers.iter().map(|worker| worker.sent_callouts().len()).sum::<usize>();
    assert_eq!(sent(), 2);
    let (asking, call) = workers.iter().find_map(|worker| Some((worker, worker.callouts().pop()?))).expect("a renewal");
    asking.answer_json(call.id, PORTAL);
    process.turn_all();
    at(&process, DUE + EARLY);
    for worker in &workers {
        worker.known("abc");
    }
    assert_eq!(sent(), 2);
}

#[test]
fn a_worker_that_comes_later_takes_the_renewed_answer_from_the_others() {
    let process = process();
    let (one, two) = (start(&process, true), start(&process, true));
    one.asked("abc", PORTAL);
    two.known("abc");
    two.known("abc");
    one.known("abc");
    at(&process, DUE);
    passes(&one, "abc");
    one.answer_json(one.callout().id, &active(json!({"client_id": "renamed"})));
    passes(&two, "abc");
    assert_eq!(two.known("abc").upstream().text("x-client-id"), Some("renamed"));
    assert!(two.sent_callouts().is_empty());
}

#[test]
fn a_renewal_that_fails_disturbs_nobody() {
    let process = process();
    let worker = renewing(&process, DUE);
    worker.fail(worker.callout().id);
    for _ in 0..5 {
        worker.known("abc");
    }
    at(&process, DUE + 2);
    passes(&worker, "abc");
    assert_eq!(worker.sent_callouts().len(), 3, "tried again, but not with each request");
    worker.answer(worker.callout().id, 200, &[("content-type", "text/html")], "<html>");
    at(&process, 89);
    passes(&worker, "abc");
}

#[test]
fn a_renewal_that_finds_the_token_revoked_ends_it_at_once() {
    let process = process();
    let workers = [start(&process, true), start(&process, true)];
    workers[0].asked("abc", PORTAL);
    workers[0].known("abc");
    at(&process, DUE);
    passes(&workers[0], "abc");
    workers[0].answer_json(workers[0].callout().id, INACTIVE);
    for worker in &workers {
        assert_eq!(worker.known("abc").status(), Some(401));
    }
}

#[test]
fn a_renewal_whose_answer_must_not_be_kept_ends_the_old_one() {
    for answer in [PORTAL, INACTIVE] {
        let process = process();
        let worker = renewing(&process, DUE);
        worker.answer(worker.callout().id, 200, &[("cache-control", "no-store")], answer);
        worker.asked("abc", INACTIVE);
    }
}

#[test]
fn a_request_that_comes_when_it_has_expired_waits_for_the_renewal_under_way() {
    let process = process();
    let worker = renewing(&process, 89);
    process.advance(Duration::from_millis(1900));
    at(&process, 100);
    let stream = worker.bearer("abc");
    let call = worker.callouts().pop().expect("the renewal");
    worker.answer_json(call.id, PORTAL);
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
}
