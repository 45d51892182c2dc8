//! The examples in `envoy/` in real Envoy: as they stand, but for the module's path and, where requests are sent, addresses.

use serde_json::json;

use crate::harness::admin::Admin;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::{Request, Response};
use crate::harness::document_source::DocumentSource;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::example::{Example, Running};
use crate::harness::host::Host;
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream};

const TARGET: &str = "/orders/7";

#[test]
fn every_example_is_accepted() {
    for example in Example::all() {
        let (accepted, log) = example.validate();
        assert!(accepted, "{}:\n{log}", example.name);
    }
}

#[test]
fn an_example_with_a_misspelt_key_is_refused() {
    for example in Example::all() {
        let (accepted, log) = example.with("- id: orders-v1", "- idd: orders-v1").validate();
        assert!(!accepted, "accepted:\n{log}");
        assert!(log.contains("apis[0]"), "the complaint does not name the place:\n{log}");
    }
}

#[test]
fn an_example_without_its_secrets_is_refused() {
    for mut example in Example::all() {
        let names: Vec<_> = example.environment.drain(..).map(|(name, _)| name).collect();
        let (accepted, log) = example.validate();
        assert!(!accepted, "accepted:\n{log}");
        for name in names {
            let complaint = format!("environment variable {name:?} is not set");
            assert!(log.contains(&complaint), "no complaint of {name}:\n{log}");
        }
    }
}

#[test]
fn the_smallest_example_guards_its_upstream() {
    let scene = Scene::start(Host::of_tests().smallest_example());
    assert_refused(&scene.send(&Request::get(TARGET)), "missing_token");
    assert_eq!(scene.upstream.request_count(), 0);

    let received = scene.receive(&Request::get(TARGET).bearer(&scene.token("portal")));
    assert_eq!(received.headers.only("x-client-id"), Some("portal"));
    assert_eq!(received.headers.only("x-sla-tier"), Some("gold"));
}

#[test]
fn the_full_example_turns_names_into_labels_and_logs_outcomes_but_no_token() {
    let scene = Scene::start("envoy.full.yaml");
    assert_refused(&scene.send(&Request::get(TARGET)), "missing_token");
    let with_query = |token: &str| Request::get(&format!("{TARGET}?access_token={token}"));
    assert_refused(&scene.send(&with_query(&secrecy::secret("unknown"))), "inactive");
    let in_query = with_query(&scene.token("portal"));
    let response = eventually(SOON, "contracts from the source", || {
        let response = scene.send(&in_query);
        (response.status != 503).then_some(response)
    });
    assert_eq!(Received::from(&response).target, TARGET, "the upstream must not see the token");

    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION").replace('.', "_"));
    for (metric, labels) in [
        ("tessera_requests", vec![r#"outcome="missing_token""#, r#"api="orders-v1""#]),
        ("tessera_requests", vec![r#"outcome="allowed""#, r#"api="orders-v1""#]),
        ("tessera_cache", vec![r#"result="miss""#, r#"level="shared""#]),
        ("tessera_introspections", vec![r#"provider="main""#, r#"result="active""#]),
        ("tessera_build_info", vec![&version]),
        ("tessera_contract_polls", vec![r#"result="changed""#]),
    ] {
        scene.await_sample(metric, &labels);
    }
    // Once they are there, the end of this Envoy searches them for tokens.
    for outcome in ["missing_token", "inactive"] {
        let logged = format!(r#""outcome":"{outcome}""#);
        eventually(SOON, "the outcome in the access log", || scene.envoy.log().contains(&logged).then_some(()));
    }
}

#[test]
fn the_rate_limit_example_limits_each_client_by_its_tier_whatever_the_client_says() {
    let scene = Scene::start("rate-limit.yaml");
    let [portal, batch, guest] = ["portal", "batch", "guest"].map(|client| scene.token(client));
    let send = |token: &str| {
        let as_another = Request::get(TARGET).header("x-sla-tier", "gold").header("x-client-id", "portal");
        scene.send(&as_another.bearer(token))
    };
    for (token, per_second) in [(&portal, "100"), (&batch, "10"), (&guest, "2")] {
        let response = send(token);
        assert_eq!(response.status, 200, "{response:?}");
        let limit = response.header("x-ratelimit-limit").and_then(|limit| limit.split(',').next());
        assert_eq!(limit, Some(per_second), "{response:?}");
    }
    let refused = eventually(SOON, "a client being limited", || {
        let response = send(&batch);
        (response.status == 429).then_some(response)
    });
    assert_eq!(refused.header("retry-after"), Some("1"), "{refused:?}");
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"), "{refused:?}");
    assert_eq!(send(&portal).status, 200, "another client has a bucket of its own");
}

/// An example that serves, with fakes in the place of what its clusters name.
struct Scene {
    envoy: Running,
    admin: Admin,
    port: u16,
    server: AuthorizationServer,
    upstream: Upstream,
    _contracts: DocumentSource,
}

impl Scene {
    #[track_caller]
    fn start(name: &str) -> Self {
        let (server, upstream, contracts) = (AuthorizationServer::start(), Upstream::start(), DocumentSource::start());
        let row = json!({"api": "orders-v1", "client_id": "portal", "tier": "gold"});
        contracts.serve("/v1/contracts", "\"1\"", json!({"contracts": [row]}));
        let mut example = Example::named(name)
            .with("address: 0.0.0.0, port_value: 8080", "address: 127.0.0.1, port_value: 0")
            .with("port_value: 9901", "port_value: 0")
            .reaching("idp", 4000, server.port())
            .reaching("upstream", 9000, upstream.port());
        if example.text.contains("address: contracts") {
            example = example.reaching("contracts", 4100, contracts.port());
        }
        let mut envoy = Running::spawn(&example, &["--concurrency", "2"]);
        let admin = envoy.admin();
        let port = eventually(SOON, "Envoy's listener", || admin.listener_port());
        Self { envoy, admin, port, server, upstream, _contracts: contracts }
    }

    /// A token nobody else has, of this client, that may read.
    fn token(&self, client: &str) -> String {
        let token = secrecy::secret("token");
        self.server.activate(&token, json!({"client_id": client, "scope": "orders.read"}));
        token
    }

    #[track_caller]
    fn send(&self, request: &Request) -> Response {
        request.send(self.port)
    }

    #[track_caller]
    fn receive(&self, request: &Request) -> Received {
        Received::from(&self.send(request))
    }

    /// Prometheus is told of this metric, under this very name, with all these labels and no other.
    #[track_caller]
    fn await_sample(&self, metric: &str, labels: &[&str]) {
        eventually(SOON, &format!("{metric} with {labels:?}"), || {
            let page = self.admin.get("/stats/prometheus")?.body;
            String::from_utf8_lossy(&page).lines().any(|line| has_labels(line, metric, labels)).then_some(())
        });
    }
}

fn has_labels(line: &str, metric: &str, labels: &[&str]) -> bool {
    let inside =
        line.strip_prefix(metric).and_then(|rest| rest.strip_prefix('{')).and_then(|rest| rest.split_once('}'));
    inside.is_some_and(|(found, _)| {
        found.split(',').count() == labels.len() && labels.iter().all(|label| found.contains(label))
    })
}
