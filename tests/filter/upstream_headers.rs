//! What the upstream receives: trustworthy identity headers, and none that a client has made up.

use crate::caller::active;
use crate::configuration::{api, configuration};
use crate::host::{Headers, Worker};
use crate::worker;
use serde_json::{Value, json};

fn with_upstream(upstream: Value) -> Worker {
    let contracts = json!({"inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold", "name": "Portal"}]});
    let operations = json!([{"match": {"paths": ["/public"]}, "public": true}]);
    let api = json!({
        "id": "orders-v1", "upstream": upstream, "contract": "optional", "operations": operations,
        "match": {"paths": ["/orders/", "/public"]},
    });
    worker(&configuration(json!({"apis": [api], "contracts": contracts, "no_match": "pass"})))
}

/// What reaches the upstream of a request about whose token the server says this: cold, then known.
#[track_caller]
fn received(worker: &Worker, facts: Value, headers: &[(&str, &[u8])]) -> Headers {
    let mut lines = vec![("authorization", b"Bearer abc".as_slice()), (":path", b"/orders/1")];
    lines.extend_from_slice(headers);
    let stream = worker.request(&lines);
    worker.answer_json(worker.callout().id, &active(facts));
    let cold = worker.outcome(stream).upstream().clone();
    worker.hang_up(stream);
    assert_eq!(worker.exchange(&lines).upstream(), &cold, "a hit gives what a miss gave");
    cold
}

const SPOOFS: [(&str, &[u8]); 6] = [
    ("x-client-id", b"admin"),
    ("X-Client-Id", b"root"),
    ("X-CLIENT-ID", b"\xff"),
    ("x-sla-tier", b"platinum"),
    ("X-Sla-Tier", b""),
    ("x-agw-role", b"admin"),
];

#[test]
fn spoofed_headers_are_replaced_or_gone() {
    let worker = with_upstream(json!({"claims_prefix": "x-agw-"}));
    let found = received(&worker, json!({"client_id": "portal", "role": "user"}), &SPOOFS);
    assert_eq!(found.lines("x-client-id").collect::<Vec<_>>(), [b"portal"]);
    assert_eq!(found.lines("x-sla-tier").collect::<Vec<_>>(), [b"gold"]);
    assert_eq!(found.lines("x-agw-role").collect::<Vec<_>>(), [b"user"]);
}

#[test]
fn a_value_that_is_missing_leaves_no_header() {
    for facts in [json!({}), json!({"client_id": ""}), json!({"client_id": null, "role": null})] {
        let worker = with_upstream(json!({"claims_prefix": "x-agw-"}));
        let found = received(&worker, facts, &SPOOFS);
        for name in ["x-client-id", "x-sla-tier", "x-agw-role"] {
            assert_eq!(found.get(name), None, "{name}");
        }
    }
}

#[test]
fn no_spoofed_header_survives_where_no_token_is_looked_at() {
    let worker = with_upstream(json!({"claims_prefix": "x-agw-"}));
    for path in ["/public", "/elsewhere"] {
        let mut lines = SPOOFS.to_vec();
        lines.extend([(":path", path.as_bytes()), ("x-mine", b"1")]);
        let found = worker.exchange(&lines);
        for (name, _) in SPOOFS {
            assert_eq!(found.upstream().get(name), None, "{name} under {path}");
        }
        assert_eq!(found.upstream().text("x-mine"), Some("1"));
    }
}

#[test]
fn every_source_gives_its_value() {
    let headers = json!({
        "x-client": "client_id", "x-subject": "subject", "x-scope": "scope", "x-user": "username", "x-issuer": "issuer",
        "x-provider": "provider", "x-api": "api", "x-tier": "contract.tier", "x-contract": "contract.name",
        "x-org": "claim:/org/name", "x-roles": "claim:/roles", "x-level": "claim:/level", "x-beta": "claim:/beta",
        "x-second": "claim:/roles/1", "x-slash": "claim:/a~1b", "x-object": "claim:/org", "x-none": "claim:/none",
        "x-mixed": "claim:/mixed",
    });
    let worker = with_upstream(json!({"headers": headers}));
    let facts = json!({
        "client_id": "portal", "sub": "u7", "scope": ["orders.read", "orders.write"], "username": "jane doe",
        "iss": "https://idp.example.com", "org": {"name": "ACME"}, "roles": ["a", "b"], "level": 3.5, "beta": true,
        "a/b": "slashed", "mixed": ["a", 1, false],
    });
    let found = received(&worker, facts, &[("x-object", b"spoofed"), ("x-none", b"spoofed")]);
    for (name, expected) in [
        ("x-client", "portal"),
        ("x-subject", "u7"),
        ("x-scope", "orders.read orders.write"),
        ("x-user", "jane doe"),
        ("x-issuer", "https://idp.example.com"),
        ("x-provider", "main"),
        ("x-api", "orders-v1"),
        ("x-tier", "gold"),
        ("x-contract", "Portal"),
        ("x-org", "ACME"),
        ("x-roles", "a,b"),
        ("x-level", "3.5"),
        ("x-beta", "true"),
        ("x-second", "b"),
        ("x-slash", "slashed"),
        ("x-mixed", "a,1,false"),
    ] {
        assert_eq!(found.text(name), Some(expected), "{name}");
    }
    assert_eq!((found.get("x-object"), found.get("x-none")), (None, None));
}

#[test]
fn a_prefix_gives_every_scalar_member_under_a_legal_name() {
    let worker = with_upstream(json!({"headers": {}, "claims_prefix": "x-agw-"}));
    let facts = json!({
        "client_id": "portal", "Org Unit": "7", "n": 12_345_678_901_u64, "flag": false, "list": [1], "object": {}, "empty": "",
        "é": "x",
    });
    let found = received(&worker, facts, &[("x-agw-list", b"spoofed"), ("x-agw-", b"spoofed"), ("x-agw-zz", b"1")]);
    let mine: Vec<_> = found.pairs().filter(|(name, _)| name.starts_with("x-agw-")).collect();
    let mut expected: Vec<(&str, &[u8])> = vec![
        ("x-agw-active", b"true"),
        ("x-agw-client_id", b"portal"),
        ("x-agw-org-unit", b"7"),
        ("x-agw-n", b"12345678901"),
        ("x-agw-flag", b"false"),
        ("x-agw---", b"x"),
    ];
    let mut found = mine.clone();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn members_that_meet_in_one_header_are_no_two_identities() {
    let worker = with_upstream(json!({"headers": {"x-agw-org-id": "subject"}, "claims_prefix": "x-agw-"}));
    let facts = json!({
        "role": "user", "Role": "admin", "Level": 9, "LEVEL": 1, "group": ["a"], "GROUP": "b", "org_id": "7", "sub": "s",
        "org.id": "8",
    });
    let found = received(&worker, facts, &[]);
    let mine: Vec<_> = found.pairs().filter(|(name, _)| name.starts_with("x-agw-")).collect();
    let mut mine = mine.clone();
    mine.sort();
    let expected: [(&str, &[u8]); 4] =
        [("x-agw-active", b"true"), ("x-agw-org-id", b"s"), ("x-agw-role", b"user"), ("x-agw-sub", b"s")];
    assert_eq!(mine, expected);
}

#[test]
fn what_joins_a_list_is_encoded_within_it() {
    let worker = with_upstream(json!({"headers": {"x-scope": "scope", "x-groups": "claim:/groups"}}));
    let found = received(&worker, json!({"scope": ["a b", "c"], "groups": ["a,b", "50%"]}), &[]);
    assert_eq!((found.text("x-scope"), found.text("x-groups")), (Some("a%20b c"), Some("a%2Cb,50%25")));
}

#[test]
fn values_that_no_header_can_hold_are_percent_encoded() {
    for (name, expected) in [
        ("plain", "plain"),
        ("50%", "50%25"),
        ("%C3%A9", "%25C3%25A9"),
        ("José", "Jos%C3%A9"),
        ("a\r\nx-admin: 1", "a%0D%0Ax-admin: 1"),
        ("tab\there", "tab%09here"),
        (" padded ", "%20padded%20"),
        ("nul\0", "nul%00"),
    ] {
        let worker = with_upstream(json!({"headers": {"x-user": "username"}}));
        let found = received(&worker, json!({"username": name}), &[]);
        assert_eq!(found.text("x-user"), Some(expected));
        assert_eq!(found.get("x-admin"), None);
    }
}

#[test]
fn a_token_that_is_not_forwarded_is_gone_from_wherever_it_was() {
    let sources = json!([
        {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "access_token"},
        {"cookie": "at"},
    ]);
    let api = json!({
        "id": "orders-v1", "upstream": {"forward_token": false},
        "operations": [{"match": {"methods": ["OPTIONS"]}, "public": true}],
    });
    let worker = worker(&configuration(json!({"apis": [api], "token": {"sources": sources}})));
    let cold = worker.request(&[("authorization", "Bearer abc")]);
    worker.answer_json(worker.callout().id, &active(json!({})));
    assert_eq!(worker.outcome(cold).upstream().get("authorization"), None);
    worker.hang_up(cold);
    for (name, value, left) in [
        ("authorization", "bearer   abc", None),
        ("x-access-token", "abc", None),
        (":path", "/a?access_token=abc", Some("/a")),
        (":path", "/a?x=%2f&access_token=abc&y", Some("/a?x=%2f&y")),
        (":path", "/a?access%5ftoken=abc&y=1", Some("/a?y=1")),
        ("cookie", "at=abc", None),
        ("cookie", "a=1; at=abc;b=2", Some("a=1;b=2")),
        ("cookie", "a=\"x;y,z=1\"; at=abc", Some("a=\"x;y,z=1\"")),
        ("cookie", "seen=1,2,3; at=abc; b=\"x,y\"", Some("seen=1,2,3; b=\"x,y\"")),
    ] {
        let passed = worker.exchange(&[(name, value)]);
        assert_eq!(passed.upstream().text(name), left, "{name}: {value}");
        let public = worker.exchange(&[(":method", "OPTIONS"), (name, value)]);
        assert_eq!(public.upstream().text(name), left, "public, {name}: {value}");
    }
    let both = worker.exchange(&[("authorization", "Basic YTpi"), ("x-access-token", "abc")]);
    assert_eq!(both.upstream().text("authorization"), Some("Basic YTpi"), "no access token: it stays");
}

#[test]
fn a_hidden_token_is_gone_also_where_none_is_looked_for() {
    let sources = json!([
        {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "access_token"},
        {"query": "t"}, {"cookie": "at"}, {"cookie": "bt"},
    ]);
    let operations = json!([{"match": {"methods": ["OPTIONS"]}, "public": true}]);
    let api = json!({"id": "orders-v1", "upstream": {"forward_token": false}, "operations": operations});
    let worker = worker(&configuration(json!({"apis": [api], "token": {"sources": sources}})));
    for (lines, name, left) in [
        (&[("authorization", "Basic YTpi, Bearer abc")][..], "authorization", &[][..]),
        (&[("authorization", "Basic YTpi"), ("authorization", "bearer abc")], "authorization", &[]),
        (&[("authorization", "Basic YTpi")], "authorization", &["Basic YTpi"]),
        (&[("x-access-token", "a"), ("x-access-token", "b"), ("x_access_token", "c")], "x-access-token", &[]),
        (&[("x_access_token", "c"), ("x-access-token", "a")], "x_access_token", &[]),
        (&[(":path", "/?t=1&access_token=2&x=3")], ":path", &["/?x=3"]),
        (&[(":path", "/?x=1;access_token=2&y=3&t[]=4")], ":path", &["/?y=3"]),
        (&[(":path", "/?x=1&&y;z&")], ":path", &["/?x=1&&y;z&"]),
        (&[("cookie", "at=1; bt=2; c=3")], "cookie", &["c=3"]),
        (&[("cookie", "at=1"), ("cookie", "a=1"), ("cookie", "bt=1"), ("cookie", "b=1,2")], "cookie", &["a=1; b=1,2"]),
        (&[("cookie", "a=\"x, at=1, role=admin\"; b=2")], "cookie", &[]),
        (&[("cookie", "a=\"x; at=1; role=admin\"")], "cookie", &[]),
        (&[("cookie", "at =1; b=2")], "cookie", &[]),
    ] {
        let passed = worker.exchange(&[lines, &[(":method", "OPTIONS")]].concat());
        let found: Vec<_> =
            passed.upstream().lines(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        assert_eq!(found, left, "{lines:?}");
    }
}

#[test]
fn a_token_is_forwarded_as_it_came_by_default() {
    let worker = with_upstream(json!({}));
    let found = received(&worker, json!({}), &[("cookie", b"a=1"), ("x-access-token", b"theirs")]);
    assert_eq!(found.text("authorization"), Some("Bearer abc"));
    assert_eq!((found.text("cookie"), found.text("x-access-token")), (Some("a=1"), Some("theirs")));
}

#[test]
fn the_default_headers_are_client_and_tier() {
    let worker = worker(&configuration(json!({
        "apis": [api(json!({}))],
        "contracts": {"inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold"}]},
    })));
    let found = received(&worker, json!({"client_id": "portal"}), &[]);
    assert_eq!((found.text("x-client-id"), found.text("x-sla-tier")), (Some("portal"), Some("gold")));
}
