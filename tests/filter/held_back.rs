//! What comes behind a request's headers: bodies and trailers.

use crate::caller::active;
use crate::configuration::{api, configuration};
use crate::host::{Outcome, Plugin, Worker};
use crate::{process, worker};
use proxy_wasm::types::Status;
use serde_json::json;

const BEARER: [(&str, &str); 2] = [("authorization", "Bearer abc"), ("x-client-id", "forged")];
const NOTHING: [(&str, &str); 0] = [];

/// As Kuadrant's operator configures plugins: `Pause` holds back no more than the headers.
fn holding_headers_only(configuration: &str) -> Worker {
    let plugin = Plugin { allow_on_headers_stop_iteration: true, ..Plugin::new(configuration) };
    process().worker_with(plugin).expect("a configuration that is accepted")
}

#[test]
fn nothing_reaches_the_upstream_before_the_verdict() {
    for worker in [worker(&configuration(json!({}))), holding_headers_only(&configuration(json!({})))] {
        let stream = worker.arrive(&BEARER, false);
        worker.turn();
        worker.body(stream);
        assert_eq!(worker.outcome(stream), Outcome::Paused);
        assert_eq!(worker.trailers(stream, &NOTHING), None);
        worker.answer_json(worker.callout().id, &active(json!({"client_id": "portal"})));
        assert_eq!(worker.outcome(stream).upstream().text("x-client-id"), Some("portal"));
        assert!(worker.trailers(stream, &NOTHING).is_some());
    }
}

#[test]
fn trailers_lose_what_only_the_filter_may_say() {
    let other = json!({"id": "other", "match": {"paths": ["/other/"]},
        "upstream": {"headers": {"x-user": "subject"}, "claims_prefix": "x-agw-"}});
    let worker = worker(&configuration(json!({"apis": [other, api(json!({}))]})));
    worker.asked("abc", &active(json!({"client_id": "portal"})));
    let stream = worker.arrive(&BEARER, false);
    let sent = [
        ("x-client-id", "forged"),
        ("x_client_id", "forged"),
        ("x-user", "forged"),
        ("x-agw-role", "admin"),
        ("x-checksum", "7"),
    ];
    let trailers = worker.trailers(stream, &sent).expect("trailers");
    assert_eq!(trailers.pairs().collect::<Vec<_>>(), [("x-checksum", &b"7"[..])]);
}

#[test]
fn trailers_that_cannot_be_stripped_do_not_pass() {
    for call in ["proxy_get_header_map_pairs", "proxy_remove_header_map_value"] {
        let worker = worker(&configuration(json!({})));
        worker.asked("abc", &active(json!({"client_id": "portal"})));
        let stream = worker.arrive(&BEARER, false);
        worker.fail_next(call, Status::InternalFailure);
        assert_eq!(worker.trailers(stream, &[("x-client-id", "forged")]), None);
        assert_eq!(worker.outcome(stream).status(), Some(500));
    }
}
