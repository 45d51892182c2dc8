//! What goes while calls are under way: callers, listeners, Envoy itself.

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, introspection, provider};
use crate::harness::secrecy;

const WAITING: usize = 20;

/// Configurations that differ in nothing that matters.
fn configuration(number: usize) -> Value {
    with_retries(number, 0)
}

fn with_retries(number: usize, retries: u32) -> Value {
    let asking = introspection("idp", json!({"timeout": "30s", "retries": retries}));
    json!({
        "providers": [provider("main", json!({"introspection": asking}))],
        "apis": [{"id": format!("orders-{number}"), "contract": "none"}],
    })
}

/// Callers who wait for a server that says nothing, each with a token of its own.
#[track_caller]
fn waiting(gateway: &Gateway) -> Vec<Connection> {
    let before = gateway.server.call_count();
    gateway.server.answer_otherwise(Answer::silence());
    let callers = (0..WAITING).map(|_| {
        let mut caller = Connection::open(gateway.envoy.port()).unwrap();
        caller.write(&Request::get("/orders/1").bearer(&secrecy::secret("token")).encode()).unwrap();
        caller
    });
    let callers = callers.collect();
    gateway.server.await_calls(before + WAITING);
    callers
}

#[test]
fn envoy_ends_in_peace_while_calls_are_under_way() {
    // A call that breaks off as Envoy ends must not be made again then.
    for retries in [0, 1] {
        let mut gateway = Gateway::start(with_retries(0, retries));
        let _callers = waiting(&gateway);
        gateway.envoy.quit();
    }
}

#[test]
fn a_listener_goes_while_calls_are_under_way_and_the_next_one_serves() {
    let mut gateway = Gateway::start_with(configuration(0), |builder| builder.reloadable().drained_after(1));
    for number in 1..=4 {
        let mut callers = waiting(&gateway);
        // Some hang up, the others are cut off with their listener.
        callers.truncate(WAITING / 2);
        let builder = Envoy::builder().plugin(configuration(number)).upstream(&gateway.upstream).reloadable();
        gateway.envoy.reload(&builder).unwrap();
        eventually(SOON, "the old listener being gone", || {
            (gateway.envoy.stat("listener_manager.total_listeners_draining") == Some(0)).then_some(())
        });
        drop(callers);
        let token = gateway.token(json!({"client_id": "portal"}));
        assert_eq!(gateway.send(&Request::get("/orders/1").bearer(&token)).status, 200);
    }
    gateway.assert_sound("/orders/1");
    let _callers = waiting(&gateway);
    gateway.envoy.quit();
}
