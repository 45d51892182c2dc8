//! Signed introspection answers (RFC 9701), and upstreams that see them.

use crate::caller::active;
use crate::configuration::{configuration, provider};
use crate::host::{Callout, Outcome, Process, StreamId, Worker};
use crate::process;
use crate::tokens::{Issuer, KeyKind};
use serde_json::{Value, json};

const ISSUER: &str = "https://idp.example.com";

fn issuer(process: &Process) -> Issuer {
    Issuer::new(ISSUER, process.now().as_secs(), &[KeyKind::P256])
}

/// A provider that signs its answers, and an upstream that sees them.
fn start(process: &Process, keys: Value) -> Worker {
    let main = provider(json!({
        "issuer": ISSUER, "introspection": {"response": "jwt"}, "jwt": {"keys": keys, "algorithms": ["ES256"]},
    }));
    let upstream = json!({"headers": {"x-client-id": "client_id", "x-phantom": "introspection_jwt"}});
    let settings = configuration(json!({"providers": [main], "apis": [{"id": "orders-v1", "upstream": upstream}]}));
    process.worker(&settings).expect("a configuration that is accepted")
}

fn with_keys(process: &Process, issuer: &Issuer) -> Worker {
    start(process, json!({"inline": issuer.jwks()}))
}

#[track_caller]
fn call(worker: &Worker, path: &str) -> Callout {
    let is_one = |call: &Callout| call.headers.get(":path") == Some(path.as_bytes());
    worker.callouts().into_iter().find(is_one).unwrap_or_else(|| panic!("no call of {path}"))
}

fn asked(worker: &Worker) -> Callout {
    call(worker, "/oauth2/introspect")
}

fn ended(worker: &Worker, stream: StreamId) -> String {
    match worker.outcome(stream) {
        Outcome::Continued(_) => "allowed".to_owned(),
        Outcome::Replied(_) => worker.outcome_property(stream).expect("an outcome"),
        other => format!("{other:?}"),
    }
}

/// How a request ends whose token is answered for so.
fn verdict(worker: &Worker, token: &str, status: u16, answer: &str) -> String {
    let stream = worker.bearer(token);
    worker.answer(asked(worker).id, status, &[("content-type", "application/json")], answer);
    let verdict = ended(worker, stream);
    worker.hang_up(stream);
    verdict
}

#[test]
fn a_signed_answer_counts_and_reaches_the_upstream() {
    let process = process();
    let issuer = issuer(&process);
    let [one, two] = [0, 1].map(|_| with_keys(&process, &issuer));
    let answer = issuer.introspection("ES256", "gateway", json!({"active": true, "client_id": "portal"}));
    let stream = one.bearer("t");
    let call = asked(&one);
    assert_eq!(call.headers.text("accept"), Some("application/token-introspection+jwt"));
    one.answer(call.id, 200, &[("content-type", "application/token-introspection+jwt")], &answer);
    let seen =
        |headers: &crate::host::Headers| ["x-client-id", "x-phantom"].map(|name| headers.text(name).map(str::to_owned));
    let expected = [Some("portal".to_owned()), Some(answer)];
    assert_eq!(seen(&one.request_headers(stream)), expected);
    // From memory, and in another worker.
    for worker in [&one, &two] {
        match worker.known("t") {
            Outcome::Continued(headers) => assert_eq!(seen(&headers), expected),
            other => panic!("{other:?}"),
        }
    }
    let inactive = issuer.introspection("ES256", "gateway", json!({"active": false}));
    assert_eq!(verdict(&one, "u", 200, &inactive), "inactive");
}

#[test]
fn everything_else_is_no_answer() {
    let process = process();
    let issuer = issuer(&process);
    let worker = with_keys(&process, &issuer);
    let said = json!({"active": true, "client_id": "portal"});
    let stranger = Issuer::new(ISSUER, issuer.now, &[KeyKind::P256]);
    let kid = json!({"kid": issuer.key("ES256").key_id});
    let about = |payload: Value| {
        let mut all = json!({"aud": "gateway", "token_introspection": said});
        all.as_object_mut().expect("members").extend(payload.as_object().expect("members").clone());
        all
    };
    let now = issuer.now;
    for (number, answer) in [
        active(json!({"client_id": "portal"})),
        issuer.introspection("ES256", "another", said.clone()),
        issuer.introspection_with("ES256", json!({}), about(json!({"iss": "https://other.example.com"}))),
        issuer.introspection_with("ES256", json!({}), about(json!({"iat": now + 60}))),
        issuer.introspection_with("ES256", json!({}), about(json!({"exp": now - 60}))),
        issuer.introspection_with("ES256", json!({}), about(json!({"token_introspection": null, "active": true}))),
        issuer.introspection_with("ES256", json!({"typ": "JWT"}), about(json!({}))),
        issuer.introspection_with("ES256", json!({"kid": "unknown"}), about(json!({}))),
        stranger.introspection_with("ES256", kid, about(json!({}))),
        issuer.token("ES256", json!({})),
        String::new(),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(verdict(&worker, &format!("t{number}"), 200, &answer), "provider_error", "{number}");
    }
    // Errors stay what they are.
    assert_eq!(verdict(&worker, "e1", 400, r#"{"error":"invalid_token"}"#), "inactive");
    assert_eq!(verdict(&worker, "e2", 401, r#"{"error":"invalid_client"}"#), "provider_error");
    assert_eq!(verdict(&worker, "e3", 503, ""), "provider_unavailable");
}

#[test]
fn an_answer_is_held_until_its_key_is_known() {
    let process = process();
    let mut issuer = issuer(&process);
    let worker = start(&process, json!({"url": format!("{ISSUER}/jwks"), "cluster": "idp"}));
    let answer = |issuer: &Issuer| issuer.introspection("ES256", "gateway", json!({"active": true}));
    let keys = |worker: &Worker| call(worker, "/jwks").id;
    // Before the first keys.
    let (one, two) = (worker.bearer("t"), worker.bearer("t"));
    worker.answer(asked(&worker).id, 200, &[("x", "y")], answer(&issuer));
    assert_eq!(worker.outcome(one), Outcome::Paused);
    worker.answer_json(keys(&worker), &issuer.jwks().to_string());
    assert_eq!([one, two].map(|stream| ended(&worker, stream)), ["allowed", "allowed"]);
    // After a rotation.
    worker.advance(std::time::Duration::from_secs(11));
    issuer.rotate(KeyKind::P256);
    let stream = worker.bearer("u");
    worker.answer(asked(&worker).id, 200, &[("x", "y")], answer(&issuer));
    assert_eq!(worker.outcome(stream), Outcome::Paused);
    worker.answer_json(keys(&worker), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, stream), "allowed");
    // The key is nowhere, and then it cannot be looked for.
    worker.advance(std::time::Duration::from_secs(11));
    let stranger = Issuer::new(ISSUER, process.now().as_secs(), &[KeyKind::P256]);
    let stream = worker.bearer("v");
    worker.answer(asked(&worker).id, 200, &[("x", "y")], answer(&stranger));
    worker.answer_json(keys(&worker), &issuer.jwks().to_string());
    assert_eq!(ended(&worker, stream), "provider_error");
    worker.advance(std::time::Duration::from_secs(11));
    let stream = worker.bearer("w");
    worker.answer(asked(&worker).id, 200, &[("x", "y")], answer(&stranger));
    worker.fail(keys(&worker));
    assert_eq!(ended(&worker, stream), "provider_unavailable");
}
