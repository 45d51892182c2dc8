//! What Envoy's log says of a server that fails, and of one that is not reached; and the statistics of its cluster that
//! the documents send their readers to.

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::certificates::Authority;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::introspection;
use crate::harness::secrecy;

const UNCONNECTED: &str = "no connection came about, or it was lost";
const UNASKED: &str = "not asked: Envoy did not take the call";

/// A line of the module's log about a failure.
#[track_caller]
fn await_line(envoy: &Envoy, parts: &[&str]) {
    let found = || envoy.log().lines().any(|line| parts.iter().all(|part| line.contains(part))).then_some(());
    eventually(SOON, &format!("a line with {parts:?}"), found);
}

#[track_caller]
fn assert_counted(envoy: &Envoy, cluster: &str, statistic: &str) {
    let name = format!("cluster.{cluster}.{statistic}");
    assert!(envoy.stat(&name) > Some(0), "{name}");
}

/// An API and a provider of its own for each of these clusters.
fn asking<const N: usize>(clusters: [&str; N], timeout: &str) -> Value {
    let asked = |name: &str| {
        let introspection = introspection(name, json!({"retries": 0, "timeout": timeout}));
        json!({"name": name, "issuer": format!("https://{name}.example.com"), "introspection": introspection})
    };
    let api = |name: &str| json!({"id": name, "match": {"paths": [format!("/{name}")]}, "providers": [name]});
    json!({"providers": clusters.map(asked).as_slice(), "apis": clusters.map(api).as_slice()})
}

fn request(cluster: &str) -> Request {
    Request::get(&format!("/{cluster}")).bearer(&secrecy::secret("token"))
}

#[test]
fn a_connection_that_does_not_come_about_is_told_from_an_answer() {
    let names = ["refused", "empty", "untrusted", "reset", "silent", "answering", "late", "broken"];
    let servers = [(); 5].map(|()| AuthorizationServer::start());
    let [reset, silent, answering, late, broken] = &servers;
    reset.answer_otherwise(Answer::reset());
    silent.answer_otherwise(Answer::silence());
    answering.answer_otherwise(Answer::status(503));
    late.answer_otherwise(Answer::status(504));
    broken.answer_otherwise(Answer::json(json!({"active": true})).reset_in_body());
    // Its certificate is of an authority that nobody trusts.
    let (trusted, other) = (Authority::new(), Envoy::builder().tls(&Authority::new()).start());
    let envoy = Envoy::builder()
        .plugin(asking(names, "1s"))
        .dead_cluster("refused")
        .empty_cluster("empty")
        .cluster("untrusted", other.port())
        .over_tls("untrusted", &trusted)
        .cluster("reset", reset.port())
        .cluster("silent", silent.port())
        .cluster("answering", answering.port())
        .cluster("late", late.port())
        .cluster("broken", broken.port())
        .start();
    for name in names {
        assert_eq!(request(name).send(envoy.port()).status, 503, "{name}");
    }
    for (name, said) in [
        ("refused", UNCONNECTED),
        ("empty", UNASKED),
        ("untrusted", UNCONNECTED),
        ("reset", UNCONNECTED),
        ("silent", "no answer in time"),
        ("answering", "status 503: it cannot answer now"),
        ("late", "status 504: it cannot answer now"),
        ("broken", "the answer broke off"),
    ] {
        await_line(&envoy, &[&format!("provider \"{name}\": introspection failed: "), said]);
    }
    for (name, statistic) in [
        ("refused", "upstream_cx_connect_fail"),
        ("empty", "upstream_cx_none_healthy"),
        ("untrusted", "ssl.fail_verify_error"),
        ("silent", "upstream_rq_timeout"),
    ] {
        assert_counted(&envoy, name, statistic);
    }
    envoy.assert_no_vm_reload();
}

#[test]
fn keys_metadata_and_contracts_that_cannot_be_fetched_say_so_too() {
    let (trusted, server) = (Authority::new(), Envoy::builder().tls(&Authority::new()).start());
    for (cluster, statistic) in [("gone", "upstream_cx_connect_fail"), ("untrusted", "ssl.fail_verify_error")] {
        let configuration = json!({
            "providers": [
                {"name": "keys", "issuer": "https://keys.example.com", "jwt": {
                    "keys": {"url": "https://keys.example.com/jwks", "cluster": cluster}, "algorithms": ["RS256"],
                }},
                {"name": "metadata", "issuer": "https://idp.example.com", "discovery": {"cluster": cluster},
                 "introspection": {"client": {"auth": "none"}}},
            ],
            "apis": [{"id": "orders-v1"}],
            "contracts": {"source": {"url": "https://contracts.example.com/v1/contracts", "cluster": cluster}},
        });
        let builder = Envoy::builder().plugin(configuration).workers(1);
        let builder = builder.dead_cluster("gone").cluster("untrusted", server.port());
        let envoy = builder.over_tls("untrusted", &trusted).start();
        for source in ["provider \"keys\": its ", "provider \"metadata\": its ", "contracts"] {
            await_line(&envoy, &[source, UNCONNECTED]);
        }
        assert_counted(&envoy, cluster, statistic);
        envoy.assert_no_vm_reload();
    }
}

/// Envoy notices at once that no more calls may wait, but only on a connection that no more may be under way.
#[test]
fn a_call_that_the_circuit_breaker_keeps_back_is_not_asked() {
    let names = ["waiting", "active"];
    let servers = names.map(|_| AuthorizationServer::start());
    servers.iter().for_each(|server| server.answer_otherwise(Answer::silence()));
    let envoy = Envoy::builder()
        .plugin(asking(names, "60s"))
        .cluster("waiting", servers[0].port())
        .circuit_breaker("waiting", json!({"max_connections": 1, "max_pending_requests": 1}))
        .cluster("active", servers[1].port())
        .circuit_breaker("active", json!({"max_requests": 1}))
        .access_log_fields(&json!({"detail": "%FILTER_STATE(wasm.tessera.detail:PLAIN)%"}))
        .workers(1)
        .start();
    let begin = |name: &str| {
        let mut caller = Connection::open(envoy.port()).unwrap();
        caller.write(&request(name).encode()).unwrap();
        caller
    };
    let _under_way = names.map(begin);
    servers.iter().for_each(|server| server.await_calls(1));
    let _waiting = begin("waiting");
    let pending = || envoy.stat("cluster.waiting.upstream_rq_pending_active");
    eventually(SOON, "a call that waits", || (pending() == Some(1)).then_some(()));
    let refused = ["waiting", "active", "active"];
    for name in refused {
        assert_eq!(request(name).send(envoy.port()).status, 503, "{name}");
    }
    for line in envoy.await_access_lines(refused.len()) {
        assert!(line.contains(UNASKED), "{line}");
    }
    for name in names {
        await_line(&envoy, &[&format!("provider \"{name}\": introspection failed: "), UNASKED]);
    }
    assert_counted(&envoy, "waiting", "upstream_rq_pending_overflow");
    assert_counted(&envoy, "active", "upstream_rq_active_overflow");
    assert_eq!(servers.map(|server| server.call_count()), [1, 1]);
    envoy.assert_no_vm_reload();
}
