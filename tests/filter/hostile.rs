//! Bytes from callers, authorization servers and other workers: nothing traps, nothing passes unjudged.

use crate::caller::active;
use crate::configuration::{api, configuration};
use crate::host::{Outcome, StreamId, Worker};
use crate::{process, worker};
use proptest::prelude::*;
use serde_json::json;

/// Every source, rules on host, path and method, every kind of header.
fn elaborate() -> String {
    configuration(json!({
        "apis": [api(json!({
            "match": {"hosts": ["api.example.com", "*.example.org"], "paths": ["/orders/"]},
            "operations": [
                {"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true},
                {"match": {"methods": ["POST"]}, "scopes": {"all": ["orders.write"]}},
            ],
            "upstream": {"headers": {"x-client-id": "client_id", "x-org": "claim:/org/name"}, "claims_prefix": "x-agw-",
                         "forward_token": false},
        }))],
        "token": {"sources": [
            {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "access_token"},
            {"cookie": "at"},
        ]},
        "contracts": {"inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold"}]},
    }))
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Bytes that a codec lets through in a value.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => any::<u8>(), 2 => prop::sample::select(b"Bbearer ,;=%&?/.\\\"\t".to_vec())];
    prop::collection::vec(byte, 0..40)
        .prop_map(|bytes| bytes.into_iter().filter(|byte| !matches!(byte, 0 | b'\r' | b'\n')).collect())
}

fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let name = prop::sample::select(vec![
        "authorization",
        "x-access-token",
        "cookie",
        "x-client-id",
        "x-org",
        "x-agw-role",
        "x-agw-",
        "host",
        "x-other",
    ]);
    let marked = (prop::sample::select(vec!["", "Bearer ", "bearer", "at=", "at=abc; "]), value())
        .prop_map(|(start, rest)| [start.as_bytes(), &rest].concat());
    (name.prop_map(str::to_owned), marked)
}

fn target() -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(vec!["/orders/", "/orders/health", "/", "", "*", "/orders/1?access_token="]), value())
        .prop_map(|(start, rest)| [start.as_bytes(), &rest].concat())
}

/// The worker still does its work.
#[track_caller]
fn assert_alive(worker: &Worker) {
    let stream = worker.request(&[("authorization", "Bearer alive"), (":path", "/orders/1")]);
    if worker.outcome(stream) == Outcome::Paused {
        let call = worker.callouts().into_iter().find(|call| call.token() == "alive").expect("a callout");
        worker.answer_json(call.id, &active(json!({"client_id": "portal"})));
    }
    assert_eq!(worker.outcome(stream).upstream().text("x-client-id"), Some("portal"));
    worker.hang_up(stream);
}

/// Whether the path is under the one public operation, to the letter.
fn is_public(method: &[u8], target: &[u8]) -> bool {
    method == b"GET" && target.split(|byte| *byte == b'?').next() == Some(b"/orders/health")
}

#[test]
fn no_request_traps_and_none_passes_unjudged() {
    let worker = worker(&elaborate());
    proptest!(cases(1500), |(
        headers in prop::collection::vec(header(), 0..5),
        target in target(),
        method in prop::sample::select(vec!["GET", "POST", "get", "OPTIONS", "\u{e9}"]),
    )| {
        let mut lines = headers;
        lines.push((":path".to_owned(), target.clone()));
        lines.push((":method".to_owned(), method.as_bytes().to_vec()));
        let stream = worker.request(&lines);
        match worker.outcome(stream) {
            Outcome::Paused => {
                for call in worker.callouts() {
                    worker.answer_json(call.id, r#"{"active":false}"#);
                }
                prop_assert_eq!(worker.outcome(stream).status(), Some(401));
            }
            Outcome::Replied(reply) => prop_assert!((400..500).contains(&reply.status), "{reply:?}"),
            Outcome::Continued(passed) => {
                prop_assert!(is_public(method.as_bytes(), &target), "{lines:?}");
                prop_assert!(passed.pairs().all(|(name, _)| !name.starts_with("x-agw-") && name != "x-client-id"));
            }
            Outcome::Closed => prop_assert!(false, "closed"),
        }
        worker.hang_up(stream);
    });
    assert_alive(&worker);
}

/// Answers that are nearly right.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let literal = prop::sample::select(vec![
        "true",
        "false",
        "null",
        "1",
        "-1",
        "1e400",
        "1e-400",
        "\"true\"",
        "\"\"",
        "[]",
        "{}",
        "[\"a\",1]",
        "{\"a\":{}}",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "18446744073709551616",
        "\"portal\"",
        "\"orders.write\"",
        "1767229200",
    ]);
    let member = prop::sample::select(vec![
        "active",
        "active",
        "client_id",
        "azp",
        "scope",
        "scp",
        "exp",
        "nbf",
        "iat",
        "expires_in",
        "aud",
        "iss",
        "sub",
        "username",
        "token_type",
        "cnf",
        "org",
        "",
    ]);
    let object = prop::collection::vec((member, literal), 0..8).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    });
    let cut =
        (object.clone(), any::<prop::sample::Index>()).prop_map(|(bytes, at)| bytes[..at.index(bytes.len())].to_vec());
    prop_oneof![6 => object, 1 => cut, 2 => prop::collection::vec(any::<u8>(), 0..60)]
}

#[test]
fn no_answer_traps_and_none_passes_without_active_true() {
    let worker = worker(&elaborate());
    let number = std::cell::Cell::new(0);
    proptest!(cases(1500), |(
        status in prop_oneof![4 => Just(200_u16), 1 => 100_u16..600],
        cache_control in value(),
        body in answer(),
    )| {
        number.set(number.get() + 1);
        let token = format!("Bearer token-{}", number.get());
        let stream = worker.request(&[("authorization", token.as_str()), (":path", "/orders/1")]);
        let mut asked = 0;
        while let Some(call) = worker.callouts().first() {
            worker.answer(call.id, status, &[("cache-control", cache_control.as_slice())], &body);
            asked += 1;
        }
        prop_assert!(asked == 1, "no retries are configured");
        match worker.outcome(stream) {
            Outcome::Continued(passed) => {
                let text = String::from_utf8_lossy(&body).into_owned();
                let fair = status == 200 && text.matches("\"active\":").count() == 1 && text.contains("\"active\":true");
                prop_assert!(fair, "{status} {text}");
                prop_assert_eq!(passed.text("x-client-id"), Some("portal"), "the only client with a contract");
            }
            Outcome::Replied(reply) => prop_assert!(reply.status >= 400),
            other => prop_assert!(false, "{other:?}"),
        }
        worker.hang_up(stream);
    });
    assert_alive(&worker);
}

#[test]
fn an_answer_of_any_depth_or_size_does_not_trap() {
    let worker = worker(&elaborate());
    let deep = |open: &str, close: &str, depth: usize| {
        format!(r#"{{"active":true,"org":{}{}}}"#, open.repeat(depth), close.repeat(depth))
    };
    let bodies = [
        deep("[", "]", 100_000),
        deep("{\"a\":", "}", 20_000),
        deep("[", "", 100_000),
        format!(r#"{{"active":true,"client_id":"{}"}}"#, "x".repeat(250_000)),
        format!(r#"{{"active":true,"scope":[{}""]}}"#, "\"a\",".repeat(60_000)),
        format!("{{{}\"active\":true}}", (0..20_000).map(|n| format!("\"{n}\":1,")).collect::<String>()),
        "x".repeat(10 << 20),
        "[".repeat(200_000),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let token = format!("Bearer token-{number}");
        let stream = worker.request(&[("authorization", token.as_str()), (":path", "/orders/1")]);
        worker.answer_json(worker.callout().id, body);
        assert!(worker.outcome(stream).status().is_some_and(|status| status >= 400), "{:.40}", body);
    }
    assert_alive(&worker);
}

#[test]
fn no_message_from_another_plugin_traps_or_lets_anybody_in() {
    let process = process();
    let worker = process.worker(&elaborate()).expect("a configuration that is accepted");
    let other = process.worker(&elaborate()).expect("a configuration that is accepted");
    let send =
        |worker: &Worker| -> StreamId { worker.request(&[("authorization", "Bearer abc"), (":path", "/orders/1")]) };
    let (leading, following) = (send(&worker), send(&other));
    proptest!(cases(1000), |(message: Vec<u8>, kind in 0_u8..6, long in prop::collection::vec(any::<u8>(), 32..200))| {
        for message in [message, vec![kind], [&[kind], long.as_slice()].concat()] {
            process.enqueue_everywhere(&message);
            process.turn_all();
        }
        prop_assert_eq!(worker.outcome(leading), Outcome::Paused);
        prop_assert_eq!(other.outcome(following), Outcome::Paused);
    });
    worker.answer_json(worker.callout().id, &active(json!({"client_id": "portal"})));
    process.turn_all();
    for (worker, stream) in [(&worker, leading), (&other, following)] {
        assert!(worker.outcome(stream).passed());
        worker.hang_up(stream);
        assert_alive(worker);
    }
}

#[test]
fn no_shared_value_traps_or_lets_anybody_in() {
    let process = process();
    let first = process.worker(&elaborate()).expect("a configuration that is accepted");
    // Sets with entries good and bad, and one with a question that is being asked.
    for number in 0..20 {
        let token = format!("Bearer known-{number}");
        let stream = first.request(&[("authorization", token.as_str()), (":path", "/orders/1")]);
        let answer =
            if number % 2 == 0 { active(json!({"client_id": "portal"})) } else { r#"{"active":false}"#.into() };
        first.answer_json(first.callout().id, &answer);
        first.hang_up(stream);
    }
    let asked = first.request(&[("authorization", "Bearer asked"), (":path", "/orders/1")]);
    let values = process.shared_data();
    assert!(values.len() >= 15, "20 tokens, of which few share a set: {}", values.len());
    first.answer_json(first.callout().id, &active(json!({"client_id": "portal"})));
    first.hang_up(asked);
    proptest!(cases(60), |(noise in prop::collection::vec(any::<u8>(), 0..300), cut in any::<prop::sample::Index>(), how in 0..3)| {
        for (key, value) in &values {
            let spoilt = match how {
                0 => noise.clone(),
                1 => value.get(..cut.index(value.len().max(1)).min(value.len())).unwrap_or_default().to_vec(),
                _ => [value.as_slice(), &noise].concat(),
            };
            process.set_shared_data(key, &spoilt);
        }
        let worker = process.worker(&elaborate()).expect("a configuration that is accepted");
        for number in (1..20).step_by(2) {
            let token = format!("Bearer known-{number}");
            let stream = worker.request(&[("authorization", token.as_str()), (":path", "/orders/1")]);
            let outcome = worker.outcome(stream);
            prop_assert!(!outcome.passed(), "a token that is not active: {outcome:?}");
        }
    });
    assert_alive(&first);
}
