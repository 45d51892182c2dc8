//! What a request with a known token costs the module: counted, not timed.

use serde_json::json;

use super::host::{Lines, Vm};
use super::module;

/// Instructions of a warm hit with the default access log, as the interpreter weighs them: a change of the filter may make
/// them more by this many hundredths, and more than that is a decision. Where they become fewer, this number follows.
const INSTRUCTIONS: u64 = 21_668;
const HUNDREDTHS: u64 = 2;

const CONTINUE: i32 = 0;
/// Header, body and trailers wait (`StopAllIterationAndWatermark`).
const PAUSE: i32 = 4;

fn configuration(access_log: &str) -> String {
    json!({
        "access_log": access_log,
        "providers": [{
            "name": "main", "issuer": "https://idp.example.com", "audiences": ["https://orders.example.com"],
            "introspection": {
                "endpoint": "https://idp.example.com/introspect", "cluster": "idp",
                "client": {"id": "gateway", "secret": "a secret"},
            },
        }],
        "apis": [{
            "id": "orders-v1", "match": {"hosts": ["api.example.com"], "paths": ["/orders/"]},
            "scopes": {"all": ["orders.read"]},
            "operations": [{"match": {"methods": ["POST", "DELETE"]}, "scopes": {"all": ["orders.write"]}}],
        }],
        "contracts": {"inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold"}]},
    })
    .to_string()
}

fn lines(lines: &[(&str, &str)]) -> Lines {
    lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A request of the context of this number: what it is told, and how many instructions it takes from its beginning to its
/// end.
fn request(vm: &mut Vm, context: i32) -> (i32, u64) {
    let headers = lines(&[
        (":authority", "api.example.com"),
        (":path", "/orders/7?expand=lines"),
        (":method", "GET"),
        (":scheme", "https"),
        ("user-agent", "curl/8.5.0"),
        ("accept", "*/*"),
        ("authorization", "Bearer mF_9.B5f-4.1JqM"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "4f1f0a86-6d1a-4f4c-9a55-3c6b1f9c2d10"),
    ]);
    let count = i32::try_from(headers.len()).unwrap();
    vm.asked().headers = headers;
    let before = vm.executed();
    vm.run::<_, ()>("proxy_on_context_create", (context, 1));
    let action = vm.run("proxy_on_request_headers", (context, count, 1));
    if action == CONTINUE {
        vm.run::<_, ()>("proxy_on_delete", context);
    }
    (action, vm.executed() - before)
}

/// Instructions of a request whose token is known, and nobody is asked about it.
fn warm_hit(access_log: &str) -> u64 {
    let mut vm = Vm::start(&module(), &configuration(access_log));
    assert_eq!(request(&mut vm, 2).0, PAUSE, "{}", vm.asked().log);
    let facts = json!({
        "active": true, "client_id": "portal", "scope": "orders.read orders.list", "sub": "u7", "exp": 1_767_229_200,
        "iss": "https://idp.example.com", "aud": "https://orders.example.com",
    });
    vm.answer(lines(&[(":status", "200"), ("content-type", "application/json")]), &facts.to_string());
    assert_eq!((vm.asked().resumed, vm.asked().replies), (1, 0), "{}", vm.asked().log);
    vm.run::<_, ()>("proxy_on_delete", 2);
    let counts: Vec<u64> = (3..13)
        .map(|context| {
            let (action, executed) = request(&mut vm, context);
            let passes = vm.asked().headers.contains(&("x-client-id".to_owned(), "portal".to_owned()));
            assert!(action == CONTINUE && passes, "{}", vm.asked().log);
            executed
        })
        .collect();
    assert_eq!((vm.asked().calls, vm.asked().replies), (1, 0), "it was no hit");
    // It is what it costs, not what it happened to cost.
    assert!(counts.iter().all(|count| *count == counts[9]), "{counts:?}");
    counts[9]
}

#[test]
fn a_warm_hit_executes_what_it_did_before() {
    let (refusals, all) = (warm_hit("refusals"), warm_hit("all"));
    assert!(all > refusals, "{refusals} and {all}");
    let off = refusals.abs_diff(INSTRUCTIONS) * 100;
    assert!(off <= HUNDREDTHS * INSTRUCTIONS, "{refusals} instructions, where {INSTRUCTIONS} are expected");
}
