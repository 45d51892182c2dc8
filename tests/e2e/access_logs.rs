//! Access logs in the formats that people have: Istio's own text, Envoy Gateway's own JSON, and the one that is shipped.
//! And what Envoy's log says of a server that is not reached.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::certificates::Authority;
use crate::harness::client::Request;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, introspection, provider, with};
use crate::harness::secrecy;

/// Istio's default (`meshConfig.accessLogFormat`).
const ISTIO: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% \
    %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \
    \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% \
    %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \
    \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% \
    %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

/// Envoy Gateway's default.
fn envoy_gateway() -> Value {
    json!({
        "start_time": "%START_TIME%", "method": "%REQ(:METHOD)%",
        "x-envoy-origin-path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "protocol": "%PROTOCOL%",
        "response_code": "%RESPONSE_CODE%", "response_flags": "%RESPONSE_FLAGS%",
        "response_code_details": "%RESPONSE_CODE_DETAILS%",
        "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
        "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "bytes_received": "%BYTES_RECEIVED%", "bytes_sent": "%BYTES_SENT%", "duration": "%DURATION%",
        "x-envoy-upstream-service-time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
        "x-forwarded-for": "%REQ(X-FORWARDED-FOR)%", "user-agent": "%REQ(USER-AGENT)%",
        "x-request-id": "%REQ(X-REQUEST-ID)%", ":authority": "%REQ(:AUTHORITY)%",
        "upstream_host": "%UPSTREAM_HOST%", "upstream_cluster": "%UPSTREAM_CLUSTER%",
        "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
        "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
        "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
        "requested_server_name": "%REQUESTED_SERVER_NAME%", "route_name": "%ROUTE_NAME%",
    })
}

/// The format of `envoy/envoy.full.yaml`.
fn shipped() -> Value {
    let full = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.full.yaml")).unwrap();
    let mut format = serde_json::Map::new();
    let lines = full.lines().skip_while(|line| line.trim() != "json_format:").skip(1);
    for line in lines.take_while(|line| line.starts_with(&" ".repeat(18))) {
        let (name, rest) = line.trim().split_once(": \"").expect("a field");
        format.insert(name.into(), rest.split('"').next().unwrap_or_default().into());
    }
    assert!(format.len() >= 7, "{format:?}");
    Value::Object(format)
}

/// Every identity that a caller may claim, and every property.
fn everything() -> Value {
    let mut format = serde_json::Map::new();
    for name in ["x-client-id", "x-sla-tier", "x-agw-sub", "x-agw-client_id", "x_client_id"] {
        format.insert(name.into(), format!("%REQ({name})%").into());
    }
    for name in ["outcome", "cache", "api", "provider", "client_id", "detail", "token"] {
        format.insert(name.into(), format!("%FILTER_STATE(wasm.tessera.{name}:PLAIN)%").into());
    }
    Value::Object(format)
}

const FORGED: &str = "forged-by-the-caller";

fn configuration(access_log: &str) -> Value {
    let asked = |cluster: &str| introspection(cluster, json!({"retries": 0}));
    json!({
        "access_log": access_log,
        "providers": [
            provider("main", json!({
                "issuer": "https://idp.example.com", "audiences": ["https://api.example.com"],
                "introspection": asked("idp"),
            })),
            {"name": "gone", "issuer": "https://gone.example.com", "introspection": asked("gone")},
        ],
        "apis": [
            {
                "id": "orders-v1", "match": {"paths": ["/orders/"]}, "providers": ["main"],
                "scopes": {"all": ["orders.read"]}, "claims": {"/realm": ["a"]},
                "operations": [{"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true}],
                "upstream": {
                    "headers": {"x-client-id": "client_id", "x-sla-tier": "contract.tier"}, "claims_prefix": "x-agw-",
                },
            },
            {"id": "free", "match": {"paths": ["/free/"]}, "providers": ["main"], "token": "optional", "contract": "none"},
            {"id": "gone-v1", "match": {"paths": ["/gone/"]}, "providers": ["gone"], "contract": "none"},
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

/// Requests that end in every way that callers and servers can bring about, with who the caller really is.
fn cases(gateway: &Gateway) -> Vec<(&'static str, &'static str, Request)> {
    let orders = |further: Value| Request::get("/orders/1").bearer(&gateway.token(facts(further)));
    let broken = secrecy::secret("token");
    gateway.server.answer_for(&broken, Answer::status(200).body("<html>"));
    let key = json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}});
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

const PASSING: [&str; 3] = ["public", "anonymous", "allowed"];

/// The lines of all cases in a format, each sent by a caller that claims to be somebody.
fn logged(access_log: &str, format: &Value) -> Vec<(&'static str, &'static str, String)> {
    let gateway = Gateway::start_with(configuration(access_log), |builder| {
        let builder = builder.dead_cluster("gone").workers(1);
        match format {
            Value::String(text) => builder.access_log_format(text),
            fields => builder.access_log_fields(fields),
        }
    });
    let cases = cases(&gateway);
    for (outcome, _, request) in &cases {
        let claims = ["x-client-id", "x-sla-tier", "x-agw-sub", "x-agw-client_id", "x_client_id"];
        let request = claims.iter().fold(request.clone(), |request, name| request.header(name, FORGED));
        let passed = gateway.send(&request).status == 200;
        assert_eq!(passed, PASSING.contains(outcome) || *outcome == "resource_metadata", "{outcome}");
    }
    let lines = gateway.envoy.await_access_lines(cases.len());
    gateway.envoy.assert_no_vm_reload();
    let lines: Vec<_> = cases.iter().zip(lines).map(|((outcome, client, _), line)| (*outcome, *client, line)).collect();
    for (outcome, _, line) in &lines {
        assert!(!line.contains(FORGED), "{outcome}: {line}");
        assert!(secrecy::leaks(line.as_bytes()).is_empty(), "{outcome}: {line}");
    }
    lines
}

#[test]
fn the_default_formats_of_istio_and_envoy_gateway_show_each_outcome() {
    for (outcome, _, line) in logged("refusals", &json!(ISTIO)) {
        let details = line.split('"').nth(2).and_then(|part| part.split(' ').nth(3)).map(str::to_owned);
        assert_eq!(details, Some(details_of(outcome)), "{line}");
    }
    for (outcome, _, line) in logged("refusals", &envoy_gateway()) {
        let fields: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(fields["response_code_details"], details_of(outcome), "{line}");
    }
}

fn details_of(outcome: &str) -> String {
    if PASSING.contains(&outcome) { "via_upstream".to_owned() } else { format!("tessera.{outcome}") }
}

#[test]
fn the_shipped_format_names_the_true_client_refused_or_not() {
    for (outcome, client, line) in logged("refusals", &shipped()) {
        let fields: Value = serde_json::from_str(&line).unwrap();
        let expected = |known: bool| if known && client != "-" { json!(client) } else { Value::Null };
        let passed = PASSING.contains(&outcome);
        assert_eq!(fields["client"], expected(!passed), "{line}");
        assert_eq!(fields["client_id"], expected(passed), "{line}");
        assert_eq!(fields["details"], details_of(outcome), "{line}");
        assert_eq!(fields["outcome"], if passed { Value::Null } else { json!(outcome) }, "{line}");
    }
}

#[test]
fn all_requests_say_how_they_ended_where_that_is_asked_for() {
    for (outcome, _, line) in logged("all", &everything()) {
        let fields: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(fields["outcome"], outcome, "{line}");
        let asked = !["unknown_api", "invalid_request", "missing_token", "resource_metadata", "public", "anonymous"]
            .contains(&outcome);
        assert_eq!(fields["cache"], if asked { json!("miss") } else { Value::Null }, "{line}");
    }
}

/// A line of the module's log about a failure.
#[track_caller]
fn await_line(envoy: &Envoy, parts: &[&str]) {
    let found = || envoy.log().lines().any(|line| parts.iter().all(|part| line.contains(part))).then_some(());
    eventually(SOON, &format!("a line with {parts:?}"), found);
}

const UNCONNECTED: &str = "no connection came about, or it was lost";

#[test]
fn a_connection_that_does_not_come_about_is_told_from_an_answer() {
    let asked = |name: &str| {
        let introspection = introspection(name, json!({"retries": 0, "timeout": "1s"}));
        json!({"name": name, "issuer": format!("https://{name}.example.com"), "introspection": introspection})
    };
    let names = ["refused", "empty", "untrusted", "reset", "silent", "answering", "late", "broken"];
    let apis = names.map(|name| json!({"id": name, "match": {"paths": [format!("/{name}")]}, "providers": [name]}));
    let servers = names.map(|_| AuthorizationServer::start());
    let [_, _, _, reset, silent, answering, late, broken] = &servers;
    reset.answer_otherwise(Answer::reset());
    silent.answer_otherwise(Answer::silence());
    answering.answer_otherwise(Answer::status(503));
    late.answer_otherwise(Answer::status(504));
    broken.answer_otherwise(Answer::json(json!({"active": true})).reset_in_body());
    // Its certificate is of an authority that nobody trusts.
    let (trusted, other) = (Authority::new(), Envoy::builder().tls(&Authority::new()).start());
    let envoy = Envoy::builder()
        .plugin(json!({"providers": names.map(asked), "apis": apis}))
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
        let request = Request::get(&format!("/{name}")).bearer(&secrecy::secret("token"));
        assert_eq!(request.send(envoy.port()).status, 503, "{name}");
    }
    for (name, said) in [
        ("refused", UNCONNECTED),
        ("empty", "not asked: Envoy did not take the call"),
        ("untrusted", UNCONNECTED),
        ("reset", UNCONNECTED),
        ("silent", "no answer in time"),
        ("answering", "status 503: it cannot answer now"),
        ("late", "status 504: it cannot answer now"),
        ("broken", "the answer broke off"),
    ] {
        await_line(&envoy, &[&format!("provider \"{name}\": introspection failed: "), said]);
    }
    envoy.assert_no_vm_reload();
}

#[test]
fn keys_metadata_and_contracts_that_cannot_be_fetched_say_so_too() {
    let configuration = json!({
        "providers": [
            {"name": "keys", "issuer": "https://keys.example.com",
             "jwt": {"keys": {"url": "http://gone.example.com/jwks", "cluster": "gone"}, "algorithms": ["RS256"]}},
            {"name": "metadata", "issuer": "http://gone.example.com", "discovery": {"cluster": "gone"},
             "introspection": {"client": {"auth": "none"}}},
        ],
        "apis": [{"id": "orders-v1"}],
        "contracts": {"source": {"url": "http://contracts.example.com/v1/contracts", "cluster": "gone"}},
    });
    let envoy = Envoy::builder().plugin(configuration).dead_cluster("gone").workers(1).start();
    await_line(&envoy, &["provider \"keys\": its ", UNCONNECTED]);
    await_line(&envoy, &["provider \"metadata\": its ", UNCONNECTED]);
    await_line(&envoy, &["contracts", UNCONNECTED]);
}
