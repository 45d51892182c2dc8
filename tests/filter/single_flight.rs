//! One call for one cold token, however many requests and workers want to know.

use crate::caller::{A_TICK, INACTIVE, active};
use crate::configuration::{configuration, provider};
use crate::host::{Callout, Outcome, Process, StreamId, Worker};
use crate::{process, worker};
use proxy_wasm::types::Status;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const PORTAL: &str = r#"{"active":true,"client_id":"portal"}"#;
/// A dead worker's lease, a tick to notice, and one to spare.
const TAKE_OVER: Duration = Duration::from_millis(1500);

fn patient() -> String {
    configuration(json!({"providers": [provider(json!({"introspection": {"timeout": "5s", "retries": 1}}))]}))
}

fn workers(process: &Process, count: usize) -> Vec<Worker> {
    started(process, count, &patient())
}

/// Workers that keep no answer whose server says so.
fn respectful(process: &Process, count: usize) -> Vec<Worker> {
    let providers = [provider(json!({"introspection": {"timeout": "5s", "retries": 1}}))];
    started(process, count, &configuration(json!({"providers": providers, "cache": {"cache_control": "respect"}})))
}

fn started(process: &Process, count: usize, configuration: &str) -> Vec<Worker> {
    (0..count).map(|_| process.worker(configuration).expect("a configuration that is accepted")).collect()
}

/// Callouts that wait for an answer, with the number of their worker.
fn pending(workers: &[Worker]) -> Vec<(usize, Callout)> {
    let of = |(number, worker): (usize, &Worker)| worker.callouts().into_iter().map(move |call| (number, call));
    workers.iter().enumerate().flat_map(of).collect()
}

fn sent(workers: &[Worker]) -> usize {
    workers.iter().map(|worker| worker.sent_callouts().len()).sum()
}

/// Answers the one callout of the process and lets everybody hear of it.
#[track_caller]
fn answer(process: &Process, workers: &[Worker], body: &str) -> usize {
    let calls = pending(workers);
    assert_eq!(calls.len(), 1, "{calls:?}");
    let (number, call) = &calls[0];
    workers[*number].answer_json(call.id, body);
    process.turn_all();
    *number
}

#[track_caller]
fn all_pass(workers: &[Worker], streams: &[(usize, StreamId)]) {
    for (number, stream) in streams {
        let outcome = workers[*number].outcome(*stream);
        assert_eq!(outcome.upstream().text("x-client-id"), Some("portal"));
        workers[*number].hang_up(*stream);
    }
}

fn everywhere(workers: &[Worker], token: &str, each: usize) -> Vec<(usize, StreamId)> {
    let round = |_| (0..workers.len()).map(|number| (number, workers[number].bearer(token)));
    (0..each).flat_map(round).collect()
}

#[test]
fn many_requests_on_four_workers_make_one_call() {
    let process = process();
    let workers = workers(&process, 4);
    let streams = everywhere(&workers, "abc", 125);
    answer(&process, &workers, PORTAL);
    all_pass(&workers, &streams);
    assert_eq!(sent(&workers), 1);
    for worker in &workers {
        assert!(worker.known("abc").passed());
    }
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_introspections.provider.main.result.active"), 1);
    let coalesced = |level: &str| process.metric(&format!("tessera_cache.result.coalesced.level.{level}"));
    assert_eq!((coalesced("worker"), coalesced("shared")), (496, 3));
    assert_eq!(process.metric("tessera_in_flight"), 0);
}

#[test]
fn requests_that_arrive_in_one_turn_share_the_call() {
    let process = process();
    let workers = workers(&process, 2);
    let headers = [("authorization", "Bearer abc")];
    let streams: Vec<_> = (0..20).map(|number| (number % 2, workers[number % 2].arrive(&headers, true))).collect();
    process.turn_all();
    answer(&process, &workers, PORTAL);
    all_pass(&workers, &streams);
}

#[test]
fn different_tokens_and_token_like_prefixes_are_asked_about_apart() {
    let worker = worker(&patient());
    let tokens = ["abc", "abcd", "ABC", "abc=", "a"];
    let streams = tokens.map(|token| worker.bearer(token));
    let calls: BTreeMap<_, _> = worker.callouts().into_iter().map(|call| (call.token(), call.id)).collect();
    assert_eq!(calls.len(), tokens.len());
    for (token, stream) in tokens.iter().zip(streams) {
        worker.answer_json(calls[*token], &active(json!({"client_id": format!("client-{token}")})));
        let expected = format!("client-{token}");
        assert_eq!(worker.outcome(stream).upstream().text("x-client-id"), Some(expected.as_str()));
        worker.hang_up(stream);
    }
}

#[test]
fn callers_that_hang_up_strand_nobody() {
    let process = process();
    let workers = workers(&process, 2);
    let mut streams = everywhere(&workers, "abc", 5);
    // Everybody on the worker that asks.
    let (asking, _) = pending(&workers).remove(0);
    streams.retain(|(number, stream)| {
        if *number == asking {
            workers[asking].hang_up(*stream);
        }
        *number != asking
    });
    answer(&process, &workers, PORTAL);
    all_pass(&workers, &streams);
    assert_eq!(sent(&workers), 1);
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_remembered() {
    let worker = worker(&patient());
    let stream = worker.bearer("abc");
    worker.hang_up(stream);
    worker.answer_json(worker.callout().id, PORTAL);
    assert!(worker.known("abc").passed());
}

#[test]
fn a_worker_that_dies_is_replaced_by_one_other() {
    let process = process();
    let mut workers = workers(&process, 4);
    let mut streams = everywhere(&workers, "abc", 3);
    let (dead, _) = pending(&workers).remove(0);
    drop(workers.remove(dead));
    streams.retain(|(number, _)| *number != dead);
    streams.iter_mut().filter(|(number, _)| *number > dead).for_each(|(number, _)| *number -= 1);
    process.advance(TAKE_OVER);
    answer(&process, &workers, PORTAL);
    all_pass(&workers, &streams);
    assert_eq!(sent(&workers), 1, "beside the dead worker's");
}

#[test]
fn every_worker_but_the_last_may_die() {
    let process = process();
    let mut workers = workers(&process, 3);
    let stream = everywhere(&workers, "abc", 1)[2].1;
    for _ in 0..2 {
        let (dead, _) = pending(&workers).remove(0);
        if dead == workers.len() - 1 {
            break;
        }
        drop(workers.remove(dead));
        process.advance(TAKE_OVER);
    }
    let last = workers.len() - 1;
    answer(&process, &workers, PORTAL);
    assert!(workers[last].outcome(stream).passed());
    workers[last].hang_up(stream);
}

#[test]
fn a_worker_that_only_waits_long_is_not_replaced() {
    let process = process();
    let workers = workers(&process, 3);
    let streams = everywhere(&workers, "abc", 1);
    process.advance(Duration::from_millis(4900));
    assert_eq!(sent(&workers), 1);
    process.advance(Duration::from_secs(2));
    assert_eq!(sent(&workers), 2, "its retry");
    answer(&process, &workers, PORTAL);
    all_pass(&workers, &streams);
}

#[test]
fn followers_of_a_dead_worker_are_answered_in_time() {
    let process = process();
    let mut workers = workers(&process, 2);
    let streams = everywhere(&workers, "abc", 1);
    let (dead, _) = pending(&workers).remove(0);
    drop(workers.remove(dead));
    let stream = streams[1 - dead].1;
    // Nor does the call of the one that takes over ever come back.
    process.advance(TAKE_OVER);
    workers[0].lose(workers[0].callout().id);
    process.advance(Duration::from_secs(11) - TAKE_OVER);
    assert_eq!(workers[0].outcome(stream).status(), Some(503));
}

#[test]
fn a_clock_that_is_set_back_strands_no_follower() {
    let process = process();
    let mut workers = workers(&process, 2);
    let streams = everywhere(&workers, "abc", 1);
    let (dead, _) = pending(&workers).remove(0);
    drop(workers.remove(dead));
    process.set_clock(process.now() - Duration::from_secs(86_400));
    process.advance(TAKE_OVER);
    answer(&process, &workers, PORTAL);
    assert!(workers[0].outcome(streams[1 - dead].1).passed());
    workers[0].hang_up(streams[1 - dead].1);
}

#[test]
fn failures_are_shared_too() {
    for (status, body, outcome) in
        [(500, "", "provider_unavailable"), (200, "<html>", "provider_error"), (200, INACTIVE, "inactive")]
    {
        let process = process();
        let workers = workers(&process, 3);
        let streams = everywhere(&workers, "abc", 2);
        let (number, call) = pending(&workers).remove(0);
        workers[number].answer(call.id, status, &[("content-type", "text/html")], body);
        process.turn_all();
        for (number, stream) in streams {
            assert_eq!(workers[number].outcome_property(stream).as_deref(), Some(outcome));
        }
        assert_eq!(sent(&workers), 1);
    }
}

#[test]
fn an_answer_too_large_for_a_message_is_asked_for_by_each_worker() {
    let process = process();
    let workers = workers(&process, 3);
    let streams = everywhere(&workers, "abc", 2);
    let large = active(json!({"client_id": "portal", "scope": "s".repeat(9000)}));
    let (number, call) = pending(&workers).remove(0);
    workers[number].answer_json(call.id, &large);
    process.turn_all();
    let calls = pending(&workers);
    assert_eq!(calls.len(), 2);
    for (number, call) in calls {
        workers[number].answer_json(call.id, &large);
    }
    all_pass(&workers, &streams);
}

#[test]
fn an_answer_that_must_not_be_kept_serves_those_who_wait() {
    let process = process();
    let workers = respectful(&process, 3);
    let streams = everywhere(&workers, "abc", 2);
    let (number, call) = pending(&workers).remove(0);
    workers[number].answer(call.id, 200, &[("cache-control", "no-store")], PORTAL);
    process.turn_all();
    all_pass(&workers, &streams);
    assert_eq!(sent(&workers), 1);
    for worker in &workers {
        let stream = worker.bearer("abc");
        worker.answer(worker.callout().id, 200, &[("cache-control", "no-store")], PORTAL);
        assert!(worker.outcome(stream).passed(), "and nobody else");
        worker.hang_up(stream);
    }
}

#[test]
fn tokens_of_one_set_are_asked_about_once_each() {
    for entries in [0, 8, 10_000] {
        let process = process();
        let configuration = configuration(json!({"cache": {"entries": entries}}));
        let workers: Vec<_> = (0..2).map(|_| process.worker(&configuration).expect("a configuration")).collect();
        let mut streams = Vec::new();
        for number in 0..60 {
            for worker in [number % 2, 1 - number % 2] {
                streams.push((worker, workers[worker].bearer(&format!("token-{number}"))));
            }
        }
        let calls = pending(&workers);
        assert_eq!(calls.len(), 60, "{entries}");
        for (number, call) in calls {
            workers[number].answer_json(call.id, PORTAL);
        }
        process.turn_all();
        all_pass(&workers, &streams);
        assert_eq!(sent(&workers), 60, "{entries}");
    }
}

#[test]
fn more_tokens_than_their_set_has_places_for_are_all_asked_about() {
    let process = process();
    let configuration = configuration(json!({"cache": {"entries": 8}}));
    let workers: Vec<_> = (0..2).map(|_| process.worker(&configuration).expect("a configuration")).collect();
    let mut streams = Vec::new();
    for number in 0..400 {
        for worker in [0, 1] {
            streams.push((worker, workers[worker].bearer(&format!("token-{number}"))));
        }
    }
    let calls = pending(&workers);
    assert!(calls.len() > 400 && calls.len() < 800, "those that have a place are shared: {}", calls.len());
    for (number, call) in calls {
        workers[number].answer_json(call.id, PORTAL);
    }
    process.turn_all();
    all_pass(&workers, &streams);
}

#[test]
fn a_miss_reads_shared_data_twice_and_writes_it_twice() {
    for answer in [PORTAL, INACTIVE, "<html>"] {
        let worker = worker(&patient());
        worker.reset_hostcalls();
        let stream = worker.bearer("abc");
        worker.answer_json(worker.callout().id, answer);
        assert_ne!(worker.outcome(stream), Outcome::Paused);
        let calls = worker.hostcalls();
        let count = |call: &str| calls.get(call).copied().unwrap_or_default();
        assert_eq!((count("proxy_get_shared_data"), count("proxy_set_shared_data")), (2, 2), "{answer}");
        worker.hang_up(stream);
    }
}

#[test]
fn a_store_that_keeps_changing_costs_a_call_not_an_answer() {
    let process = process();
    let workers = workers(&process, 2);
    for worker in &workers {
        for _ in 0..8 {
            worker.fail_next("proxy_set_shared_data", Status::CasMismatch);
        }
    }
    let streams = everywhere(&workers, "abc", 1);
    let calls = pending(&workers);
    assert_eq!(calls.len(), 2, "each for itself");
    for (number, call) in calls {
        workers[number].answer_json(call.id, PORTAL);
    }
    all_pass(&workers, &streams);
}

#[test]
fn a_lease_that_another_has_taken_or_spoilt_is_survived() {
    let process = process();
    let workers = respectful(&process, 2);
    let first = workers[0].bearer("abc");
    let (key, value) = process.shared_data().into_iter().find(|(key, _)| key.contains("/slots/")).expect("a lease");
    for spoilt in [vec![], vec![0xff; 100], value[..value.len() - 1].to_vec(), vec![1; 1 << 16]] {
        process.set_shared_data(&key, &spoilt);
        let second = workers[1].bearer("abc");
        process.advance(TAKE_OVER);
        for (number, call) in pending(&workers) {
            if number == 1 {
                workers[number].answer(call.id, 200, &[("cache-control", "no-store")], PORTAL);
            }
        }
        process.turn_all();
        assert!(workers[1].outcome(second).passed(), "{spoilt:?}");
        workers[1].hang_up(second);
    }
    if workers[0].outcome(first) == Outcome::Paused {
        workers[0].answer_json(workers[0].callout().id, PORTAL);
    }
    assert!(workers[0].outcome(first).passed());
    workers[0].hang_up(first);
}

#[test]
fn more_requests_than_may_wait_are_refused_and_the_others_served() {
    const MAX_WAITERS: usize = 8192;
    let worker = worker(&patient());
    let streams: Vec<_> = (0..MAX_WAITERS).map(|_| worker.bearer("abc")).collect();
    let refused = worker.bearer("abc");
    assert_eq!(worker.outcome(refused).status(), Some(503));
    assert_eq!(worker.outcome_property(refused).as_deref(), Some("overloaded"));
    assert_eq!(worker.outcome(worker.bearer("def")).status(), Some(503));
    // One place gets free.
    worker.hang_up(streams[0]);
    assert_eq!(worker.outcome(worker.bearer("abc")), Outcome::Paused);
    worker.answer_json(worker.callout().id, INACTIVE);
    for stream in &streams[1..] {
        assert_eq!(worker.outcome(*stream).status(), Some(401));
    }
}

#[test]
fn each_question_leaves_in_the_callback_of_its_request() {
    let worker = worker(&patient());
    for token in ["a", "b", "c"] {
        let stream = worker.arrive(&[("authorization", format!("Bearer {token}"))], true);
        assert_eq!(worker.callouts().len(), 1, "{token} waits for a turn of the event loop");
        worker.answer_json(worker.callout().id, PORTAL);
        assert!(worker.outcome(stream).passed());
    }
}
