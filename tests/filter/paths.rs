//! Which API and operation a request falls under, and paths that none can be trusted with.

use crate::configuration::{api, configuration};
use crate::host::{Outcome, Worker};
use crate::worker;
use serde_json::{Value, json};

/// How a request ends here: `asked`, `passed`, or the error code.
fn fate(worker: &Worker, headers: &[(&str, &[u8])]) -> String {
    let mut lines = vec![("authorization", b"Bearer abc".as_slice())];
    lines.extend_from_slice(headers);
    let stream = worker.request(&lines);
    let outcome = worker.outcome(stream);
    worker.hang_up(stream);
    match &outcome {
        Outcome::Paused => "asked".to_owned(),
        Outcome::Continued(_) => "passed".to_owned(),
        _ => outcome.error(),
    }
}

fn at(worker: &Worker, path: &[u8]) -> String {
    fate(worker, &[(":path", path)])
}

const AMBIGUOUS: [&[u8]; 33] = [
    b"//orders/1",
    b"/orders//1",
    b"/orders/1//",
    b"/./orders/1",
    b"/orders/./1",
    b"/orders/../1",
    b"/orders/..",
    b"/orders/.",
    b"/orders/%2e%2e/1",
    b"/orders/%2E/1",
    b"/orders/a%2fb",
    b"/orders/a%2Fb",
    b"/orders/a%5cb",
    b"/orders/a%5Cb",
    b"/orders/a\\b",
    b"/orders/a;b=1",
    b"/orders/;",
    b"/orders/\x7f",
    b"/orders/a\x80",
    b"/orders/\xc3\xa9",
    b"/orders/%",
    b"/orders/%4",
    b"/orders/%zz",
    b"/orders/%00",
    b"/orders/a\tb",
    b"/orders/../",
    b"/orders/%252e%252e/1",
    b"/orders/a%252fb",
    b"/orders/a%255cb",
    b"/orders/a%253bb",
    b"/orders/a%2500",
    b"/orders/%25252e/1",
    b"/orders/%25%32%65/1",
];

/// Compared as a server reads them, but not to be trusted with opening anything.
const DOUBTFUL: [&[u8]; 9] = [
    b"/orders/open/%7Euser",
    b"/orders/%6Fpen/1",
    b"/%6frders/open/1",
    b"/orders/open/a%3bb",
    b"/orders/open/%c0%ae%c0%ae/1",
    b"/orders/open/%ef%bc%8f",
    b"/orders/open/%e2%80%a4",
    b"/orders/open/%ff",
    b"/orders/open/%2561",
];

fn guarded(more: Value) -> Worker {
    let operations = json!([{"match": {"paths": ["/orders/health", "/orders/open/"]}, "public": true}]);
    let mut change = json!({"apis": [api(json!({"match": {"paths": ["/orders/"]}, "operations": operations}))]});
    change.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    worker(&configuration(change))
}

#[test]
fn an_ambiguous_path_is_refused_wherever_paths_matter() {
    let worker = guarded(json!({}));
    for path in AMBIGUOUS {
        assert_eq!(at(&worker, path), "invalid_request", "{}", path.escape_ascii());
    }
    let passing = guarded(json!({"no_match": "pass"}));
    for path in AMBIGUOUS {
        assert_eq!(at(&passing, path), "invalid_request", "{}", path.escape_ascii());
    }
}

#[test]
fn an_ambiguous_path_is_nothing_special_where_paths_do_not_matter() {
    let worker = worker(&configuration(json!({})));
    for path in AMBIGUOUS {
        assert_eq!(at(&worker, path), "asked", "{}", path.escape_ascii());
    }
}

#[test]
fn a_literal_path_makes_nothing_public_and_passes_nothing() {
    let worker = guarded(json!({"ambiguous_paths": "literal", "no_match": "pass"}));
    for (path, expected) in [
        (&b"/orders/a;b"[..], "asked"),
        (b"/orders/open/%2e%2e/1", "asked"),
        (b"/orders/open/a;b", "asked"),
        (b"/orders/health", "passed"),
        (b"/orders/open/1", "passed"),
        (b"/elsewhere", "passed"),
        (b"/elsewhere/../orders/1", "not_found"),
        (b"//orders/1", "not_found"),
        (b"/%6frders/1", "asked"),
        (b"/orders/open/%252e%252e/1", "asked"),
    ] {
        assert_eq!(at(&worker, path), expected, "{}", path.escape_ascii());
    }
}

#[test]
fn a_doubtful_path_falls_under_the_rules_but_opens_nothing() {
    for ambiguous in ["refuse", "literal"] {
        let worker = guarded(json!({"ambiguous_paths": ambiguous, "no_match": "pass"}));
        for path in DOUBTFUL {
            assert_eq!(at(&worker, path), "asked", "{}", path.escape_ascii());
        }
        for path in [&b"/elsewhere/%7Ea"[..], b"/%c0%ae/orders/1", b"/elsewhere%ef%bc%8f", b"/%2561"] {
            assert_eq!(at(&worker, path), "not_found", "{}", path.escape_ascii());
        }
        for path in [&b"/orders/open/a%20b%C3%A9%40"[..], b"/elsewhere/a%20b", b"/orders/open/100%25"] {
            assert_eq!(at(&worker, path), "passed", "{}", path.escape_ascii());
        }
    }
}

#[test]
fn an_escape_evades_no_rule_and_the_upstream_gets_it_as_it_came() {
    let operations = json!([{"match": {"paths": ["/~root/", "/jobs:run", "/caf%C3%A9/"]}, "scopes": {"all": ["x"]}}]);
    let worker = worker(&configuration(json!({"apis": [api(json!({"operations": operations}))]})));
    let first = worker.request(&[("authorization", "Bearer abc"), (":path", "/")]);
    worker.answer_json(worker.callout().id, r#"{"active":true,"client_id":"portal"}"#);
    assert!(worker.outcome(first).passed());
    worker.hang_up(first);
    for path in ["/~root/1", "/%7Eroot/1", "/%7e%72oot/", "/jobs:run", "/jobs%3Arun", "/caf%c3%a9/", "/caf%C3%A9/1"] {
        assert_eq!(at(&worker, path.as_bytes()), "insufficient_scope", "{path}");
    }
    for path in ["/%7Eother/%61", "/jobs%3Astop"] {
        let passed = worker.exchange(&[("authorization", "Bearer abc"), (":path", path)]);
        assert_eq!(passed.upstream().text(":path"), Some(path));
    }
}

#[test]
fn paths_are_compared_byte_by_byte_and_without_the_query() {
    let worker = guarded(json!({}));
    for (path, expected) in [
        ("/orders/", "asked"),
        ("/orders/1?x=/../..//;%zz", "asked"),
        ("/orders", "not_found"),
        ("/Orders/1", "not_found"),
        ("/ordersx/1", "not_found"),
        ("/elsewhere?/orders/", "not_found"),
        ("/orders/health", "passed"),
        ("/orders/health?a=b", "passed"),
        ("/orders/health/", "asked"),
        ("/orders/healthy", "asked"),
        ("/orders/Health", "asked"),
        ("/orders/open/x", "passed"),
        ("/orders/open", "asked"),
        ("/orders/a%20b", "asked"),
    ] {
        assert_eq!(at(&worker, path.as_bytes()), expected, "{path}");
    }
}

#[test]
fn the_first_api_and_the_first_operation_that_match_win() {
    let public = |matching: Value| json!([{"match": matching, "public": true}]);
    let worker = worker(&configuration(json!({"apis": [
        {"id": "one", "match": {"paths": ["/a/b/"]}},
        {"id": "two", "match": {"paths": ["/a/*"]}, "operations": public(json!({}))},
        {"id": "three", "match": {"paths": ["/c"]}, "operations": [
            {"match": {"methods": ["GET"]}, "scopes": {"all": ["x"]}},
            {"match": {"methods": ["GET", "HEAD"]}, "public": true},
        ]},
    ]})));
    for (method, path, expected) in [
        ("GET", "/a/b/c", "asked"),
        ("GET", "/a/b", "passed"),
        ("GET", "/a/c", "passed"),
        ("GET", "/c", "asked"),
        ("HEAD", "/c", "passed"),
        ("POST", "/c", "asked"),
        ("GET", "/c/", "not_found"),
    ] {
        let found = fate(&worker, &[(":method", method.as_bytes()), (":path", path.as_bytes())]);
        assert_eq!(found, expected, "{method} {path}");
    }
}

#[test]
fn a_method_that_differs_from_a_configured_one_by_its_case_is_refused() {
    let operations = json!([
        {"match": {"methods": ["POST"], "paths": ["/orders/"]}, "scopes": {"all": ["orders.write"]}},
        {"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true},
    ]);
    let apis =
        json!([{"id": "orders", "operations": operations}, {"id": "other", "match": {"hosts": ["b.example.com"]}}]);
    let worker = worker(&configuration(json!({"apis": apis, "no_match": "pass"})));
    for (method, host, path, expected) in [
        ("POST", "a.example.com", "/orders/1", "asked"),
        ("post", "a.example.com", "/orders/1", "invalid_request"),
        ("PosT", "a.example.com", "/elsewhere", "invalid_request"),
        ("post", "b.example.com", "/", "invalid_request"),
        ("get", "a.example.com", "/orders/health", "invalid_request"),
        ("po\u{17f}t", "a.example.com", "/orders/1", "invalid_request"),
        ("POST ", "a.example.com", "/orders/1", "invalid_request"),
        ("delete", "a.example.com", "/orders/1", "asked"),
        ("DELETE", "a.example.com", "/orders/1", "asked"),
    ] {
        let headers = [(":method", method.as_bytes()), (":authority", host.as_bytes()), (":path", path.as_bytes())];
        assert_eq!(fate(&worker, &headers), expected, "{method} {host}{path}");
    }
    let anything = self::worker(&configuration(json!({})));
    assert_eq!(fate(&anything, &[(":method", b"post")]), "asked", "no rule names a method");
}

#[test]
fn hosts_have_no_case_and_no_port() {
    let hosts = json!({"hosts": ["api.example.com", "*.example.org", "[::1]"]});
    let worker = worker(&configuration(json!({"apis": [api(json!({"match": hosts}))]})));
    for (host, expected) in [
        ("api.example.com", "asked"),
        ("API.Example.COM:8443", "asked"),
        ("a.example.org", "asked"),
        ("a.b.EXAMPLE.org:80", "asked"),
        ("[::1]:8080", "asked"),
        ("example.org", "not_found"),
        ("aexample.org", "not_found"),
        ("api.example.com.evil.example", "not_found"),
        ("evil.example", "not_found"),
        // What a server may read as another name, or has to refuse, is no name to decide on.
        (".example.org", "invalid_request"),
        ("api.example.com,evil.example", "invalid_request"),
        ("user@api.example.com", "invalid_request"),
        ("", "invalid_request"),
    ] {
        assert_eq!(fate(&worker, &[(":authority", host.as_bytes())]), expected, "{host}");
    }
}

#[test]
fn an_operation_inherits_what_it_does_not_name() {
    let worker = worker(&configuration(json!({
        "apis": [api(json!({
            "scopes": {"all": ["read"]},
            "operations": [
                {"match": {"paths": ["/contract"]}, "scopes": {"any": ["write", "admin"]}},
                {"match": {"paths": ["/scope"]}, "contract": "none"},
                {"match": {"paths": ["/nothing"]}, "scopes": {"all": ["read"]}, "contract": "none"},
            ],
        }))],
        "contracts": {"inline": []},
    })));
    let send = |path: &str| worker.request(&[("authorization", "Bearer abc"), (":path", path)]);
    let first = send("/");
    worker.answer_json(worker.callout().id, r#"{"active":true,"client_id":"nobody","scope":"read"}"#);
    assert_eq!(worker.outcome_property(first).as_deref(), Some("no_contract"));
    assert_eq!(worker.outcome_property(send("/contract")).as_deref(), Some("insufficient_scope"));
    for path in ["/scope", "/nothing"] {
        let stream = send(path);
        assert!(worker.outcome(stream).passed(), "{path}");
        worker.hang_up(stream);
    }
    assert_eq!(worker.sent_callouts().len(), 1);
}
