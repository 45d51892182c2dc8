//! Every outcome, produced in real Envoy and shown as callers, access logs and metrics show it; and that nothing passes
//! but what should.
//!
//! `internal_error` is missing: it needs a host that fails, and nothing that a client or a server can do makes Envoy
//! refuse the module's calls. The access logs have it, of an Envoy that is configured to; so have the tests on the fake
//! host.

use std::collections::BTreeMap;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::{Request, Response};
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::{Gateway, introspection, provider, with};
use crate::harness::http2_client::{self, Http2Request};
use crate::harness::refusal::{assert_refused, parameter};
use crate::harness::secrecy;
use crate::refusals::Refusal;

const ISSUER: &str = "https://idp.example.com";
const AUDIENCE: &str = "https://api.example.com";
const METADATA: &str = "https://api.example.com/.well-known/oauth-protected-resource";

fn configuration() -> Value {
    json!({
        "providers": [
            provider("main", json!({"issuer": ISSUER, "audiences": [AUDIENCE]})),
            {"name": "gone", "issuer": "https://gone.example.com", "introspection": introspection("gone", json!({}))},
        ],
        "apis": [
            {
                "id": "orders-v1",
                "match": {"paths": ["/orders/"]},
                "providers": ["main"],
                "scopes": {"all": ["orders.read"]},
                "operations": [{"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true}],
            },
            {"id": "gone-v1", "match": {"paths": ["/gone/"]}, "providers": ["gone"], "contract": "none"},
        ],
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal"},
            {"api": "orders-v1", "client_id": "suspended", "status": "suspended"},
            {"api": "orders-v1", "client_id": "ended", "expires_at": "2020-01-01T00:00:00Z"},
        ]},
        "replies": {"realm": "orders \"main\"", "resource_metadata": METADATA, "retry_after": "6500ms"},
    })
}

/// Facts that the API takes.
fn facts() -> Value {
    json!({"client_id": "portal", "scope": "orders.read", "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 600})
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Name of the counter of requests with this outcome; `-` is the API of those that no API claims.
fn requests(outcome: &str, api: &str) -> String {
    format!("wasmcustom.tessera_requests.outcome.{outcome}.api.{api}")
}

/// The counters of requests have exactly these values, all others are absent.
#[track_caller]
fn assert_counted(envoy: &Envoy, expected: &BTreeMap<String, u64>) {
    let counted = || {
        let of_requests = |(name, _): &(String, u64)| name.starts_with("wasmcustom.tessera_requests.");
        envoy.stats().into_iter().filter(of_requests).collect::<BTreeMap<_, _>>()
    };
    let complete = || counted().values().sum::<u64>() >= expected.values().sum();
    eventually(SOON, "the counters of requests", || complete().then_some(()));
    assert_eq!(counted(), *expected);
}

/// All that a caller sees of a refusal under [`configuration`].
#[track_caller]
fn assert_refused_in_full(response: &Response, outcome: &str, scope: Option<&str>) {
    assert_refused(response, outcome);
    if Refusal::of(outcome).is_challenged() {
        assert_eq!(parameter(response, "realm").as_deref(), Some("orders \"main\""), "{outcome}");
        assert_eq!(parameter(response, "resource_metadata").as_deref(), Some(METADATA), "{outcome}");
        assert_eq!(parameter(response, "scope").as_deref(), scope, "{outcome}");
    }
    if response.status == 503 {
        // Whole seconds, rounded up.
        assert_eq!(response.header("retry-after"), Some("7"), "{outcome}");
    }
}

#[test]
fn each_outcome_shows_in_status_challenge_body_access_log_and_metric() {
    // One worker, so that the access log has the requests in their order.
    let gateway = Gateway::start_with(configuration(), |builder| builder.dead_cluster("gone").workers(1));
    let orders = |facts: Value| Request::get("/orders/1").bearer(&gateway.token(facts));
    let but = |further: Value| orders(with(facts(), further));
    let broken = secrecy::secret("token");
    gateway.server.answer_for(&broken, Answer::status(200).body("<html>"));
    let cases = [
        ("unknown_api", "-", Request::get("/elsewhere")),
        ("invalid_request", "-", Request::get("/orders/../elsewhere")),
        ("invalid_request", "orders-v1", Request::get("/orders/1").bearer("not%20a%20token")),
        ("missing_token", "orders-v1", Request::get("/orders/1")),
        ("inactive", "orders-v1", Request::get("/orders/1").bearer(&secrecy::secret("token"))),
        ("expired", "orders-v1", but(json!({"exp": now() - 60}))),
        ("not_yet_valid", "orders-v1", but(json!({"nbf": now() + 60}))),
        ("wrong_issuer", "orders-v1", but(json!({"iss": "https://other.example.com"}))),
        ("wrong_audience", "orders-v1", but(json!({"aud": ["https://other.example.com"]}))),
        ("wrong_token_type", "orders-v1", but(json!({"token_use": "refresh_token"}))),
        ("proof_missing", "orders-v1", but(json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}))),
        ("insufficient_scope", "orders-v1", but(json!({"scope": "orders.write"}))),
        ("no_contract", "orders-v1", but(json!({"client_id": "unknown"}))),
        ("contract_suspended", "orders-v1", but(json!({"client_id": "suspended"}))),
        ("contract_expired", "orders-v1", but(json!({"client_id": "ended"}))),
        ("provider_unavailable", "gone-v1", Request::get("/gone/1").bearer(&secrecy::secret("token"))),
        ("provider_error", "orders-v1", Request::get("/orders/1").bearer(&broken)),
        ("public", "orders-v1", Request::get("/orders/health").bearer("not%20a%20token")),
        ("allowed", "orders-v1", orders(facts())),
    ];
    let mut counted = BTreeMap::new();
    for (outcome, api, request) in &cases {
        let response = gateway.send(request);
        *counted.entry(requests(outcome, api)).or_default() += 1;
        if ["public", "allowed"].contains(outcome) {
            assert_eq!(response.status, 200, "{outcome}: {response:?}");
        } else {
            assert_refused_in_full(&response, outcome, (*api == "orders-v1").then_some("orders.read"));
        }
    }
    let logged = gateway.envoy.await_accesses(cases.len());
    for (access, (outcome, ..)) in logged.iter().zip(&cases) {
        let passed = ["public", "allowed"].contains(outcome);
        // Only refusals name their outcome: the warm path makes no host call for it.
        let expected = if passed { ("-", 200) } else { (*outcome, Refusal::of(outcome).status) };
        assert_eq!((access.outcome.as_str(), access.status), expected);
        // What the default formats of meshes and gateways show.
        let details = if passed { "via_upstream".to_owned() } else { format!("tessera.{outcome}") };
        assert_eq!(access.details, details);
    }
    assert_counted(&gateway.envoy, &counted);
    assert_eq!(gateway.upstream.request_count(), 2);
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_request_that_no_api_claims_passes_where_the_configuration_says_so() {
    let gateway = Gateway::start(with(configuration_of_one_api("/orders/"), json!({"no_match": "pass"})));
    assert_eq!(gateway.send(&Request::get("/elsewhere")).status, 200);
    assert_refused(&gateway.send(&Request::get("/orders/1")), "missing_token");
    // Not known for certain to be outside of the API.
    assert_refused(&gateway.send(&Request::get("/elsewhere/../orders/1")), "invalid_request");
    let counted = [("unmatched", "-"), ("missing_token", "orders-v1"), ("invalid_request", "-")];
    assert_counted(&gateway.envoy, &counted.map(|(outcome, api)| (requests(outcome, api), 1)).into());
    assert_eq!(gateway.upstream.request_count(), 1);
    gateway.envoy.assert_no_vm_reload();
}

fn configuration_of_one_api(path: &str) -> Value {
    json!({
        "providers": [provider("main", json!({}))],
        "apis": [{"id": "orders-v1", "match": {"paths": [path]}}],
    })
}

#[test]
fn contracts_that_were_never_loaded_grant_nothing() {
    let source = DocumentSource::start();
    source.answer_next((0..100).map(|_| Answer::silence()));
    let contracts = json!({
        "inline": [{"api": "orders-v1", "client_id": "portal"}],
        "source": {"url": "http://contracts.example.com/v1/contracts", "cluster": "contracts"},
    });
    let configuration = with(configuration_of_one_api("/"), json!({"contracts": contracts}));
    let gateway = Gateway::start_with(configuration, |builder| builder.cluster("contracts", source.port()));
    let request = Request::get("/").bearer(&gateway.token(json!({"client_id": "portal"})));
    assert_refused(&gateway.send(&request), "contracts_not_loaded");
    assert_eq!(gateway.envoy.await_accesses(1)[0].outcome, "contracts_not_loaded");
    assert_counted(&gateway.envoy, &[(requests("contracts_not_loaded", "orders-v1"), 1)].into());
    assert_eq!(gateway.upstream.request_count(), 0);
    gateway.envoy.assert_no_vm_reload();
}

/// As many tokens as one worker asks about at the same time.
pub const MOST_ASKED: usize = 1024;

#[test]
fn a_token_beyond_those_that_can_be_asked_about_is_refused_at_once_and_the_others_are_served() {
    let configuration = json!({
        "providers": [{"name": "main", "introspection": introspection("idp", json!({"timeout": "60s", "retries": 0}))}],
        "apis": [{"id": "orders-v1"}],
    });
    // The calls queue up in Envoy for this one connection; else each would have its own.
    let gateway = Gateway::start_with(configuration, |builder| builder.workers(1).most_connections("idp", 1));
    let (gate, port) = (Gate::default(), gateway.envoy.port());
    gateway.server.answer_otherwise(Answer::json(json!({"active": true})).held_by(&gate));
    let waiting: Vec<_> =
        (0..MOST_ASKED).map(|_| Http2Request::new(http::Method::GET, "/").bearer(&secrecy::secret("token"))).collect();
    let waiting = thread::spawn(move || http2_client::send_all(port, waiting));
    let in_flight = || gateway.envoy.stat("wasmcustom.tessera_in_flight") == Some(MOST_ASKED as u64);
    eventually(SOON, "as many calls as there can be", || in_flight().then_some(()));
    let one_more = Request::get("/").bearer(&secrecy::secret("token"));
    assert_refused(&gateway.send(&one_more), "overloaded");
    assert_eq!(gateway.envoy.await_accesses(1)[0].outcome, "overloaded");
    gate.open();
    let served = waiting.join().unwrap();
    assert!(served.iter().all(|response| response.status == 200), "{:?}", served.iter().find(|r| r.status != 200));
    assert_eq!(gateway.send(&one_more).status, 200);
    let (overloaded, allowed) = (requests("overloaded", "orders-v1"), requests("allowed", "orders-v1"));
    assert_counted(&gateway.envoy, &[(overloaded, 1), (allowed, MOST_ASKED as u64 + 1)].into());
    eventually(SOON, "no call left", || (gateway.envoy.stat("wasmcustom.tessera_in_flight") == Some(0)).then_some(()));
    gateway.envoy.assert_no_vm_reload();
}

/// A rule, and what it asks of a token, told by hand.
struct Rule {
    path: &'static str,
    scopes: fn(&[&str]) -> bool,
    contract: bool,
    audience: bool,
}

/// A token, and what is true of it.
#[derive(Default)]
struct Case {
    name: &'static str,
    /// Active, in time, of the right issuer and bound to no key.
    sound: bool,
    for_us: bool,
    scopes: Vec<&'static str>,
    holds_contract: bool,
    headers: Vec<(&'static str, String)>,
}

#[test]
fn nothing_passes_but_what_should() {
    let gateway = Gateway::start(table_configuration());
    let (rules, cases) = (rules(), token_cases(&gateway));
    let (mut passed, mut asked) = (0, 0);
    for rule in &rules {
        for case in &cases {
            for (method, name) in [("GET", "1"), ("GET", "health"), ("POST", "1"), ("DELETE", "health"), ("get", "x")] {
                let public = (method, name) == ("GET", "health");
                let expected = public
                    || case.sound
                        && (case.for_us || !rule.audience)
                        && if method == "POST" { case.scopes.contains(&"write") } else { (rule.scopes)(&case.scopes) }
                        && (case.holds_contract || !rule.contract);
                let request = Request::new(method, &format!("{}{name}", rule.path));
                let request = case.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
                if method == "get" {
                    // Envoy's parser knows methods in upper case only, and ends the connection.
                    assert_eq!(gateway.send(&request).status, 400);
                    continue;
                }
                let response = gateway.send(&request);
                let what = format!("{method} {}{name} with {}: {response:?}", rule.path, case.name);
                assert_eq!(response.status == 200, expected, "{what}");
                passed += usize::from(expected);
                asked += 1;
                assert_eq!(gateway.upstream.request_count(), passed, "{what}");
            }
        }
    }
    for target in ["/", "/plain", "/Plain/1", "/unknown/1", "/plain/../public", "/%2e/plain/1", "/plain//health"] {
        let response = gateway.send(&Request::get(target).bearer(&gateway.token(json!({"client_id": "portal"}))));
        assert!([404, 400].contains(&response.status), "{target}: {response:?}");
    }
    assert_eq!(gateway.upstream.request_count(), passed);
    assert!(asked > 400 && passed > 100 && asked - passed > 100, "{passed} of {asked} requests passed");
    gateway.envoy.assert_no_vm_reload();
}

fn table_configuration() -> Value {
    let api = |id: &str, further: Value| {
        let operations = json!([
            {"match": {"methods": ["GET"], "paths": [format!("/{id}/health")]}, "public": true},
            {"match": {"methods": ["POST"]}, "scopes": {"all": ["write"]}},
        ]);
        with(json!({"id": id, "match": {"paths": [format!("/{id}/")]}, "operations": operations}), further)
    };
    json!({
        "providers": [
            provider("main", json!({"issuer": ISSUER})),
            provider("strict", json!({"issuer": "https://strict.example.com", "audiences": [AUDIENCE]})),
        ],
        "apis": [
            api("plain", json!({"contract": "none", "providers": ["main"]})),
            api("all", json!({"contract": "none", "providers": ["main"], "scopes": {"all": ["read", "list"]}})),
            api("any", json!({"contract": "none", "providers": ["main"], "scopes": {"any": ["read", "list"]}})),
            api("contract", json!({"providers": ["main"]})),
            api("both", json!({"providers": ["main"], "scopes": {"all": ["read"]}})),
            api("optional", json!({"contract": "optional", "providers": ["main"]})),
            api("strict", json!({"contract": "none", "providers": ["strict"]})),
        ],
        "contracts": {"inline": ([contracts("contract"), contracts("both")].concat())},
    })
}

fn contracts(api: &str) -> [Value; 7] {
    [
        json!({"api": api, "client_id": "portal"}),
        json!({"api": api, "client_id": "suspended", "status": "suspended"}),
        json!({"api": api, "client_id": "pending", "status": "pending"}),
        json!({"api": api, "client_id": "revoked", "status": "revoked"}),
        json!({"api": api, "client_id": "ended", "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"api": api, "client_id": "early", "not_before": "2999-01-01T00:00:00Z"}),
        json!({"api": api, "client_id": "elsewhere", "provider": "strict"}),
    ]
}

fn rules() -> [Rule; 7] {
    let rule = |path, scopes, contract, audience| Rule { path, scopes, contract, audience };
    [
        rule("/plain/", |_| true, false, false),
        rule("/all/", |has| has.contains(&"read") && has.contains(&"list"), false, false),
        rule("/any/", |has| has.contains(&"read") || has.contains(&"list"), false, false),
        rule("/contract/", |_| true, true, false),
        rule("/both/", |has| has.contains(&"read"), true, false),
        rule("/optional/", |_| true, false, false),
        rule("/strict/", |_| true, false, true),
    ]
}

fn token_cases(gateway: &Gateway) -> Vec<Case> {
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let good = || with(facts_of_any_issuer(), json!({"scope": "read list write"}));
    let token = |facts: Value| gateway.token(facts);
    let unsound = |name, headers| Case { name, headers, ..Case::default() };
    let mut cases = vec![
        unsound("no token", vec![]),
        unsound("another scheme", vec![("authorization", format!("Basic {}", token(good())))]),
        unsound("no scheme", vec![("authorization", token(good()))]),
        unsound("a scheme without a token", vec![("authorization", "Bearer".into())]),
        unsound("a place where no token belongs", vec![("x-access-token", token(good()))]),
        unsound("two tokens", [bearer(&token(good())), bearer(&token(good()))].concat()),
        unsound("a token twice over", bearer(&token(good()).repeat(2))),
        unsound("a token and a comma", bearer(&format!("{},", token(good())))),
        unsound("an unknown token", bearer(&secrecy::secret("token"))),
        unsound("an ended token", bearer(&token(with(good(), json!({"exp": now() - 60}))))),
        unsound("a token with expires_in 0", bearer(&token(json!({"client_id": "portal", "expires_in": 0})))),
        unsound("an early token", bearer(&token(with(good(), json!({"nbf": now() + 60}))))),
        unsound("a token of another issuer", bearer(&token(with(good(), json!({"iss": "https://other.example.com"}))))),
        unsound("a bound token", bearer(&token(with(good(), json!({"cnf": {"x5t#S256": "digest"}}))))),
        unsound("a DPoP token", bearer(&token(with(good(), json!({"token_type": "dpop"}))))),
    ];
    for (name, answer) in [
        ("active as text", json!({"active": "true", "client_id": "portal", "aud": AUDIENCE})),
        ("active as a number", json!({"active": 1, "client_id": "portal", "aud": AUDIENCE})),
        ("no active", json!({"client_id": "portal", "aud": AUDIENCE})),
        ("inactive with facts", with(good(), json!({"active": false}))),
    ] {
        let token = secrecy::secret("token");
        gateway.server.answer_for(&token, Answer::json(answer));
        cases.push(unsound(name, bearer(&token)));
    }
    for scopes in [&["read", "list", "write"][..], &["read"], &["list"], &["write"], &["reader", "READ"], &[]] {
        let facts = with(good(), json!({"scope": scopes.join(" ")}));
        cases.push(Case {
            name: "some scopes",
            headers: bearer(&token(facts)),
            sound: true,
            for_us: true,
            scopes: scopes.into(),
            holds_contract: true,
        });
    }
    for client in ["suspended", "pending", "revoked", "ended", "early", "elsewhere", "unknown", "", "Portal", "portal "]
    {
        let facts = with(good(), json!({"client_id": client}));
        cases.push(Case {
            name: "a client without a contract",
            headers: bearer(&token(facts)),
            sound: true,
            for_us: true,
            scopes: vec!["read", "list", "write"],
            holds_contract: false,
        });
    }
    for audience in [json!(null), json!("https://other.example.com"), json!([]), json!(["https://API.example.com", ""])]
    {
        cases.push(Case {
            name: "another audience",
            headers: bearer(&token(with(good(), json!({"aud": audience})))),
            sound: true,
            for_us: false,
            scopes: vec!["read", "list", "write"],
            holds_contract: true,
        });
    }
    cases
}

/// No `iss`: the APIs of this test trust different ones.
fn facts_of_any_issuer() -> Value {
    json!({"client_id": "portal", "aud": AUDIENCE, "exp": now() + 600})
}
