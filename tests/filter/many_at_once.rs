//! However many requests end at once: a little in each turn of the event loop, in order, and every one.
//!
//! The fake host fails a test whose filter asks for more inside one turn than V8's stack has room for.

use crate::caller::{INACTIVE, active};
use crate::configuration::configuration;
use crate::host::{Outcome, StreamId, Worker};
use crate::process;
use proxy_wasm::types::Status;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// As many as may wait in one worker.
const MANY: usize = 8192;

fn arrive(worker: &Worker, token: &str) -> StreamId {
    worker.arrive(&[("authorization", format!("Bearer {token}"))], true)
}

fn statuses(worker: &Worker, streams: &[StreamId]) -> BTreeMap<Option<u32>, usize> {
    let mut statuses = BTreeMap::new();
    for stream in streams {
        *statuses.entry(worker.outcome(*stream).status()).or_default() += 1;
    }
    statuses
}

/// Answers the one question, of whichever kind; the answer's own callback ends few of those who wait.
#[track_caller]
fn answer(worker: &Worker, streams: &[StreamId], status: u16, body: &str) {
    worker.answer(worker.callout().id, status, &[("content-type", "application/json")], body);
    assert!(streams.iter().all(|stream| worker.outcome(*stream) != Outcome::Paused), "nobody is left waiting");
}

#[test]
fn all_who_wait_for_one_token_are_answered() {
    let good = active(json!({"client_id": "portal"}));
    for (count, status, body, expected) in [
        (MANY, 200, INACTIVE, Some(401)),
        (1000, 200, good.as_str(), None),
        (1000, 503, "", Some(503)),
        (1000, 200, "{", Some(502)),
    ] {
        let process = process();
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        let streams: Vec<_> = (0..count).map(|_| arrive(&worker, "abc")).collect();
        worker.turn();
        answer(&worker, &streams, status, body);
        assert_eq!(statuses(&worker, &streams), BTreeMap::from([(expected, count)]));
    }
}

#[test]
fn a_callback_does_its_share_and_others_are_served_in_between() {
    let process = process();
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    worker.asked("known", &active(json!({"client_id": "portal"})));
    let streams: Vec<_> = (0..1000).map(|_| arrive(&worker, "abc")).collect();
    worker.turn();
    worker.deliver_json(worker.callout().id, INACTIVE);
    let waits = |stream: &&StreamId| worker.outcome(**stream) == Outcome::Paused;
    let waiting = streams.iter().filter(waits).count();
    assert!((900..1000).contains(&waiting), "{waiting}");
    let known = arrive(&worker, "known");
    assert!(worker.outcome(known).passed());
    // In the order in which they came.
    let ended = streams.iter().position(|stream| waits(&stream)).expect("one that waits");
    assert!(streams.iter().skip(ended).all(|stream| waits(&stream)));
    worker.turn();
    assert_eq!(statuses(&worker, &streams), BTreeMap::from([(Some(401), 1000)]));
}

#[test]
fn those_who_hang_up_in_between_are_skipped() {
    // Envoy knows the context of a request that is gone a while longer, and crashes if it is to reply to it.
    for linger in [false, true] {
        let process = process();
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        if linger {
            worker.let_contexts_linger();
        }
        let streams: Vec<_> = (0..1000).map(|_| arrive(&worker, "abc")).collect();
        worker.turn();
        worker.deliver_json(worker.callout().id, INACTIVE);
        let (gone, stay): (Vec<_>, Vec<_>) = streams.into_iter().partition(|stream| stream.0 % 3 == 0);
        gone.iter().for_each(|stream| worker.hang_up_at_once(*stream));
        worker.turn();
        assert_eq!(statuses(&worker, &stay), BTreeMap::from([(Some(401), stay.len())]));
    }
}

#[test]
fn requests_whose_end_is_decided_count_among_those_who_wait() {
    let process = process();
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    for _ in 0..MANY {
        arrive(&worker, "abc");
    }
    worker.turn();
    worker.deliver_json(worker.callout().id, INACTIVE);
    for number in 0..MANY {
        arrive(&worker, &format!("token-{}", number % 700));
    }
    assert!(worker.callouts().len() <= 100, "a queue that grows without bound");
    worker.turn();
    let stream = arrive(&worker, "def");
    assert_eq!(worker.outcome(stream), Outcome::Paused, "it has come to its end");
}

#[test]
fn those_who_follow_another_worker_are_answered() {
    let process = process();
    let worker = || process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    let (leader, follower) = (worker(), worker());
    let asking: Vec<_> = (0..400).map(|number| leader.bearer(&format!("token-{number}"))).collect();
    let following: Vec<_> = (0..4000).map(|number| follower.bearer(&format!("token-{}", number % 400))).collect();
    assert!(follower.callouts().is_empty());
    for call in leader.callouts() {
        leader.deliver_json(call.id, INACTIVE);
    }
    process.turn_all();
    assert_eq!(statuses(&leader, &asking), BTreeMap::from([(Some(401), 400)]));
    assert_eq!(statuses(&follower, &following), BTreeMap::from([(Some(401), 4000)]));
}

#[test]
fn calls_that_fail_at_once_are_failures_like_others() {
    for (known, empty) in [(false, false), (true, true)] {
        let process = process();
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        process.set_cluster("idp", known);
        process.empty_cluster("idp", empty);
        let streams: Vec<_> = (0..900).map(|number| arrive(&worker, &format!("token-{number}"))).collect();
        worker.turn();
        assert_eq!(statuses(&worker, &streams), BTreeMap::from([(Some(503), 900)]), "{known} {empty}");
        assert!(worker.callouts().is_empty());
    }
}

#[test]
fn many_overdue_questions_are_ended_by_the_tick() {
    let process = process();
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    let streams: Vec<_> = (0..MANY).map(|number| worker.bearer(&format!("token-{}", number % 700))).collect();
    // The host loses every answer, its own about the time that ran out included.
    worker.lose_callouts();
    process.advance(Duration::from_secs(6));
    assert_eq!(statuses(&worker, &streams), BTreeMap::from([(Some(503), MANY)]));
}

#[test]
fn a_queue_that_takes_no_message_is_made_up_for_by_the_tick() {
    let process = process();
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    let streams: Vec<_> = (0..100).map(|_| arrive(&worker, "abc")).collect();
    worker.turn();
    for _ in 0..16 {
        worker.fail_next("proxy_enqueue_shared_queue", Status::NotFound);
    }
    worker.answer_json(worker.callout().id, INACTIVE);
    assert!(streams.iter().any(|stream| worker.outcome(*stream) == Outcome::Paused));
    for _ in 0..20 {
        process.advance(Duration::from_millis(250));
    }
    assert_eq!(statuses(&worker, &streams), BTreeMap::from([(Some(401), 100)]));
}
