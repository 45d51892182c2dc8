//! A fault in the module: what it costs in Wasm, where a worker loses its VM, and natively, where a request is refused.

use serde_json::json;

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::faulty::{self, Faulty};
use crate::harness::gate::Gate;
use crate::harness::gateway::provider;
use crate::harness::host::Host;
use crate::harness::recorder::Recorder;

/// One that waits in the VM has nothing left that could end it but Envoy, which does so when nothing has happened for that
/// long; it never passes. Natively it is not touched.
#[test]
fn who_waits_in_a_worker_that_meets_a_fault_is_not_left_waiting() {
    let (server, upstream, faulty) = (AuthorizationServer::start(), Recorder::of_requests(), Faulty::new());
    let (gate, good) = (Gate::default(), Answer::json(json!({"active": true, "client_id": "portal"})));
    server.answer_for("waiting", good.clone().held_by(&gate));
    server.answer_for("other", good);
    let providers = [provider("main", json!({}))];
    let configuration = json!({"providers": providers, "apis": [{"id": "orders", "contract": "none"}]});
    let builder = faulty.plugin(Envoy::builder().workers(1), &configuration).cluster("idp", server.port());
    let builder = match Host::of_tests() {
        Host::Wasm => builder.connection_manager_has(json!({"stream_idle_timeout": "3s"})),
        Host::Native => builder,
    };
    let envoy = builder.route_to(upstream.port()).start();
    let mut waiting = Connection::open(envoy.port()).unwrap();
    waiting.write(&Request::get("/waiting").bearer("waiting").encode()).unwrap();
    gate.await_arrivals(1);
    let other = Request::get("/other").bearer("other");
    assert_eq!(faulty::asking(other.clone()).send(envoy.port()).status, faulty::status());
    eventually(SOON, "a good token passing", || (other.send(envoy.port()).status == 200).then_some(()));
    gate.open();
    let answer = waiting.read_response().unwrap();
    let arrived = upstream.take_arrivals().iter().any(|arrival| arrival.target == "/waiting");
    match Host::of_tests() {
        Host::Wasm => assert!(!arrived && answer.status == 503, "{answer:?}"),
        Host::Native => assert!(arrived && answer.status == 200, "{answer:?}"),
    }
    envoy.assert_no_other_fault();
}
