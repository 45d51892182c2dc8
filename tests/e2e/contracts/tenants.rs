//! Two configurations in one Envoy with one address for their contracts, and a credential of their own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{TARGET, contract};
use crate::harness::answer::Answer;
use crate::harness::client::Request;
use crate::harness::document_source::DocumentSource;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, provider};
use crate::harness::secrecy;

const TENANTS: [&str; 2] = ["a.example.com", "b.example.com"];

/// Guards the host with the contracts that the source has for this credential.
fn tenant(host: &str, header: &str, credential: &str) -> Value {
    let url = format!("http://contracts.example.com{TARGET}");
    json!({
        "providers": [provider("main", json!({}))],
        "apis": [{"id": "orders", "match": {"hosts": [host]}}],
        "no_match": "pass",
        "contracts": {"source": {
            "url": url, "cluster": "contracts", "refresh": "300ms", "headers": {header: credential},
        }},
    })
}

#[test]
fn no_request_of_one_tenant_meets_the_contracts_of_another() {
    for workers in [1, 4] {
        let source = DocumentSource::start();
        let credentials = TENANTS.map(|tenant| format!("Bearer {}", secrecy::secret(tenant)));
        let set = |client: &str| Answer::json(json!({"contracts": [contract(client, "gold")]})).header("etag", "\"1\"");
        source.answer_to(&credentials[0], set("alice"));
        source.answer_to(&credentials[1], set("bob"));
        let [a, b] = [0, 1].map(|number| tenant(TENANTS[number], "authorization", &credentials[number]));
        let port = source.port();
        let gateway = Gateway::start_with(a, |builder| builder.plugin(b).workers(workers).cluster("contracts", port));
        let clients = ["alice", "bob"].map(|client| gateway.token(json!({"client_id": client})));
        // From the first request on; until its set is loaded, each may refuse its own.
        let mut connections = gateway.envoy.connections_on_every_worker();
        let mut found = |tenant: usize, client: usize| {
            let request = Request::get("/orders/1").header("host", TENANTS[tenant]).bearer(&clients[client]);
            let statuses = connections.iter_mut().map(|connection| connection.send(&request).status);
            statuses.collect::<Vec<_>>()
        };
        let (start, mut loaded) = (Instant::now(), false);
        while !loaded || start.elapsed() < Duration::from_secs(2) {
            for (tenant, client) in [(0, 1), (1, 0)] {
                assert!(found(tenant, client).iter().all(|status| [403, 503].contains(status)));
            }
            let own = [found(0, 0), found(1, 1)].concat();
            assert!(!loaded || own.iter().all(|status| *status == 200), "{own:?}");
            loaded = own.iter().all(|status| *status == 200);
            assert!(start.elapsed() < SOON, "{own:?}");
        }
        // Revoked under the one credential, it ends there, and the other holds.
        source.answer_to(&credentials[0], Answer::json(json!({"contracts": []})));
        eventually(SOON, "alice refused", || found(0, 0).iter().all(|status| *status == 403).then_some(()));
        assert!(found(1, 1).iter().all(|status| *status == 200));
        gateway.envoy.assert_no_vm_reload();
    }
}
