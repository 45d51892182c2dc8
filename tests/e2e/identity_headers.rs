//! What the upstream learns of the caller: what the token and the contract say, never what the caller says.

use serde_json::{Value, json};

use crate::harness::client::Request;
use crate::harness::gateway::{Gateway, provider, with};
use crate::harness::refusal::assert_refused;
use crate::harness::upstream::Received;

const IDENTITY: [&str; 12] = [
    "x-id-client",
    "x-id-subject",
    "x-id-scope",
    "x-id-username",
    "x-id-issuer",
    "x-id-provider",
    "x-id-api",
    "x-id-tier",
    "x-id-contract",
    "x-id-tenant",
    "x-id-groups",
    "x-id-first",
];

fn configuration() -> Value {
    let headers = json!({
        "x-id-client": "client_id",
        "x-id-subject": "subject",
        "x-id-scope": "scope",
        "x-id-username": "username",
        "x-id-issuer": "issuer",
        "x-id-provider": "provider",
        "x-id-api": "api",
        "x-id-tier": "contract.tier",
        "x-id-contract": "contract.name",
        "x-id-tenant": "claim:/ext/te~1nant",
        "x-id-groups": "claim:/groups",
        "x-id-first": "claim:/list/0/a",
    });
    json!({
        "providers": [provider("main", json!({}))],
        "apis": [{
            "id": "orders-v1",
            "match": {"paths": ["/orders/", "/public"]},
            "contract": "optional",
            "operations": [{"match": {"paths": ["/public"]}, "public": true}],
            "upstream": {"headers": headers, "claims_prefix": "x-agw-"},
        }],
        "no_match": "pass",
        "contracts": {"inline": [
            {"api": "orders-v1", "client_id": "portal", "tier": "gold", "name": "Kündenportal, 100 %"},
        ]},
    })
}

/// A request on which a caller claims to be anybody, in every way that names can be written.
fn spoofed(target: &str) -> Request {
    let claims = IDENTITY.iter().chain(&["x-agw-client_id", "x-agw-admin", "x-agw-", "x-agw-sub"]);
    claims.fold(Request::get(target), |request, name| {
        let odd: String =
            name.chars().enumerate().map(|(at, c)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect();
        request.header(name, "spoofed").header(&odd, "spoofed again").header(&name.to_uppercase(), "")
    })
}

#[track_caller]
fn assert_unspoofed(received: &Received) {
    for (name, value) in &received.headers.0 {
        let ours = name.to_ascii_lowercase().starts_with("x-id-") || name.to_ascii_lowercase().starts_with("x-agw-");
        assert!(!ours || !value.is_empty() && !value.starts_with(b"spoofed"), "{name}: {}", value.escape_ascii());
    }
}

#[test]
fn the_upstream_learns_what_the_token_and_the_contract_say() {
    let gateway = Gateway::start(configuration());
    for check in [
        claimed_identities_reach_no_upstream_on_any_way_through,
        a_name_with_underscores_is_the_same_name,
        every_source_has_its_value,
        hostile_values_stay_within_their_header,
        a_client_without_a_contract_has_no_tier,
    ] {
        check(&gateway);
    }
    gateway.envoy.assert_no_vm_reload();
}

fn claimed_identities_reach_no_upstream_on_any_way_through(gateway: &Gateway) {
    let token = gateway.token(json!({"client_id": "portal"}));
    for request in [spoofed("/public"), spoofed("/public").bearer(&token), spoofed("/elsewhere").bearer(&token)] {
        let received = gateway.receive(&request);
        assert_unspoofed(&received);
        assert!(!received.headers.0.iter().any(|(name, _)| name.starts_with("x-id-") || name.starts_with("x-agw-")));
    }
    // On a miss and on a hit alike.
    for _ in 0..2 {
        let received = gateway.receive(&spoofed("/orders/1").bearer(&token));
        assert_unspoofed(&received);
        assert_eq!(received.headers.only("x-id-client"), Some("portal"));
        assert_eq!(received.headers.only("x-agw-client_id"), Some("portal"));
        for absent in ["x-id-subject", "x-id-scope", "x-id-groups", "x-agw-admin", "x-agw-sub"] {
            assert_eq!(received.headers.only(absent), None, "{absent}");
        }
    }
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn the_default_headers_are_guarded_too() {
    let gateway = Gateway::start(json!({"providers": [provider("main", json!({}))], "apis": [{"id": "all"}]}));
    let token = gateway.token(json!({"sub": "nobody's client"}));
    let request = Request::get("/").bearer(&token).header("x-client-id", "a").header("X-Client-ID", "b");
    let received = gateway.receive(&request.header("X-SLA-Tier", "gold").header("x-sla-tier", "platinum"));
    assert!(received.headers.all("x-client-id").is_empty() && received.headers.all("x-sla-tier").is_empty());
}

/// Envoy passes a header whose name has underscores, and CGI, WSGI and others read it as the one with hyphens.
fn a_name_with_underscores_is_the_same_name(gateway: &Gateway) {
    let token = gateway.token(json!({"client_id": "portal"}));
    let received = gateway.receive(&Request::get("/orders/1").bearer(&token).header("x_id_client", "spoofed"));
    assert_eq!(received.headers.only("x-id-client"), Some("portal"));
    assert_eq!(received.headers.only("x_id_client"), None);
}

fn every_source_has_its_value(gateway: &Gateway) {
    let token = gateway.token(json!({
        "client_id": "portal",
        "sub": "user-7",
        "scope": "orders.read orders.write",
        "username": "José Größe\r\nx-admin: 1",
        "iss": "https://idp.example.com",
        "ext": {"te/nant": 7},
        "groups": ["a", "b", 3, true],
        "list": [{"a": "first"}],
        "level": 2.5,
        "admin": false,
        "odd Name\u{e9}": "x",
        "nothing": null,
        "deep": {"a": 1},
        "empty": "",
    }));
    for _ in 0..2 {
        let received = gateway.receive(&Request::get("/orders/1").bearer(&token));
        for (name, value) in [
            ("x-id-client", "portal"),
            ("x-id-subject", "user-7"),
            ("x-id-scope", "orders.read orders.write"),
            ("x-id-username", "Jos%C3%A9 Gr%C3%B6%C3%9Fe%0D%0Ax-admin: 1"),
            ("x-id-issuer", "https://idp.example.com"),
            ("x-id-provider", "main"),
            ("x-id-api", "orders-v1"),
            ("x-id-tier", "gold"),
            ("x-id-contract", "K%C3%BCndenportal, 100 %25"),
            ("x-id-tenant", "7"),
            ("x-id-groups", "a,b,3,true"),
            ("x-id-first", "first"),
            ("x-agw-active", "true"),
            ("x-agw-client_id", "portal"),
            ("x-agw-sub", "user-7"),
            ("x-agw-level", "2.5"),
            ("x-agw-admin", "false"),
            ("x-agw-odd-name--", "x"),
        ] {
            assert_eq!(received.headers.only(name), Some(value), "{name}");
        }
        for absent in ["x-agw-nothing", "x-agw-deep", "x-agw-groups", "x-agw-empty", "x-admin"] {
            assert_eq!(received.headers.only(absent), None, "{absent}");
        }
    }
    gateway.envoy.assert_no_vm_reload();
}

fn hostile_values_stay_within_their_header(gateway: &Gateway) {
    for subject in
        ["\0", "\u{7f}", "\n", "\r\n\r\nGET / HTTP/1.1", " ", "\u{feff}", "\t", "%0d%0a", "50%", &"y".repeat(20_000)]
    {
        let token = gateway.token(json!({"client_id": "portal", "sub": subject}));
        let received = gateway.receive(&Request::get("/orders/1").bearer(&token));
        let value = received.headers.only("x-id-subject").unwrap();
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(value).collect();
        assert_eq!(decoded, subject.as_bytes(), "{value:?} for {subject:?}");
        assert_eq!(received.headers.all("x-id-client"), [b"portal"]);
    }
    gateway.envoy.assert_no_vm_reload();
}

fn a_client_without_a_contract_has_no_tier(gateway: &Gateway) {
    let token = gateway.token(json!({"client_id": "unknown"}));
    let received = gateway.receive(&Request::get("/orders/1").bearer(&token).header("x-id-tier", "gold"));
    assert_eq!(received.headers.only("x-id-client"), Some("unknown"));
    assert_eq!(received.headers.only("x-id-tier"), None);
    assert_eq!(received.headers.only("x-id-contract"), None);
}

fn with_sources(forward_token: bool) -> Value {
    let mut configuration = configuration();
    configuration["apis"][0]["upstream"] = json!({"forward_token": forward_token});
    with(
        configuration,
        json!({"token": {"sources": [
            {"header": "authorization", "scheme": "Bearer"},
            {"header": "x-access-token"},
            {"query": "access_token"},
            {"cookie": "at"},
        ]}}),
    )
}

#[test]
fn the_credential_is_removed_from_where_it_was_and_nothing_else_is() {
    let gateway = Gateway::start(with_sources(false));
    let token = gateway.token(json!({"client_id": "portal"}));
    let others = |request: Request| request.header("x-other", "kept");
    for (request, target, cookie) in [
        (
            Request::get("/orders/1?a=%2F&b").header("Authorization", format!("bEARER  {token}")),
            "/orders/1?a=%2F&b",
            None,
        ),
        (Request::get("/orders/1").header("X-Access-Token", &token), "/orders/1", None),
        (Request::get(&format!("/orders/1?access_token={token}")), "/orders/1", None),
        (Request::get(&format!("/orders/1?a=%41+b&access%5Ftoken={token}&c")), "/orders/1?a=%41+b&c", None),
        (Request::get("/orders/1").header("cookie", format!("at={token}")), "/orders/1", None),
        (
            Request::get("/orders/1").header("cookie", format!("a=1; at={token}; b=\"2\"")),
            "/orders/1",
            Some("a=1; b=\"2\""),
        ),
    ] {
        // The first asks, the second is known: both ways end the same.
        for _ in 0..2 {
            let received = gateway.receive(&others(request.clone()));
            let shown = format!("{} {:?}", received.target, received.headers);
            assert!(!shown.contains(&token), "{shown}");
            assert_eq!(received.target, target);
            assert_eq!(received.headers.only("cookie"), cookie);
            assert_eq!(received.headers.only("authorization"), None);
            assert_eq!(received.headers.only("x-other"), Some("kept"));
            assert_eq!(received.headers.only("x-client-id"), Some("portal"));
        }
    }
    // A public operation's upstream has no use for it either.
    let received = gateway.receive(&Request::get(&format!("/public?access_token={token}&a")).bearer(&token));
    assert_eq!((received.target.as_str(), received.headers.only("authorization")), ("/public?a", None));
    // What is no token of ours is not ours to remove.
    let basic =
        Request::get("/orders/1").header("authorization", "Basic Zm9vOmJhcg==").header("x-access-token", &token);
    assert_eq!(gateway.receive(&basic).headers.only("authorization"), Some("Basic Zm9vOmJhcg=="));
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn cookies_on_several_lines_lose_the_credential_and_nothing_else() {
    let gateway = Gateway::start(with_sources(false));
    let token = gateway.token(json!({"client_id": "portal"}));
    let request = Request::get("/orders/1").header("cookie", "a=1").header("cookie", format!("at={token}; b=2"));
    let received = gateway.receive(&request);
    assert_eq!(received.headers.only("cookie"), Some("a=1; b=2"));
}

#[test]
fn the_credential_is_forwarded_unless_told_otherwise() {
    let gateway = Gateway::start(with_sources(true));
    let token = gateway.token(json!({"client_id": "portal"}));
    let bearer = format!("Bearer {token}");
    let received = gateway.receive(&Request::get("/orders/1").header("authorization", &bearer));
    assert_eq!(received.headers.only("authorization"), Some(bearer.as_str()));
    let target = format!("/orders/1?access_token={token}");
    assert_eq!(gateway.receive(&Request::get(&target)).target, target);
    let cookie = format!("at={token}");
    let received = gateway.receive(&Request::get("/orders/1").header("cookie", &cookie));
    assert_eq!(received.headers.only("cookie"), Some(cookie.as_str()));
    assert_refused(&gateway.send(&Request::get("/orders/1")), "missing_token");
}
