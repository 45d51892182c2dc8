//! A configuration that uses every option there is.

use super::{accepted, problems};
use crate::contract::settings::BeforeFirstLoad;
use crate::policy::api::Access;
use crate::policy::rule::ContractRule;
use crate::policy::selection::{Selection, Target};
use crate::policy::upstream::IdentitySource as Identity;
use crate::provider::client_auth::{BasicEncoding, ClientAuth};
use crate::token::bearer::Bearer;
use crate::token::extract::TokenSource;
use serde_json::{Value, json};
use std::time::Duration;

#[allow(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn full() -> Value {
    json!({
        "providers": [{
            "name": "main",
            "issuer": "https://idp.example.com",
            "introspection": {
                "endpoint": "https://idp.example.com/oauth2/introspect",
                "cluster": "idp",
                "timeout": "3s",
                "retries": 2,
                "client": {
                    "id": "gateway",
                    "auth": "client_secret_basic",
                    "secret": {"env": "IDP_CLIENT_SECRET"},
                    "basic_encoding": "raw"
                },
                "parameters": {"token_type_hint": "access_token", "realm": "a"},
                "headers": {"X-Tenant": "seven", "x-key": {"env": "IDP_CLIENT_SECRET"}}
            },
            "audiences": ["https://api.example.com"],
            "clock_skew": "20s",
            "proof_of_possession": "ignore",
            "claims": {"client_id": ["azp"], "scope": ["scp"]}
        }],
        "apis": [{
            "id": "orders-v1",
            "match": {"hosts": ["api.example.com", "*.example.org"], "paths": ["/orders/"]},
            "providers": ["main"],
            "scopes": {"all": ["orders.read"]},
            "contract": "required",
            "operations": [
                {"match": {"methods": ["POST", "DELETE"], "paths": ["/orders/"]}, "scopes": {"any": ["orders.write", "a"]}},
                {"match": {"methods": ["GET"], "paths": ["/orders/health"]}, "public": true},
                {"match": {"paths": ["/orders/admin/"]}, "max_age": "30s", "contract": "optional"}
            ],
            "upstream": {
                "headers": {"x-client-id": "client_id", "x-name": "contract.name", "x-org": "claim:/org/name"},
                "claims_prefix": "x-agw-",
                "forward_token": false,
                "rematch_route": true
            }
        }],
        "no_match": "refuse",
        "ambiguous_paths": "refuse",
        "token": {
            "sources": [
                {"header": "Authorization", "scheme": "Bearer"}, {"header": "x-access-token"},
                {"query": "access_token"}, {"cookie": "at"}
            ],
            "max_length": 4096
        },
        "contracts": {
            "inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold", "provider": "main",
                        "status": "active", "name": "Portal", "not_before": "2026-01-01T00:00:00Z",
                        "expires_at": "2027-01-01T00:00:00Z"}],
            "source": {"url": "https://contracts.internal/v1/contracts", "cluster": "contracts", "refresh": "10s",
                       "full_reload": "7d", "timeout": "4s", "headers": {"authorization": {"env": "CONTRACTS_AUTH"}}},
            "max_staleness": "0s",
            "before_first_load": "inline"
        },
        "cache": {"entries": 5, "max_ttl": "1m", "negative_ttl": "0s", "stale_if_error": "1h", "refresh_ahead": false,
                  "cache_control": "respect"},
        "replies": {"realm": "orders", "resource_metadata": "https://r.example.com/.well-known", "retry_after": "7s"}
    })
}

#[test]
fn the_provider_is_asked_as_configured() {
    let settings = accepted(&full());
    let provider = &settings.providers[0];
    let introspection = provider.introspection.as_ref().unwrap();
    let endpoint = introspection.endpoint().unwrap();
    assert_eq!((endpoint.url.authority(), endpoint.url.path()), ("idp.example.com", "/oauth2/introspect"));
    assert_eq!((&*endpoint.cluster, introspection.timeout, introspection.retries), ("idp", Duration::from_secs(3), 2));
    let ClientAuth::Basic { id, secret, encoding } = &introspection.client else {
        panic!("{:?}", introspection.client)
    };
    assert_eq!((&**id, secret.expose(), *encoding), ("gateway", "from the environment", BasicEncoding::Raw));
    let call = endpoint.call(&Bearer::parse(b"t").unwrap(), introspection.timeout, None);
    for (name, value) in [("x-tenant", "seven"), ("x-key", "from the environment"), (":path", "/oauth2/introspect")] {
        assert!(call.headers.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    let mut form: Vec<_> = form_urlencoded::parse(&call.body).map(|(name, value)| format!("{name}={value}")).collect();
    form.sort();
    assert_eq!(form, ["realm=a", "token=t", "token_type_hint=access_token"]);
    assert_eq!(provider.checks.issuer.as_deref(), Some("https://idp.example.com"));
    assert_eq!(provider.checks.audiences, ["https://api.example.com".into()]);
    assert_eq!(provider.checks.clock_skew, Duration::from_secs(20));
    assert!(provider.checks.ignore_key_binding);
    assert_eq!((&*provider.claims.client_id, &*provider.claims.scope), (&["azp".into()][..], &["scp".into()][..]));
    assert_eq!(provider.claims.pointers, ["/org/name".into()], "what headers need is kept of answers");
    assert!(provider.claims.all_scalars);
}

#[test]
fn the_api_is_guarded_as_configured() {
    let settings = accepted(&full());
    let api = &settings.policy.apis()[0];
    assert_eq!(&*api.id, "orders-v1");
    assert_eq!(api.choices.iter().map(|choice| &*choice.provider.name).collect::<Vec<_>>(), ["main"]);
    assert_eq!((api.rule.scopes.wanted().as_str(), api.rule.contract), ("orders.read", ContractRule::Required));
    let [write, health, admin] = &api.operations[..] else { panic!() };
    let (Access::Guarded(write), Access::Public, Access::Guarded(admin)) =
        (&write.access, &health.access, &admin.access)
    else {
        panic!()
    };
    assert_eq!((write.scopes.wanted().as_str(), write.contract), ("orders.write a", ContractRule::Required));
    assert_eq!((admin.scopes.wanted().as_str(), admin.contract), ("orders.read", ContractRule::Optional));
    assert_eq!((write.max_age, admin.max_age), (None, Some(Duration::from_secs(30))));
    let select = |method: &str, authority: &str, path: &str| {
        settings.policy.select(Target {
            method: method.as_bytes(),
            authority: authority.as_bytes(),
            path: path.as_bytes(),
        })
    };
    assert!(
        matches!(select("GET", "api.example.com", "/orders/health"), Selection::Public(found) if found.id == api.id)
    );
    assert!(matches!(select("GET", "a.example.org:8080", "/orders/1"), Selection::Guarded(_)));
    assert!(matches!(select("GET", "example.org", "/orders/1"), Selection::Unknown));
    let upstream = &api.upstream;
    assert_eq!(
        upstream.headers,
        [
            ("x-client-id".into(), Identity::ClientId),
            ("x-name".into(), Identity::ContractName),
            ("x-org".into(), Identity::Claim("/org/name".into())),
        ]
    );
    assert_eq!((upstream.claims_prefix.as_deref(), upstream.forward_token), (Some("x-agw-"), false));
    assert!(upstream.rematch_route);
}

#[test]
fn the_rest_is_as_configured() {
    let settings = accepted(&full());
    assert_eq!(settings.token.max_length, 4096);
    assert_eq!(
        settings.token.sources,
        [
            TokenSource::Header { name: "authorization".into(), schemes: vec!["Bearer".into()] },
            TokenSource::Header { name: "x-access-token".into(), schemes: Vec::new() },
            TokenSource::Query("access_token".into()),
            TokenSource::Cookie("at".into()),
        ]
    );
    let contracts = &settings.contracts;
    assert_eq!(contracts.inline[0].contract.tier.as_deref(), Some("gold"));
    assert_eq!(contracts.inline[0].identity.provider.as_deref(), Some("main"));
    let source = contracts.source.as_ref().unwrap();
    assert_eq!((source.refresh, source.timeout), (Duration::from_secs(10), Duration::from_secs(4)));
    assert_eq!(source.full_reload, Duration::from_secs(7 * 86_400));
    assert_eq!(source.headers[0].1.expose(), "Bearer contracts");
    assert_eq!((contracts.max_staleness, contracts.before_first_load), (None, BeforeFirstLoad::Inline));
    let cache = &settings.cache;
    assert_eq!((cache.entries, cache.refresh_ahead, cache.respect_cache_control), (5, false, true));
    assert_eq!((cache.max_ttl, cache.negative_ttl), (Duration::from_secs(60), Duration::ZERO));
    assert_eq!(cache.stale_if_error, Duration::from_secs(3600));
    assert_eq!(settings.replies.realm.as_deref(), Some("orders"));
    assert_eq!(settings.replies.resource_metadata.as_deref(), Some("https://r.example.com/.well-known"));
    assert_eq!(settings.replies.retry_after, Duration::from_secs(7));
}

#[test]
fn an_unknown_member_is_refused_wherever_it_stands() {
    let mut objects = Vec::new();
    collect_objects(&full(), String::new(), String::new(), &mut objects);
    assert!(objects.len() > 20, "{objects:?}");
    for (pointer, path) in objects {
        let mut configuration = full();
        configuration.pointer_mut(&pointer).unwrap()["surprise"] = json!({});
        // What stands in the place of a secret is not repeated.
        let is_secret = path.ends_with(".secret") || path.contains(".headers.");
        let name = if is_secret { "…" } else { "surprise" };
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let lines = problems(&configuration);
        // Members of these objects are the user's own: what is wrong there is the value.
        let free = ["parameters.surprise", "headers.surprise"].iter().any(|end| path.ends_with(end));
        let expected = if free { path.clone() } else { format!("{path}: is not known here; known are ") };
        let [line] = &lines[..] else { panic!("{path}: {lines:?}") };
        assert!(line.starts_with(&expected), "{path}: {line}");
    }
}

/// JSON pointer and JSON path of each object in `value`.
fn collect_objects(value: &Value, pointer: String, path: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            found.push((pointer.clone(), path.clone()));
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect_objects(value, format!("{pointer}/{name}"), path, found);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                collect_objects(value, format!("{pointer}/{index}"), format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_value_of_another_type_is_refused_wherever_it_stands() {
    let mut places = Vec::new();
    collect_places(&full(), String::new(), &mut places);
    for pointer in places {
        for wrong in [json!(1.5), json!({"a": 1}), json!([[]]), json!("\u{1}")] {
            let mut configuration = full();
            *configuration.pointer_mut(&pointer).unwrap() = wrong.clone();
            // Texts of free form take any string.
            let free = ["/id", "/cluster", "/secret", "/issuer", "/realm", "/tier", "/name", "/query", "/client_id/0"]
                .iter()
                .any(|end| pointer.ends_with(end))
                || pointer.contains("/claims/")
                || pointer.contains("audiences")
                || pointer.contains("parameters/")
                || pointer.ends_with("client_id");
            if wrong.is_string() && free {
                continue;
            }
            let refused = super::read(&configuration);
            assert!(refused.is_err(), "{pointer} = {wrong}");
            assert!(!refused.unwrap_err().is_empty());
        }
    }
}

/// JSON pointer of each value in `value` but the outermost.
fn collect_places(value: &Value, pointer: String, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, child) in children {
        let pointer = format!("{pointer}/{name}");
        found.push(pointer.clone());
        collect_places(child, pointer, found);
    }
}
