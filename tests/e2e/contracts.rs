//! Contracts from a source: what it serves is in force on every worker, in time; and what happens when it fails.

mod changes;
mod outage;
mod reload;
mod tenants;
mod trouble;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::client::{Connection, Request, Response};
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, provider, with};
use crate::harness::upstream::Received;
use crate::refusals::REFUSALS;

/// Where the source has its document.
const TARGET: &str = "/v1/contracts";

/// A gateway that polls a source, connections to each of its workers, and a clock.
struct Scene {
    gateway: Gateway,
    source: DocumentSource,
    connections: Vec<Connection>,
    started: Instant,
}

/// Two APIs and a contract source polled every `refresh`; `further` goes into `contracts`.
fn configuration(source: Value, further: Value) -> Value {
    let url = format!("http://contracts.example.com{TARGET}");
    let source = with(json!({"url": url, "cluster": "contracts", "timeout": "30s"}), source);
    json!({
        "providers": [
            provider("main", json!({"issuer": "https://main.example.com"})),
            provider("partner", json!({"issuer": "https://partner.example.com"})),
        ],
        "apis": [
            {"id": "orders", "match": {"paths": ["/orders/"]}},
            {"id": "stock", "match": {"paths": ["/stock/"]}},
        ],
        "contracts": with(json!({"source": source}), further),
    })
}

/// An active contract for `orders`.
fn contract(client: &str, tier: &str) -> Value {
    json!({"api": "orders", "client_id": client, "tier": tier})
}

/// `allowed` with the tier that reached the upstream, or the refusal's outcome.
#[track_caller]
pub fn outcome(response: &Response) -> String {
    if response.status == 200 {
        let received = Received::from(response);
        return format!("allowed {}", received.headers.only("x-sla-tier").unwrap_or("-"));
    }
    let text = &response.json()["error_description"];
    let refusal = REFUSALS.iter().find(|refusal| text == refusal.description);
    refusal.unwrap_or_else(|| panic!("no refusal: {response:?}")).outcome.to_owned()
}

impl Scene {
    /// The source serves these contracts before Envoy starts.
    fn start(workers: usize, configuration: Value, contracts: &[Value]) -> Self {
        let source = DocumentSource::start();
        source.serve(TARGET, "\"first\"", json!({"contracts": contracts}));
        Self::with(source, workers, configuration)
    }

    fn with(source: DocumentSource, workers: usize, configuration: Value) -> Self {
        Self::adjusted(source, workers, configuration, |builder| builder)
    }

    fn adjusted(
        source: DocumentSource,
        workers: usize,
        configuration: Value,
        adjust: impl FnOnce(EnvoyBuilder) -> EnvoyBuilder,
    ) -> Self {
        let port = source.port();
        let gateway = Gateway::start_with(configuration, |builder| {
            adjust(builder.workers(workers).cluster("contracts", port).reloadable())
        });
        let started = Instant::now();
        let connections = gateway.envoy.connections_on_every_worker();
        Self { gateway, source, connections, started }
    }

    /// A token of this client.
    fn token(&self, client: &str) -> String {
        self.gateway.token(json!({"client_id": client}))
    }

    /// What becomes of a request on each of the connections.
    #[track_caller]
    fn outcomes(&mut self, path: &str, token: &str) -> Vec<String> {
        let request = Request::get(path).bearer(token);
        self.connections.iter_mut().map(|connection| outcome(&connection.send(&request))).collect()
    }

    /// Every worker answers so, now.
    #[track_caller]
    fn assert_everywhere(&mut self, path: &str, token: &str, wanted: &str) {
        let found = self.outcomes(path, token);
        assert!(found.iter().all(|found| found == wanted), "{path}: {found:?}, not {wanted}");
    }

    /// Every worker comes to answer so, and goes on; how long after the call.
    #[track_caller]
    fn await_everywhere(&mut self, path: &str, token: &str, wanted: &str) -> Duration {
        let start = Instant::now();
        let mut last = Vec::new();
        let what = format!("{wanted} on every worker");
        eventually(SOON, &what, || {
            last = self.outcomes(path, token);
            last.iter().all(|found| found == wanted).then_some(())
        });
        let took = start.elapsed();
        self.assert_everywhere(path, token, wanted);
        took
    }

    /// The counter of polls that ended so.
    fn polls(&self, result: &str) -> u64 {
        self.gateway.envoy.stat(&format!("wasmcustom.tessera_contract_polls.result.{result}")).unwrap_or_default()
    }

    fn metric(&self, name: &str) -> Option<u64> {
        self.gateway.envoy.stat(&format!("wasmcustom.{name}"))
    }

    /// Metrics are written at a worker's ticks.
    #[track_caller]
    fn await_metric(&self, name: &str, value: u64) {
        let mut last = None;
        let deadline = Instant::now() + SOON;
        while last != Some(value) {
            last = self.metric(name);
            assert!(Instant::now() < deadline, "{name} is {last:?}, not {value}");
        }
    }

    /// Waits until another poll than those before has ended so.
    #[track_caller]
    fn await_poll(&self, result: &str, before: u64) {
        eventually(SOON, &format!("a poll that is {result}"), || (self.polls(result) > before).then_some(()));
    }
}
