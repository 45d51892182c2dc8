//! What the hostile requests meet: several APIs, each with identity headers of its own, and tokens of every kind.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::envoy::Envoy;
use crate::harness::gateway::introspection;
use crate::harness::recorder::Recorder;
use crate::harness::secrecy;

/// What differs between the scenes.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub unmatched_pass: bool,
    pub ambiguous_are_literal: bool,
    /// Envoy's option for pauses on headers.
    pub stop_iteration: bool,
}

pub struct Scene {
    pub envoy: Envoy,
    pub upstream: Recorder,
    pub tokens: Vec<Token>,
    _server: AuthorizationServer,
}

pub struct Token {
    pub text: String,
    /// What the server says of it; `None` when it says nothing usable.
    pub facts: Option<Value>,
}

pub const MAIN: &str = "https://main.example.com";
pub const SECOND: &str = "https://second.example.com";

fn configuration(policy: Policy) -> Value {
    let provider = |name: &str, issuer: &str, audiences: &[&str]| {
        let introspection = introspection(name, json!({"timeout": "60s"}));
        json!({"name": name, "issuer": issuer, "introspection": introspection, "audiences": audiences})
    };
    json!({
        "providers": [provider("main", MAIN, &["api"]), provider("second", SECOND, &[])],
        "apis": [
            {
                "id": "orders",
                "match": {"hosts": ["api.example.com"], "paths": ["/orders/"]},
                "scopes": {"all": ["orders.read"]},
                "operations": [
                    {"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true},
                    {"match": {"methods": ["POST", "DELETE"]}, "scopes": {"all": ["orders.write"]}},
                    {"match": {"paths": ["/orders/admin/"]}, "scopes": {"any": ["admin", "root"]}, "max_age": "1s"},
                ],
                "upstream": {"headers": {
                    "x-client-id": "client_id", "x-sla-tier": "contract.tier", "x-scope": "scope",
                }},
            },
            {
                "id": "users",
                "match": {"hosts": ["api.example.com", "*.example.org"], "paths": ["/users/"]},
                "providers": ["second"],
                "contract": "none",
                "operations": [{"match": {"paths": ["/users/public/"]}, "public": true}],
                "upstream": {
                    "headers": {"x-user": "subject", "x-tenant": "claim:/ext/tenant", "x-provider": "provider"},
                    "claims_prefix": "x-agw-",
                    "forward_token": false,
                },
            },
            {
                "id": "files",
                "match": {"paths": ["/files/", "/~files/"]},
                "contract": "optional",
                "operations": [{"match": {"methods": ["PUT", "PATCH"]}, "scopes": {"any": ["orders.write"]}}],
                "upstream": {"headers": {"x-files-client": "client_id", "x-files-tier": "contract.tier"}},
            },
            {
                "id": "open",
                "match": {"paths": ["/open/"]},
                "contract": "none",
                "token": "optional",
                "operations": [
                    {"match": {"paths": ["/open/staff/"]}, "token": "required", "claims": {"/role": ["reader", 1]}},
                ],
                "upstream": {"headers": {"x-open-client": "client_id"}},
            },
        ],
        "no_match": if policy.unmatched_pass { "pass" } else { "refuse" },
        "ambiguous_paths": if policy.ambiguous_are_literal { "literal" } else { "refuse" },
        "token": {"sources": [
            {"header": "authorization", "scheme": "Bearer"},
            {"header": "x-access-token"},
            {"query": "access_token"},
            {"cookie": "at"},
        ]},
        "contracts": {"inline": [
            {"api": "orders", "client_id": "portal", "tier": "gold"},
            {"api": "orders", "client_id": "partner", "tier": "silver", "provider": "second"},
            {"api": "orders", "client_id": "mobile", "status": "suspended"},
            {"api": "files", "client_id": "portal", "tier": "50 %"},
        ]},
        // So short that requests keep meeting tokens that have to be asked about.
        "cache": {"max_ttl": "300ms", "negative_ttl": "300ms"},
    })
}

impl Scene {
    pub fn start(policy: Policy) -> Self {
        let (server, upstream) = (AuthorizationServer::start(), Recorder::of_requests());
        let builder = Envoy::builder().plugin(configuration(policy)).route_to(upstream.port()).quiet();
        let builder = builder.cluster("main", server.port()).cluster("second", server.port());
        let builder = builder.trailers().any_number_of_requests().most_connections("upstream", 64);
        let builder = builder.connection_manager_has(json!({
            "http2_protocol_options": {"override_stream_error_on_invalid_http_message": true},
        }));
        let builder = if policy.stop_iteration { builder.allow_on_headers_stop_iteration() } else { builder };
        let tokens = tokens();
        for token in &tokens {
            let answer = token.facts.clone().map_or(Answer::status(403), Answer::json);
            server.answer_for(&token.text, answer);
        }
        Self { envoy: builder.start(), upstream, tokens, _server: server }
    }
}

/// The first four are good somewhere.
fn tokens() -> Vec<Token> {
    let portal = |further: Value| {
        let facts = json!({"active": true, "client_id": "portal", "aud": "api", "scope": "orders.read"});
        crate::harness::gateway::with(facts, further)
    };
    let opaque = |facts: Option<Value>| Token { text: secrecy::secret("token"), facts };
    let claims = json!({
        "active": true,
        "iss": SECOND,
        "client_id": "partner",
        "aud": ["api"],
        "scope": "orders.read admin",
        "sub": "Jos\u{e9} 100%\r\nx-user: root",
        "ext": {"tenant": "t 1"},
        "role": "reader",
        "Role": "admin",
        "a b": "one",
        "a?b": "two",
        "level": 2.5,
        "staff": false,
        "nothing": null,
        "empty": "",
        "list": ["not", "scalar"],
    });
    // The server's answer decides; that this one is a JWT says whom to ask.
    let payload = URL_SAFE_NO_PAD.encode(json!({"iss": SECOND, "jti": secrecy::secret("jwt")}).to_string());
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
    let jwt = Token { text: format!("{header}.{payload}.c2ln"), facts: Some(claims) };
    secrecy::register(&jwt.text);
    vec![
        opaque(Some(portal(json!({})))),
        opaque(Some(portal(json!({"scope": "orders.read orders.write admin", "sub": "user-7"})))),
        jwt,
        opaque(Some(json!({"active": true, "sub": "nobody's client", "iss": SECOND, "X_Admin": "1"}))),
        opaque(Some(portal(json!({"client_id": "mobile"})))),
        opaque(Some(portal(json!({"exp": 1_000_000})))),
        opaque(Some(portal(json!({"nbf": 100_000_000_000_u64})))),
        opaque(Some(portal(json!({"active": false})))),
        opaque(Some(portal(json!({"aud": "other"})))),
        opaque(Some(portal(json!({"cnf": {"jkt": "x"}})))),
        opaque(Some(portal(json!({"token_use": "refresh_token"})))),
        opaque(Some(portal(json!({"iss": "https://evil.example.com"})))),
        opaque(None),
    ]
}
