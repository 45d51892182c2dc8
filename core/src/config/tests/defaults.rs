//! What holds where a configuration is silent.

use super::{accepted, smallest, with};
use crate::base::http::HttpUrl;
use crate::cache;
use crate::policy::rule::{ContractRule, TokenRule};
use crate::policy::selection::{AmbiguousPaths, Policy, Selection, Target};
use crate::policy::upstream::IdentitySource;
use crate::provider::client_auth::{BasicEncoding, ClientAuth};
use crate::token::claims::ClaimNames;
use crate::token::extract::{self, TokenSource};
use serde_json::json;
use std::time::Duration;

#[test]
fn providers() {
    let settings = accepted(&smallest());
    let provider = &settings.providers[0];
    let introspection = provider.introspection.as_deref().unwrap();
    assert_eq!(introspection.timeout, Duration::from_secs(2));
    assert_eq!(introspection.retries, 1);
    assert_eq!(introspection.parameters, [("token_type_hint".into(), "access_token".into())]);
    assert_eq!(introspection.headers, []);
    assert!(matches!(&introspection.client, ClientAuth::Basic { encoding: BasicEncoding::Form, .. }));
    assert_eq!(provider.checks.issuer, None);
    assert!(provider.checks.audiences.is_empty());
    assert_eq!(provider.checks.clock_skew, Duration::from_secs(10));
    assert!(!provider.checks.ignore_key_binding);
    let names = |list: &[&str]| list.iter().map(|name| Box::from(*name)).collect();
    assert_eq!(
        provider.claims,
        ClaimNames {
            client_id: names(&["client_id", "azp", "appid", "cid"]),
            scope: names(&["scope", "scp"]),
            pointers: Vec::new(),
            all_scalars: false,
            asked: Vec::new(),
            keeps_presence: false,
            keeps_answer: false,
        }
    );
}

#[test]
fn apis() {
    let settings = accepted(&smallest());
    let api = &settings.policy.apis()[0];
    assert!(!api.reads_authority() && !api.reads_path() && api.operations.is_empty());
    assert_eq!(api.choices.iter().map(|choice| &*choice.provider.name).collect::<Vec<_>>(), ["main"]);
    assert_eq!(
        (api.rule.scopes.wanted().as_str(), api.rule.contract, api.rule.max_age),
        ("", ContractRule::None, None)
    );
    assert_eq!((api.rule.token, api.rule.claims.len()), (TokenRule::Required, 0));
    let upstream = &api.upstream;
    assert_eq!(
        upstream.headers,
        [("x-client-id".into(), IdentitySource::ClientId), ("x-sla-tier".into(), IdentitySource::ContractTier)]
    );
    assert_eq!((upstream.claims_prefix.as_deref(), upstream.forward_token), (None, true));
    assert!(!upstream.rematch_route);
}

#[test]
fn a_contract_is_required_once_there_are_any() {
    let settings = accepted(&with(smallest(), "/contracts", json!({"inline": []})));
    assert_eq!(settings.policy.apis()[0].rule.contract, ContractRule::Required);
}

#[test]
fn everything_else() {
    let settings = accepted(&smallest());
    let bearer = TokenSource::Header { name: "authorization".into(), schemes: vec!["Bearer".into(), "DPoP".into()] };
    assert_eq!(settings.token, extract::TokenSettings { sources: vec![bearer], max_length: 8192 });
    assert_eq!(
        settings.cache,
        cache::CacheSettings {
            entries: 10_000,
            max_ttl: Duration::from_secs(300),
            negative_ttl: Duration::from_secs(10),
            stale_if_error: Duration::ZERO,
            refresh_ahead: true,
            respect_cache_control: false,
        }
    );
    assert_eq!((settings.replies.realm.as_deref(), settings.replies.resource_metadata.as_deref()), (None, None));
    assert_eq!(settings.replies.retry_after, Duration::from_secs(5));
    assert!(settings.contracts.inline.is_empty() && settings.contracts.source.is_none());
    // An empty object says the same as none.
    for section in ["token", "cache", "replies"] {
        let settings = accepted(&with(smallest(), &format!("/{section}"), json!({})));
        assert_eq!((settings.token.max_length, settings.cache.entries), (8192, 10_000));
        assert_eq!(settings.replies.retry_after, Duration::from_secs(5));
    }
}

#[test]
fn requests_outside_every_api_and_ambiguous_paths_are_refused() {
    let select =
        |policy: &Policy, path: &str| policy.select(Target { method: b"GET", authority: b"h", path: path.as_bytes() });
    let configuration = with(smallest(), "/apis/0/match", json!({"paths": ["/orders/"]}));
    let policy = accepted(&configuration).policy;
    assert!(matches!(select(&policy, "/other"), Selection::Unknown));
    assert!(matches!(select(&policy, "/orders/../x"), Selection::Ambiguous));
    let lenient = with(with(configuration, "/no_match", json!("pass")), "/ambiguous_paths", json!("literal"));
    let policy = accepted(&lenient).policy;
    assert!(matches!(select(&policy, "/other"), Selection::Unmatched));
    assert!(matches!(select(&policy, "/orders/../x"), Selection::Guarded(_)));
    let _: AmbiguousPaths = AmbiguousPaths::default();
}

#[test]
fn of_a_contract_source() {
    let source = json!({"url": "http://contracts.internal/v1?x=1", "cluster": "contracts"});
    let settings = accepted(&with(smallest(), "/contracts", json!({ "source": source }))).contracts;
    let source = settings.source.as_ref().unwrap();
    assert_eq!(source.url, HttpUrl::parse("http://contracts.internal/v1?x=1").unwrap());
    assert_eq!((source.refresh, source.timeout), (Duration::from_secs(15), Duration::from_secs(5)));
    assert_eq!(source.full_reload, Duration::from_secs(3600));
    assert!(source.headers.is_empty());
    assert_eq!(settings.max_staleness, Some(Duration::from_secs(86_400)));
    assert_eq!(settings.before_first_load, crate::contract::settings::BeforeFirstLoad::Refuse);
}
