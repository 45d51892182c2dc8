//! A token is introspected, and the answer decides.

use crate::worker;
use std::time::Duration;

const CONFIGURATION: &str = r#"{
    "providers": [{"name": "main", "introspection": {
        "endpoint": "https://idp.example.com/oauth2/introspect", "cluster": "idp", "timeout": "2s", "retries": 0,
        "client": {"id": "gateway", "auth": "client_secret_basic", "secret": "s3cret"}}}],
    "apis": [{"id": "orders-v1", "providers": ["main"]}]
}"#;

#[test]
fn no_token_is_refused_without_asking() {
    let worker = worker(CONFIGURATION);
    let outcome = worker.exchange(&[(":path", "/orders/1")]);
    assert_eq!(outcome.reply().status, 401);
    assert!(worker.sent_callouts().is_empty());
}

#[test]
fn an_active_token_passes_with_its_client() {
    let worker = worker(CONFIGURATION);
    let stream = worker.request(&[("authorization", "Bearer abc"), ("x-client-id", "spoofed")]);
    let call = worker.callout();
    assert_eq!((call.cluster.as_str(), call.headers.text(":authority")), ("idp", Some("idp.example.com")));
    worker.answer_json(call.id, r#"{"active": true, "client_id": "portal"}"#);
    let outcome = worker.outcome(stream);
    assert_eq!(outcome.upstream().lines("x-client-id").collect::<Vec<_>>(), [b"portal"]);
}

#[test]
fn an_inactive_token_is_refused() {
    let worker = worker(CONFIGURATION);
    let stream = worker.request(&[("authorization", "Bearer abc")]);
    worker.answer_json(worker.callout().id, r#"{"active": false}"#);
    assert_eq!(worker.outcome(stream).reply().status, 401);
    assert_eq!(worker.property(stream, "tessera.outcome").as_deref(), Some(b"inactive".as_slice()));
}

#[test]
fn callers_with_one_cold_token_share_a_callout_that_the_first_may_abandon() {
    let worker = worker(CONFIGURATION);
    let streams: Vec<_> = (0..20).map(|_| worker.request(&[("authorization", "Bearer abc")])).collect();
    worker.hang_up(streams[0]);
    worker.answer_json(worker.callout().id, r#"{"active": true, "client_id": "portal"}"#);
    for stream in &streams[1..] {
        assert_eq!(worker.outcome(*stream).upstream().text("x-client-id"), Some("portal"));
    }
    assert_eq!(worker.sent_callouts().len(), 1);
}

#[test]
fn a_known_token_passes_without_a_callout_or_shared_data() {
    let worker = worker(CONFIGURATION);
    worker.request(&[("authorization", "Bearer abc")]);
    worker.answer_json(worker.callout().id, r#"{"active": true, "client_id": "portal"}"#);
    worker.reset_hostcalls();
    worker.exchange(&[("authorization", "Bearer abc")]).upstream();
    let calls = worker.hostcalls();
    assert!(!calls.keys().any(|call| call.contains("shared") || call.contains("http_call")), "{calls:?}");
}

#[test]
fn a_silent_authorization_server_is_an_outage_in_time() {
    let worker = worker(CONFIGURATION);
    let stream = worker.request(&[("authorization", "Bearer abc")]);
    worker.advance(Duration::from_secs(3));
    assert_eq!(worker.outcome(stream).reply().status, 503);
}

#[test]
fn no_byte_in_the_header_traps() {
    let worker = worker(CONFIGURATION);
    for byte in (1..=255_u8).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        let value = [b"Bearer a".as_slice(), &[byte], b"b"].concat();
        let stream = worker.request(&[("authorization", value.as_slice())]);
        worker.hang_up(stream);
    }
}
