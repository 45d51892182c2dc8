//! Which plugin a request belongs to is told when its context is created, and by nothing else.

use crate::caller::{A_TICK, active};
use crate::configuration::configuration;
use crate::host::{Module, Process};
use crate::{module, worker};
use serde_json::json;
use tessera::callbacks::tessera_on_context_create;

const BEARER: [(&str, &str); 1] = [("authorization", "Bearer abc")];

const ANOTHER_ROOT: u32 = 77;

extern "C" fn nothing_told(context: u32, parent: u32) {
    if parent == 0 {
        tessera_on_context_create(context, parent);
    }
}

extern "C" fn told_of_a_root_that_is_gone(context: u32, parent: u32) {
    tessera_on_context_create(context, if parent == 0 { 0 } else { ANOTHER_ROOT });
}

extern "C" fn told_of_another_request(context: u32, parent: u32) {
    tessera_on_context_create(if parent == 0 { context } else { context + 1 }, parent);
}

#[test]
fn a_request_of_no_known_plugin_is_refused() {
    for context_create in [nothing_told, told_of_a_root_that_is_gone, told_of_another_request] {
        let process = Process::new(Module { context_create, ..module() }, &["idp"]);
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        let outcome = worker.exchange(&BEARER);
        assert_eq!(outcome.reply().status, 500);
        assert!(worker.callouts().is_empty(), "it is not asked about, either");
    }
}

#[test]
fn requests_that_arrive_while_others_wait_are_told_apart() {
    let process = Process::new(module(), &["idp"]);
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    let waiting = worker.request(&BEARER);
    let refused = worker.exchange(&[("authorization", "Bearer not/legal=x")]);
    assert_eq!(refused.reply().status, 400);
    worker.answer_json(worker.callout().id, &active(json!({"client_id": "portal", "scope": "orders.read"})));
    assert!(worker.outcome(waiting).passed());
}

#[test]
fn calls_in_flight_are_shown_from_the_start() {
    let process = Process::new(module(), &["idp"]);
    process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    assert_eq!(process.metrics().get("tessera_in_flight"), Some(&0));
}

#[test]
fn a_plugin_that_goes_away_tells_what_it_has_counted_and_leaves_no_call_behind() {
    let process = Process::new(module(), &["idp"]);
    let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    worker.request(&BEARER);
    process.advance(A_TICK);
    assert_eq!(process.metric("tessera_in_flight"), 1);
    worker.exchange(&[("x-other", "no token")]);

    worker.shut_down();
    assert_eq!(process.metric("tessera_requests.outcome.missing_token.api.orders-v1"), 1);
    assert_eq!(process.metric("tessera_in_flight"), 0);
}

#[test]
fn a_message_to_a_root_context_of_an_earlier_vm_harms_nobody() {
    let worker = worker(&configuration(json!({})));
    let stream = worker.request(&BEARER);
    worker.misdirected_message(stream);
    worker.answer_json(worker.callout().id, &active(json!({"client_id": "portal"})));
    assert!(worker.outcome(stream).passed());
}
