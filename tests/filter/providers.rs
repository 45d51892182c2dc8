//! Several authorization servers: a token goes to exactly one of them.

use crate::caller::{A_PAUSE, A_TICK, active};
use crate::configuration::{configuration, provider};
use crate::host::{Process, Worker};
use crate::{process, worker};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::time::Duration;

const ISSUERS: [(&str, &str); 2] = [("main", "https://idp.example.com"), ("other", "https://other.example.com")];

/// Two providers on clusters of their own, and APIs that take tokens of one or both.
fn two(change: Value) -> String {
    let [main, other] = ISSUERS.map(|(name, issuer)| {
        let cluster = if name == "main" { "idp" } else { "contracts" };
        provider(json!({"name": name, "issuer": issuer, "introspection": {"cluster": cluster}}))
    });
    let mut settings = json!({
        "providers": [main, other],
        "apis": [
            {"id": "both", "match": {"paths": ["/both/"]}, "upstream": {"headers": {"x-provider": "provider"}}},
            {"id": "reversed", "match": {"paths": ["/reversed/"]}, "providers": ["other", "main"],
             "upstream": {"headers": {"x-provider": "provider", "x-issuer": "issuer", "x-api": "api"}}},
            {"id": "main-only", "match": {"paths": ["/main/"]}, "providers": ["main"]},
        ],
    });
    settings.as_object_mut().expect("members").extend(change.as_object().expect("members").clone());
    configuration(settings)
}

fn start(process: &Process, change: Value) -> Worker {
    process.worker(&two(change)).expect("a configuration that is accepted")
}

fn jwt(payload: &Value) -> String {
    format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()))
}

/// The clusters that are asked about this token, each call failing.
fn asked(worker: &Worker, path: &str, token: &str) -> Vec<String> {
    let before = worker.sent_callouts().len();
    let stream = worker.request(&[("authorization", format!("Bearer {token}")), (":path", path.to_owned())]);
    while let Some(call) = worker.callouts().first() {
        worker.answer(call.id, 500, &[("x", "y")], "");
    }
    worker.hang_up(stream);
    worker.sent_callouts().split_off(before).into_iter().map(|call| call.cluster).collect()
}

#[test]
fn the_named_issuer_decides_and_an_opaque_token_goes_to_the_first() {
    let worker = worker(&two(json!({})));
    let issued_by = |issuer: &str| jwt(&json!({"iss": issuer, "sub": "u"}));
    let odd = [
        "opaque".to_owned(),
        "a.b.c".to_owned(),
        issued_by("https://stranger.example.com"),
        issued_by("https://other.example.com/"),
        issued_by("HTTPS://OTHER.EXAMPLE.COM"),
        jwt(&json!({"iss": ["https://other.example.com"]})),
        jwt(&json!(["https://other.example.com"])),
    ];
    for token in &odd {
        assert_eq!(asked(&worker, "/both/", token), ["idp"], "{token}");
        assert_eq!(asked(&worker, "/reversed/", token), ["contracts"], "{token}");
        worker.advance(A_PAUSE);
        assert_eq!(asked(&worker, "/main/", token), ["idp"], "{token}");
    }
    for path in ["/both/", "/reversed/"] {
        worker.advance(A_PAUSE);
        assert_eq!(asked(&worker, path, &issued_by(ISSUERS[0].1)), ["idp"]);
        assert_eq!(asked(&worker, path, &issued_by(ISSUERS[1].1)), ["contracts"]);
    }
    assert_eq!(asked(&worker, "/main/", &issued_by(ISSUERS[1].1)), ["idp"], "the API does not take the other's tokens");
}

#[test]
fn a_failing_provider_is_not_replaced_by_another() {
    let worker = worker(&two(json!({})));
    let stream = worker.request(&[("authorization", "Bearer abc"), (":path", "/both/")]);
    worker.answer_json(worker.callout().id, r#"{"active":false}"#);
    assert_eq!(worker.outcome(stream).status(), Some(401));
    assert_eq!(worker.sent_callouts().len(), 1);
}

#[test]
fn the_answers_issuer_must_be_the_provider_that_gave_it() {
    let worker = worker(&two(json!({"cache": {"cache_control": "respect"}})));
    for (issuer, status) in [(json!(ISSUERS[1].1), Some(401)), (json!(ISSUERS[0].1), None), (Value::Null, None)] {
        let stream = worker.request(&[("authorization", "Bearer abc"), (":path", "/main/")]);
        let answer = active(json!({"client_id": "portal", "iss": issuer}));
        worker.answer(worker.callout().id, 200, &[("cache-control", "no-store")], answer);
        assert_eq!(worker.outcome(stream).status(), status, "{issuer}");
        worker.hang_up(stream);
    }
}

#[test]
fn an_opaque_token_is_two_tokens_to_two_providers() {
    let process = process();
    let worker = start(&process, json!({}));
    let send = |path: &str| worker.request(&[("authorization", "Bearer abc"), (":path", path)]);
    let (both, reversed) = (send("/both/"), send("/reversed/"));
    let calls = worker.callouts();
    assert_eq!(calls.len(), 2, "asked of each for the API that sends it there");
    for call in calls {
        let issuer = if call.cluster == "idp" { ISSUERS[0].1 } else { ISSUERS[1].1 };
        worker.answer_json(call.id, &active(json!({"client_id": call.cluster, "iss": issuer})));
    }
    assert_eq!(worker.outcome(both).upstream().text("x-provider"), Some("main"));
    let found = worker.outcome(reversed);
    assert_eq!(found.upstream().text("x-provider"), Some("other"));
    assert_eq!(found.upstream().text("x-issuer"), Some("https://other.example.com"));
    assert_eq!(found.upstream().text("x-api"), Some("reversed"));
    worker.hang_up(both);
    worker.hang_up(reversed);

    // The API that only takes the first one's tokens gets that answer, from here and from another worker.
    for worker in [&worker, &start(&process, json!({}))] {
        let stream = worker.request(&[("authorization", "Bearer abc"), (":path", "/main/")]);
        assert_eq!(worker.outcome(stream).upstream().text("x-client-id"), Some("idp"));
        worker.hang_up(stream);
    }
    process.advance(A_TICK);
    for name in ["main", "other"] {
        let metric = format!("tessera_introspections.provider.{name}.result.active");
        assert_eq!(process.metric(&metric), 1);
    }
}

#[test]
fn a_contract_for_one_provider_holds_for_its_tokens_alone_and_wins() {
    let contracts = json!({"inline": [
        {"api": "both", "client_id": "portal", "tier": "any"},
        {"api": "both", "client_id": "portal", "tier": "gold", "provider": "main"},
        {"api": "both", "client_id": "mobile", "tier": "gold", "provider": "main"},
    ]});
    let headers = json!({"x-sla-tier": "contract.tier"});
    let apis = json!([{"id": "both", "upstream": {"headers": headers}}]);
    let worker = worker(&two(json!({"contracts": contracts, "apis": apis})));
    for (provider, client, tier) in
        [(0, "portal", Some("gold")), (1, "portal", Some("any")), (0, "mobile", Some("gold")), (1, "mobile", None)]
    {
        let issuer = ISSUERS[provider].1;
        let stream = worker.bearer(&jwt(&json!({"iss": issuer, "client": client})));
        worker.answer_json(worker.callout().id, &active(json!({"client_id": client, "iss": issuer})));
        match (worker.outcome(stream), tier) {
            (outcome, None) => assert_eq!(outcome.error(), "unauthorized_client"),
            (outcome, tier) => assert_eq!(outcome.upstream().text("x-sla-tier"), tier),
        }
        worker.hang_up(stream);
    }
}

#[test]
fn an_outage_of_one_provider_is_its_own() {
    let process = process();
    let worker = start(&process, json!({"cache": {"stale_if_error": "1h", "max_ttl": "10s", "refresh_ahead": false}}));
    let mine = |provider: usize| jwt(&json!({"iss": ISSUERS[provider].1}));
    for provider in [0, 1] {
        let stream =
            worker.request(&[("authorization", format!("Bearer {}", mine(provider))), (":path", "/both/".to_owned())]);
        worker.answer_json(worker.callout().id, &active(json!({})));
        worker.hang_up(stream);
    }
    process.set_clock(process.now() + Duration::from_secs(10));
    assert_eq!(asked(&worker, "/both/", &mine(0)), ["idp"]);
    assert!(asked(&worker, "/both/", &mine(0)).is_empty(), "it has just failed");
    assert_eq!(asked(&worker, "/both/", &mine(1)), ["contracts"]);
}
