//! Several configurations in one Envoy, beside each other or one after the other. Their filters share one VM in each
//! worker, where each has to find its own.

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::{Gateway, introspection};
use crate::harness::refusal::{assert_refused, parameter};
use crate::harness::secrecy;

const HOSTS: [&str; 2] = ["one.example.com", "two.example.com"];

/// Guards these hosts and names the client in `x-<name>`.
fn guarding(host: &str, name: &str) -> Value {
    let header = format!("x-{name}");
    json!({
        "providers": [{"name": "main", "introspection": introspection("idp", json!({}))}],
        "apis": [{"id": name, "match": {"hosts": [host]}, "upstream": {"headers": {header: "client_id"}}}],
        "no_match": "pass",
        "replies": {"realm": name},
    })
}

#[test]
fn each_judges_the_requests_that_its_own_configuration_is_for() {
    let [one, two] = HOSTS;
    let gateway = Gateway::start_with(guarding(one, "one"), |builder| builder.plugin(guarding(two, "two")));
    let token = gateway.token(json!({"client_id": "portal"}));
    for connection in &mut gateway.envoy.connections_on_every_worker() {
        for (host, name, other) in [(one, "one", "two"), (two, "two", "one")] {
            let request = Request::get("/").header("host", host);
            let refused = connection.send(&request);
            assert_refused(&refused, "missing_token");
            assert_eq!(parameter(&refused, "realm").as_deref(), Some(name));
            let received = gateway.receive(&request.bearer(&token).header(&format!("x-{name}"), "spoofed"));
            assert_eq!(received.headers.only(&format!("x-{name}")), Some("portal"));
            assert_eq!(received.headers.only(&format!("x-{other}")), None);
        }
        assert_eq!(connection.send(&Request::get("/").header("host", "three.example.com")).status, 200);
    }
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_request_that_waits_for_the_first_goes_on_to_the_next() {
    let gateway = Gateway::start_with(guarding("*.example.com", "one"), |builder| {
        builder.plugin(guarding("*.example.com", "two"))
    });
    for number in 0..20 {
        let client = format!("client-{number}");
        let token = gateway.token(json!({"client_id": client}));
        let received = gateway.receive(&Request::get("/").bearer(&token));
        for name in ["x-one", "x-two"] {
            assert_eq!(received.headers.only(name), Some(client.as_str()));
        }
        assert_eq!(gateway.server.calls_for(&token), 1, "the second finds what the first has learned");
    }
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn one_that_is_replaced_and_gone_leaves_no_call_in_the_count() {
    let gateway =
        Gateway::start_with(guarding("*.example.com", "one"), |builder| builder.reloadable().drained_after(1));
    let (token, gate) = (secrecy::secret("token"), Gate::default());
    gateway.server.answer_for(&token, Answer::json(json!({"active": true})).held_by(&gate));
    let in_flight = |count| {
        let found = || gateway.envoy.stat("wasmcustom.tessera_in_flight") == Some(count);
        eventually(SOON, "the calls that are counted as under way", || found().then_some(()));
    };
    let mut caller = Connection::open(gateway.envoy.port()).unwrap();
    caller.write(&Request::get("/").bearer(&token).encode()).unwrap();
    gate.await_arrivals(1);
    in_flight(1);
    drop(caller);

    let other = Envoy::builder().plugin(guarding("*.example.com", "two")).upstream(&gateway.upstream);
    gateway.envoy.reload(&other).unwrap();
    in_flight(0);
    gate.open();
    gateway.assert_sound("/");
}

#[test]
fn what_one_has_counted_stays_when_another_takes_its_place() {
    let count = |gateway: &Gateway| gateway.envoy.sum_of("outcome.missing_token");
    let with = |builder: EnvoyBuilder, name: &str| builder.plugin(guarding("*.example.com", name)).drained_after(1);
    let gateway = Gateway::start_envoy(|server, upstream| {
        with(Envoy::builder().reloadable(), "one").cluster("idp", server.port()).upstream(upstream)
    });
    assert_eq!(gateway.send(&Request::get("/")).status, 401);
    eventually(SOON, "the request having been counted", || (count(&gateway) == 1).then_some(()));
    for round in ["two", "three"] {
        gateway.envoy.reload(&with(Envoy::builder(), round).upstream(&gateway.upstream)).unwrap();
        let draining = || gateway.envoy.stat("listener_manager.total_filter_chains_draining");
        eventually(SOON, "the end of the one before", || (draining() == Some(0)).then_some(()));
        assert_eq!(count(&gateway), 1, "nothing was sent since");
    }
}
