//! Two versions of the module in one Envoy, side by side and one after the other, as in a rollout and its rollback. Both
//! use the shared data of one `vm_id`. `TESSERA_OLD_MODULE` is the other version; without it both are the module under
//! test.

use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::client::Request;
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, introspection};
use crate::harness::host::wasm_filter;
use crate::harness::prerequisites;
use crate::harness::secrecy;
use crate::harness::upstream::Received;

const HOSTS: [&str; 2] = ["old.example.com", "new.example.com"];

fn modules() -> [PathBuf; 2] {
    let new = prerequisites::module();
    [env::var_os("TESSERA_OLD_MODULE").map_or_else(|| new.clone(), PathBuf::from), new]
}

/// The header in which the client of this host is named: a filter takes its own off what it does not guard.
fn header(host: &str) -> &'static str {
    if host == HOSTS[0] { "x-old" } else { "x-new" }
}

/// Guards this host.
fn guarding(host: &str) -> Value {
    let name = header(host);
    json!({
        "providers": [{"name": "main", "introspection": introspection("idp", json!({}))}],
        "apis": [{"id": "any", "match": {"hosts": [host]}, "upstream": {"headers": {name: "client_id"}}}],
        "no_match": "pass",
    })
}

/// The module of this version, which guards this host.
fn with(builder: EnvoyBuilder, version: usize, host: &str) -> EnvoyBuilder {
    let text = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": guarding(host).to_string()});
    builder.filter("tessera", wasm_filter(&modules()[version], "tessera", text))
}

fn gateway(adjust: impl FnOnce(EnvoyBuilder) -> EnvoyBuilder) -> Gateway {
    Gateway::start_envoy(|server, upstream| adjust(Envoy::builder()).cluster("idp", server.port()).upstream(upstream))
}

/// Requests to both hosts with tokens that are known, new and bad, until `is_over`; whether each ends as it must.
fn load(gateway: &Gateway, hosts: &[&str], is_over: &AtomicBool) -> usize {
    let (known, count) = (gateway.token(json!({"client_id": "known"})), AtomicUsize::new(0));
    thread::scope(|scope| {
        for thread in 0..4 {
            let (known, count) = (&known, &count);
            scope.spawn(move || {
                for turn in 0.. {
                    if turn > 0 && is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let host = hosts[(thread + turn) % hosts.len()];
                    let request = Request::get("/").header("host", host);
                    let new = gateway.token(json!({"client_id": "new"}));
                    for (token, client) in [(known, "known"), (&new, "new"), (&new, "new")] {
                        let received = gateway.receive(&request.clone().bearer(token).header(header(host), "forged"));
                        assert_eq!(received.headers.only(header(host)), Some(client));
                    }
                    let refused = gateway.send(&request.clone().bearer(&secrecy::secret("bad")));
                    assert_eq!(refused.status, 401, "{refused:?}");
                    count.fetch_add(4, Ordering::Relaxed);
                }
            });
        }
    });
    count.into_inner()
}

#[test]
fn versions_beside_one_another_judge_as_each_does_alone() {
    let [old, new] = HOSTS;
    let gateway = gateway(|builder| with(with(builder, 0, old), 1, new));
    // What one has asked, the other may know: what it must not do is to let something else pass for it.
    let (mut shared, mut asked) = (0, 0);
    for (first, second) in [(old, new), (new, old)] {
        for _ in 0..20 {
            let token = gateway.token(json!({"client_id": "portal"}));
            for host in [first, second, first] {
                let received = gateway.receive(&Request::get("/").header("host", host).bearer(&token));
                assert_eq!(received.headers.only(header(host)), Some("portal"));
            }
            let calls = gateway.server.calls_for(&token);
            // Each version asks once, in each of two workers at most.
            assert!((1..=4).contains(&calls), "{calls} questions about one token");
            (shared, asked) = (shared + usize::from(calls == 1), asked + calls);
        }
    }
    let is_over = AtomicBool::new(false);
    let count = thread::scope(|scope| {
        let loading = scope.spawn(|| load(&gateway, &HOSTS, &is_over));
        eventually(SOON, "a thousand requests", || (gateway.upstream.request_count() > 1000).then_some(()));
        is_over.store(true, Ordering::Relaxed);
        loading.join().expect("every request ended as it must")
    });
    eprintln!("beside one another: of 40 tokens {shared} were asked about once, {asked} questions; {count} requests");
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn versions_that_replace_one_another_under_load_refuse_nobody_and_let_nobody_else_pass() {
    let host = HOSTS[0];
    let gateway = gateway(|builder| with(builder.reloadable(), 0, host));
    let is_over = AtomicBool::new(false);
    let count = thread::scope(|scope| {
        let loading = scope.spawn(|| load(&gateway, &[host], &is_over));
        for version in [1, 0, 1, 0, 1] {
            let before = gateway.upstream.request_count();
            let next = with(Envoy::builder(), version, host).upstream(&gateway.upstream);
            gateway.envoy.reload(&next).expect("a configuration that is accepted");
            eventually(SOON, "a hundred requests since", || {
                (gateway.upstream.request_count() > before + 100).then_some(())
            });
        }
        is_over.store(true, Ordering::Relaxed);
        loading.join().expect("every request ended as it must")
    });
    eprintln!("one after the other: five replacements, {count} requests");
    let token = gateway.token(json!({"client_id": "portal"}));
    let received = Received::from(&gateway.send(&Request::get("/").header("host", host).bearer(&token)));
    assert_eq!(received.headers.only(header(host)), Some("portal"));
    gateway.envoy.assert_no_vm_reload();
}
