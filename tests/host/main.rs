//! The fake host, tested: a fake that is wrong makes every test above it worthless.
#![allow(clippy::expect_used, reason = "a test")]

#[path = "mod.rs"]
mod host;
#[path = "../tokens/mod.rs"]
mod tokens;

mod signing;

#[allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    reason = "a filter that does things badly on purpose"
)]
mod filter;

use host::{Module, Outcome, Process, Worker};
use proxy_wasm::types::Status;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn process() -> Process {
    Process::new(Module::of_the_sdk(filter::start), &["idp"])
}

fn worker() -> Worker {
    process().worker("a").expect("a configuration that is accepted")
}

fn last_log(worker: &Worker) -> String {
    worker.logs().last().expect("a log line").1.clone()
}

/// Runs `act` and gives the message it panicked with.
fn panic_of(act: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(act)).expect_err("a panic");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

fn do_(worker: &Worker, what: &str) -> Outcome {
    let stream = worker.request(&[("x-do", what)]);
    worker.outcome(stream)
}

#[test]
fn a_configuration_is_accepted_or_refused_with_its_logs() {
    assert_eq!(last_log(&worker()), "configured as a");
    let refused = process().worker("bad").expect_err("a refusal");
    assert_eq!(refused.logs.last().expect("a log line").1, "configured as bad");
}

#[test]
fn a_request_goes_on_with_the_filters_edits() {
    let worker = worker();
    let headers = [("x-do", "edit"), ("X-Many", "a"), ("x-many", "b"), ("x-gone", "1"), ("x-stays", "2")];
    let stream = worker.request(&headers);
    let outcome = worker.outcome(stream);
    let upstream = outcome.upstream();
    assert_eq!(upstream.lines("x-many").collect::<Vec<_>>(), [b"one", b"two"]);
    assert_eq!((upstream.get("x-gone"), upstream.text("X-Stays")), (None, Some("2")));
    assert_eq!(upstream.text(":path"), Some("/"));
    assert_eq!(worker.property(stream, "tessera.outcome").as_deref(), Some(b"allowed".as_slice()));
}

#[test]
fn a_getter_gives_the_first_line_and_a_property_gives_all() {
    let worker = worker();
    worker.request(&[("x-do", "read"), ("x-many", "a"), ("x-many", "b")]);
    assert_eq!(last_log(&worker), r#"Some("a,b") Some("a") 7"#);
}

#[test]
fn authorization_lines_are_merged_on_arrival() {
    let worker = worker();
    let stream = worker.request(&[("Authorization", "Bearer a"), ("authorization", "Bearer b")]);
    assert_eq!(worker.outcome(stream).upstream().text("authorization"), Some("Bearer a,Bearer b"));
}

#[test]
fn a_reply_ends_the_stream_and_passes_the_filter_once_more() {
    let worker = worker();
    let outcome = do_(&worker, "reply");
    let reply = outcome.reply();
    assert_eq!((reply.status, reply.body.as_slice(), reply.headers.text("x-why")), (403, b"{}".as_slice(), Some("no")));
    assert_eq!(last_log(&worker), "response 403");
}

#[test]
fn what_envoy_would_not_put_up_with_fails_the_test() {
    for (what, fault) in [
        ("reply-twice", "replied to with 401"),
        ("resume", "resumed while it was not paused"),
        ("illegal", "an illegal header"),
        ("two-kinds", "defined as Counter and as Gauge"),
        ("resume-response", "a response was resumed"),
    ] {
        let message = panic_of(|| {
            let worker = worker();
            worker.advance(SECOND);
            do_(&worker, what);
        });
        assert!(message.contains(fault), "{what}: {message}");
    }
}

#[test]
fn a_panic_in_the_filter_fails_the_test_and_only_this_one() {
    let worker = worker();
    let message = panic_of(|| {
        worker.request(&[("x-do".as_bytes(), b"\xff".as_slice())]);
    });
    assert!(message.starts_with("the filter trapped: ") && message.contains("Utf8Error"), "{message}");
    let message = panic_of(|| {
        worker.request(&[("x-do", "pause")]);
    });
    assert!(message.starts_with("the filter trapped: "), "{message}");
}

#[test]
fn a_header_edit_after_the_resume_traps_as_in_envoy() {
    let worker = worker();
    let message = panic_of(|| {
        do_(&worker, "edit-after-resume");
    });
    assert!(message.contains("unexpected status: 2"), "{message}");
}

#[test]
fn waiters_are_finished_by_the_roots_answer_and_gone_ones_are_skipped() {
    let worker = worker();
    let streams: Vec<_> = (0..3).map(|_| worker.request(&[("x-do", "wait")])).collect();
    let call = worker.callout();
    assert!(call.by_root);
    assert_eq!((call.cluster.as_str(), call.body.as_slice(), call.timeout), ("idp", b"token=t".as_slice(), 2 * SECOND));
    worker.hang_up(streams[0]);
    worker.answer_json(call.id, "ok");
    assert_eq!(worker.outcome(streams[0]), Outcome::Closed);
    for stream in &streams[1..] {
        assert_eq!(worker.outcome(*stream).upstream().text("x-answer"), Some("ok"));
    }
    assert!(worker.logs().iter().any(|(_, line)| line.ends_with(" is gone")));
    assert!(worker.callouts().is_empty());
}

#[test]
fn a_broken_callout_arrives_without_headers() {
    let worker = worker();
    let stream = worker.request(&[("x-do", "wait")]);
    worker.fail(worker.callout().id);
    assert_eq!(worker.outcome(stream).reply().status, 503);
}

#[test]
fn a_callout_runs_out_of_time_with_a_504() {
    let worker = worker();
    let stream = worker.request(&[("x-do", "call")]);
    assert!(!worker.callout().by_root);
    worker.advance(SECOND - Duration::from_millis(1));
    assert_eq!(worker.outcome(stream), Outcome::Paused);
    worker.advance(Duration::from_millis(1));
    assert_eq!(worker.outcome(stream).reply().headers.text("x-status"), Some("504"));
}

#[test]
fn the_sdk_drops_the_answer_to_a_stream_that_is_gone() {
    let worker = worker();
    let stream = worker.request(&[("x-do", "call")]);
    worker.hang_up(stream);
    worker.refuse_connection(worker.callout().id);
    assert_eq!(worker.outcome(stream), Outcome::Closed);
}

#[test]
fn a_callout_to_nowhere_or_without_its_headers_is_refused() {
    let worker = worker();
    do_(&worker, "bad-calls");
    assert_eq!(last_log(&worker), "Err(BadArgument) Err(BadArgument)");
    worker.fail_next("proxy_http_call", Status::InternalFailure);
    do_(&worker, "bad-calls");
    assert_eq!(last_log(&worker), "Err(InternalFailure) Err(BadArgument)");
}

#[test]
fn shared_data_is_compared_and_swapped_as_envoy_does() {
    let worker = worker();
    do_(&worker, "shared");
    // Missing: created whatever was expected; then a mismatch; then unconditionally.
    assert_eq!(last_log(&worker), "None Ok(()) Err(CasMismatch) Ok(())");
    worker.reset_hostcalls();
    do_(&worker, "shared");
    assert_eq!(last_log(&worker), "Some(2) Err(CasMismatch) Err(CasMismatch) Ok(())");
    let counts = worker.hostcalls();
    assert_eq!((counts["proxy_get_shared_data"], counts["proxy_set_shared_data"]), (1, 3));
}

#[test]
fn one_worker_wakes_another_at_its_next_turn() {
    let process = process();
    let a = process.worker("a").expect("a worker");
    let b = process.worker("b").expect("a worker");
    do_(&a, "wake-other");
    assert_eq!(last_log(&b), "configured as b");
    b.turn();
    assert_eq!(last_log(&b), "dequeued hello");
}

#[test]
fn workers_share_data_metrics_and_the_clock() {
    let process = process();
    let workers = [process.worker("a").expect("a worker"), process.worker("b").expect("a worker")];
    do_(&workers[0], "shared");
    assert_eq!(process.shared_data()["k"], b"v");
    process.advance(3 * SECOND);
    assert_eq!(process.metric("ticks"), 6);
    let [a, b] = workers;
    drop(a);
    process.advance(SECOND);
    assert_eq!(process.metric("ticks"), 7);
    b.shut_down();
}

#[test]
fn metrics_are_checked_by_their_kind() {
    let worker = worker();
    do_(&worker, "gauge");
    assert_eq!(last_log(&worker), "Ok(5) Err(BadArgument)");
}

#[test]
fn arrivals_in_one_turn_share_its_wake_ups() {
    let worker = worker();
    let first = worker.arrive(&[("x-do", "wait")], true);
    let second = worker.arrive(&[("x-do", "wait")], true);
    assert!(worker.callouts().is_empty());
    worker.turn();
    worker.answer_json(worker.callout().id, "ok");
    assert!(matches!(worker.outcome(first), Outcome::Continued(_)));
    assert!(matches!(worker.outcome(second), Outcome::Continued(_)));
}

#[test]
fn foreign_functions_are_those_the_test_offers() {
    let process = process();
    process.offer("reverse", |arguments| Ok(arguments.iter().rev().copied().collect()));
    let worker = process.worker("a").expect("a worker");
    do_(&worker, "foreign");
    assert_eq!(last_log(&worker), r#"Ok(Some("cba")) Err(NotFound)"#);
}

#[test]
fn an_exchange_leaves_nothing_behind() {
    let worker = worker();
    assert_eq!(worker.exchange(&[("x-do", "reply")]).reply().status, 403);
    assert!(matches!(worker.exchange(&[("x-do", "edit")]), Outcome::Continued(_)));
    worker.shut_down();
}

#[test]
fn a_reply_to_another_stream_stops_this_one() {
    let worker = worker();
    let first = worker.request(&[("x-do", "pause")]);
    let second = worker.request(&[("x-do", "reply-to"), ("x-whom", &first.0.to_string())]);
    assert_eq!(worker.outcome(first).reply().status, 418);
    assert_eq!(worker.outcome(second), Outcome::Paused);
}

#[test]
fn the_wall_clock_may_go_backwards_without_moving_timers() {
    let worker = worker();
    let process = process();
    let other = process.worker("a").expect("a worker");
    process.set_clock(SECOND);
    process.advance(SECOND);
    assert_eq!((process.metric("ticks"), process.now()), (1, 2 * SECOND));
    drop((worker, other));
}
