//! A request for each outcome.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use wasmparser::{Parser, Payload};

use super::formats::CLAIMED;
use crate::harness::answer::Answer;
use crate::harness::client::Request;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, introspection, provider, with};
use crate::harness::host::Host;
use crate::harness::http2_frames::{Http2, field, request};
use crate::harness::prerequisites;
use crate::harness::secrecy;
use crate::jwt::{spoilt, token};
use crate::outcomes::MOST_ASKED;
use crate::tokens::{Issuer, KeyKind};

pub const PASSING: [&str; 4] = ["public", "anonymous", "unmatched", "allowed"];

/// In every request: nobody who is in fact somebody.
pub const FORGED: &str = "forged-by-the-caller";

pub struct Logged {
    pub outcome: &'static str,
    /// Who the caller really is, `-` where that is not known.
    pub client: &'static str,
    /// A line in each format.
    pub lines: Vec<String>,
}

type Case = (&'static str, &'static str, Request);

/// All cases as an access log in these formats shows them.
#[track_caller]
pub fn logged(access_log: &str, formats: &[Value]) -> Vec<Logged> {
    let mut all = loaded(access_log, formats);
    all.extend(unloaded(access_log, formats));
    if Host::of_tests() == Host::Wasm {
        all.extend(restricted(access_log, formats));
    }
    for Logged { outcome, lines, .. } in &all {
        for line in lines {
            assert!(!line.contains(FORGED), "{outcome}: {line}");
            assert!(secrecy::leaks(line.as_bytes()).is_empty(), "{outcome}: {line}");
        }
    }
    all
}

/// Most outcomes, each by one request.
#[track_caller]
fn loaded(access_log: &str, formats: &[Value]) -> Vec<Logged> {
    let issuer = Issuer::new("https://signing.example.com", now(), &[KeyKind::P256]);
    let gateway = start(configuration(access_log, &issuer), formats);
    let cases = cases(&gateway, &issuer);
    send(&gateway, &cases);
    read(&gateway, &cases, formats)
}

/// Those that need contracts that are not there, requests that pass without an API, and a worker with all that it can do.
#[track_caller]
fn unloaded(access_log: &str, formats: &[Value]) -> Vec<Logged> {
    let gateway = start(bare_configuration(access_log), formats);
    let orders = || Request::get("/orders/1").bearer(&gateway.token(json!({"client_id": "portal"})));
    let mut cases = vec![("unmatched", "-", Request::get("/elsewhere")), ("contracts_not_loaded", "portal", orders())];
    send(&gateway, &cases);
    let _waiting = fill(&gateway);
    let overloaded = [("overloaded", "-", orders())];
    send(&gateway, &overloaded);
    cases.extend(overloaded);
    // Those who wait are logged when they are gone.
    read(&gateway, &cases, formats)
}

/// One whose module may not write the headers that the upstream is to see: Envoy's own setting refuses it that call.
#[track_caller]
fn restricted(access_log: &str, formats: &[Value]) -> Vec<Logged> {
    let configuration = json!({
        "access_log": access_log,
        "providers": [{"name": "main", "introspection": introspection("idp", json!({"retries": 0}))}],
        "apis": [{"id": "orders-v1", "contract": "none", "upstream": upstream()}],
    });
    let writing = ["proxy_add_header_map_value", "proxy_replace_header_map_value"];
    let allowed = capabilities().into_iter().filter(|name| !writing.contains(&name.as_str()));
    let gateway = start_with(configuration, formats, |builder| builder.allow_only(allowed));
    let token = gateway.token(json!({"client_id": "portal"}));
    let cases = vec![("internal_error", "-", Request::get("/orders/1").bearer(&token))];
    send(&gateway, &cases);
    assert_eq!(gateway.upstream.request_count(), 0, "it passes unmarked");
    read(&gateway, &cases, formats)
}

/// What the module imports and exports, by the names that Envoy has for it.
fn capabilities() -> BTreeSet<String> {
    let module = std::fs::read(prerequisites::module()).unwrap();
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(&module) {
        match payload.unwrap() {
            Payload::ImportSection(section) => {
                names.extend(section.into_imports().map(|import| import.unwrap().name.to_owned()));
            }
            Payload::ExportSection(section) => {
                names.extend(section.into_iter().map(|export| export.unwrap().name.to_owned()));
            }
            _ => {}
        }
    }
    names
}

/// One worker, so that the access log has the requests in their order; and whatever number of them Envoy takes.
#[track_caller]
fn start(configuration: Value, formats: &[Value]) -> Gateway {
    start_with(configuration, formats, |builder| builder)
}

#[track_caller]
fn start_with(configuration: Value, formats: &[Value], adjust: impl FnOnce(EnvoyBuilder) -> EnvoyBuilder) -> Gateway {
    Gateway::start_with(configuration, |builder| {
        let builder =
            adjust(builder).dead_cluster("gone").workers(1).any_number_of_requests().most_connections("idp", 1);
        formats.iter().fold(builder, |builder, format| match format {
            Value::String(text) => builder.access_log_format(text),
            fields => builder.access_log_fields(fields),
        })
    })
}

/// By a caller who claims to be somebody.
#[track_caller]
fn send(gateway: &Gateway, cases: &[Case]) {
    for (outcome, _, request) in cases {
        let request = CLAIMED.iter().fold(request.clone(), |request, name| request.header(name, FORGED));
        let response = gateway.send(&request);
        let passed = PASSING.contains(outcome) || *outcome == "resource_metadata";
        assert_eq!(response.status == 200, passed, "{outcome}: {response:?}");
    }
}

#[track_caller]
fn read(gateway: &Gateway, cases: &[Case], formats: &[Value]) -> Vec<Logged> {
    let lines = gateway.envoy.await_access_lines(cases.len() * formats.len());
    gateway.envoy.assert_no_vm_reload();
    let lines = lines.chunks(formats.len());
    cases
        .iter()
        .zip(lines)
        .map(|(&(outcome, client, _), lines)| Logged { outcome, client, lines: lines.into() })
        .collect()
}

/// Callers with as many tokens as a worker asks about at the same time; nobody answers them.
#[track_caller]
fn fill(gateway: &Gateway) -> Http2 {
    gateway.server.answer_otherwise(Answer::silence());
    let mut callers = Http2::open(gateway.envoy.port()).unwrap();
    for _ in 0..MOST_ASKED {
        let mut fields = request("GET", "/orders/1");
        fields.push(field("authorization", format!("Bearer {}", secrecy::secret("token"))));
        callers.headers(&fields, true);
    }
    callers.flush().unwrap();
    let in_flight = || gateway.envoy.stat("wasmcustom.tessera_in_flight") == Some(MOST_ASKED as u64);
    eventually(SOON, "as many calls as there can be", || in_flight().then_some(()));
    callers
}

fn upstream() -> Value {
    json!({"headers": {"x-client-id": "client_id", "x-sla-tier": "contract.tier"}, "claims_prefix": "x-agw-"})
}

fn configuration(access_log: &str, issuer: &Issuer) -> Value {
    let asked = |cluster: &str| introspection(cluster, json!({"retries": 0}));
    json!({
        "access_log": access_log,
        "providers": [
            provider("main", json!({
                "issuer": "https://idp.example.com", "audiences": ["https://api.example.com"],
                "introspection": asked("idp"),
            })),
            {"name": "gone", "issuer": "https://gone.example.com", "introspection": asked("gone")},
            {"name": "signing", "issuer": issuer.identifier,
             "jwt": {"keys": {"inline": issuer.jwks()}, "algorithms": ["ES256"]}},
        ],
        "apis": [
            {
                "id": "orders-v1", "match": {"paths": ["/orders/"]}, "providers": ["main"],
                "scopes": {"all": ["orders.read"]}, "claims": {"/realm": ["a"]},
                "operations": [{"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true}],
                "upstream": upstream(),
            },
            {"id": "free", "match": {"paths": ["/free/"]}, "providers": ["main"], "token": "optional", "contract": "none"},
            {"id": "gone-v1", "match": {"paths": ["/gone/"]}, "providers": ["gone"], "contract": "none"},
            {"id": "signed-v1", "match": {"paths": ["/signed/"]}, "providers": ["signing"], "contract": "none"},
            {
                "id": "mcp", "match": {"paths": ["/mcp"]}, "providers": ["main"], "contract": "none",
                "resource": {"identifier": "https://api.example.com/mcp"},
            },
        ],
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal", "tier": "gold"},
            {"api": "orders-v1", "client_id": "suspended", "status": "suspended"},
            {"api": "orders-v1", "client_id": "ended", "expires_at": "2020-01-01T00:00:00Z"},
        ]},
    })
}

/// A source of contracts that is dead, and requests pass that no API claims.
fn bare_configuration(access_log: &str) -> Value {
    json!({
        "access_log": access_log,
        "no_match": "pass",
        "providers": [{"name": "main", "introspection": introspection("idp", json!({"timeout": "60s", "retries": 0}))}],
        "apis": [{"id": "orders-v1", "match": {"paths": ["/orders/"]}, "upstream": upstream()}],
        "contracts": {"source": {"url": "http://contracts.example.com/v1/contracts", "cluster": "gone"}},
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn facts(further: Value) -> Value {
    let facts = json!({
        "client_id": "portal", "scope": "orders.read", "iss": "https://idp.example.com", "realm": "a",
        "aud": "https://api.example.com", "exp": now() + 600,
    });
    with(facts, further)
}

fn cases(gateway: &Gateway, issuer: &Issuer) -> Vec<Case> {
    let orders = |further: Value| Request::get("/orders/1").bearer(&gateway.token(facts(further)));
    let broken = secrecy::secret("token");
    gateway.server.answer_for(&broken, Answer::status(200).body("<html>"));
    let key = json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}});
    let [one, other] = ["one", "other"].map(|id| token(issuer, "ES256", json!({"jti": id})));
    vec![
        ("unknown_api", "-", Request::get("/elsewhere")),
        ("invalid_request", "-", Request::get("/orders/../elsewhere")),
        ("missing_token", "-", Request::get("/orders/1")),
        ("inactive", "-", Request::get("/orders/1").bearer(&secrecy::secret("token"))),
        ("expired", "portal", orders(json!({"exp": now() - 60}))),
        ("not_yet_valid", "portal", orders(json!({"nbf": now() + 60}))),
        ("wrong_issuer", "portal", orders(json!({"iss": "https://other.example.com"}))),
        ("wrong_audience", "portal", orders(json!({"aud": ["https://other.example.com"]}))),
        ("wrong_token_type", "portal", orders(json!({"token_use": "refresh_token"}))),
        ("wrong_claims", "portal", orders(json!({"realm": "b"}))),
        ("proof_missing", "portal", orders(key.clone())),
        ("proof_invalid", "portal", orders(key).header("dpop", "no proof")),
        // Whoever has not signed it could have named anybody.
        ("bad_signature", "-", Request::get("/signed/1").bearer(&spoilt(&one, &other))),
        ("malformed_token", "-", Request::get("/signed/1").bearer(&secrecy::secret("token"))),
        ("insufficient_scope", "portal", orders(json!({"scope": "orders.write"}))),
        ("no_contract", "stranger", orders(json!({"client_id": "stranger"}))),
        ("contract_suspended", "suspended", orders(json!({"client_id": "suspended"}))),
        ("contract_expired", "ended", orders(json!({"client_id": "ended"}))),
        ("provider_unavailable", "-", Request::get("/gone/1").bearer(&secrecy::secret("token"))),
        ("provider_error", "-", Request::get("/orders/1").bearer(&broken)),
        ("resource_metadata", "-", Request::get("/.well-known/oauth-protected-resource/mcp")),
        ("public", "-", Request::get("/orders/health")),
        ("anonymous", "-", Request::get("/free/1")),
        ("allowed", "portal", orders(json!({}))),
    ]
}
