//! Tokens that were good before, and their renewals, find room however many strangers are asked about.

use crate::caller::active;
use crate::configuration::configuration;
use crate::host::{Outcome, Process, START, Worker};
use crate::process;
use serde_json::json;
use std::time::Duration;

const MAX_FLIGHTS: usize = 1024;

fn at(process: &Process, seconds: u64) {
    process.set_clock(Duration::from_secs(START + seconds));
}

fn start(process: &Process) -> Worker {
    process.worker(&configuration(json!({"cache": {"max_ttl": "100s"}}))).expect("a configuration that is accepted")
}

/// As many strangers as may be asked about; one more is refused.
fn crowd(worker: &Worker) {
    for number in 0..MAX_FLIGHTS {
        worker.bearer(&format!("stranger-{number}"));
    }
    let refused = worker.bearer("one-more");
    assert_eq!(worker.outcome_property(refused).as_deref(), Some("overloaded"));
}

/// Whether the token is asked about, and passes with the answer.
#[track_caller]
fn is_served(worker: &Worker, token: &str) {
    let stream = worker.bearer(token);
    assert_eq!(worker.outcome(stream), Outcome::Paused, "{token}");
    let call = worker.callouts().into_iter().find(|call| call.token() == token).expect("a question");
    worker.answer_json(call.id, &active(json!({})));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
}

#[test]
fn tokens_that_have_expired_in_this_worker_or_in_the_process_are_asked_about() {
    let process = process();
    let (one, two) = (start(&process), start(&process));
    one.asked("mine", &active(json!({})));
    two.asked("theirs", &active(json!({})));
    at(&process, 100);
    crowd(&one);
    is_served(&one, "mine");
    is_served(&one, "theirs");
}

#[test]
fn tokens_in_use_are_renewed() {
    let process = process();
    let worker = start(&process);
    worker.asked("hot", &active(json!({})));
    worker.known("hot");
    crowd(&worker);
    at(&process, 80);
    crowd(&worker);
    let stream = worker.bearer("hot");
    assert!(worker.outcome(stream).passed());
    assert!(worker.callouts().iter().any(|call| call.token() == "hot"), "its renewal");
}

#[test]
fn a_token_known_to_be_bad_is_a_stranger() {
    let process = process();
    let worker = start(&process);
    worker.asked("bad", crate::caller::INACTIVE);
    at(&process, 50);
    crowd(&worker);
    assert_eq!(worker.outcome_property(worker.bearer("bad")).as_deref(), Some("overloaded"));
}
