use super::*;
use crate::base::http::HttpUrl;
use crate::feed::settings::FeedSettings;
use crate::jose::sign::{JwsSigner, SigningAlgorithm};
use crate::policy::api::ApiSettings;
use crate::policy::rule::{ContractRule, Rule};
use crate::policy::scopes::ScopeRule;
use crate::policy::selection::{AmbiguousPaths, Unmatched};
use crate::port::SignatureHash;
use crate::provider::TokenChecks;
use crate::provider::client_auth::{BasicEncoding, ClientAssertion};
use std::time::Duration;

fn provider(name: &str) -> Provider {
    let plain = crate::provider::samples::provider(name);
    Provider {
        introspection: Some(Rc::new(Introspection {
            client: ClientAuth::Basic { id: "g".into(), secret: Secret::new("s"), encoding: BasicEncoding::Form },
            parameters: vec![("a".into(), "b".into())],
            headers: vec![("x-tenant".into(), Secret::new("one"))],
            ..plain.introspection.as_deref().unwrap().clone()
        })),
        checks: TokenChecks { issuer: Some(format!("https://{name}").into()), ..plain.checks },
        ..plain
    }
}

fn api(id: &str, providers: &[usize]) -> ApiSettings {
    ApiSettings {
        id: id.into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: providers.to_vec(),
        upstream: Default::default(),
        rule: Rule::default(),
        resource: None,
        operations: Vec::new(),
    }
}

fn settings(providers: Vec<Provider>, apis: Vec<ApiSettings>) -> Settings {
    let providers: Vec<_> = providers.into_iter().map(Rc::new).collect();
    Settings::new(
        Policy::new(apis, &providers, Unmatched::Refuse, AmbiguousPaths::Refuse).unwrap(),
        providers,
        extract::TokenSettings { sources: Vec::new(), max_length: 100 },
        crate::proof::ProofSettings::default(),
        Rc::default(),
        cache::CacheSettings::default(),
        reply::ReplySettings::default(),
    )
}

/// The first provider, to be changed.
fn first(settings: &mut Settings) -> &mut Provider {
    Rc::make_mut(&mut settings.providers[0])
}

/// How the first provider is asked, to be changed.
fn asked(settings: &mut Settings) -> &mut Introspection {
    Rc::make_mut(first(settings).introspection.as_mut().unwrap())
}

/// The prefix after a change, beside the one before it.
fn facts(change: impl FnOnce(&mut Settings)) -> [String; 2] {
    let mut settings = settings(vec![provider("a")], vec![api("0", &[0])]);
    let before = settings.facts_prefix();
    change(&mut settings);
    [before, settings.facts_prefix()]
}

#[test]
fn the_fingerprint_of_facts_changes_with_what_shapes_them() {
    type Change = fn(&mut Settings);
    let changes: [(&str, Change); 13] = [
        ("endpoint", |settings| asked(settings).url = HttpUrl::parse("https://idp/other").ok()),
        ("scheme", |settings| asked(settings).url = HttpUrl::parse("http://idp/introspect").ok()),
        ("signed answers", |settings| asked(settings).signed_for = Some("gateway".into())),
        ("cluster", |settings| asked(settings).cluster = Some("other".into())),
        ("client", |settings| {
            asked(settings).client =
                ClientAuth::Basic { id: "h".into(), secret: Secret::new("s"), encoding: BasicEncoding::Form };
        }),
        ("bearer", |settings| asked(settings).client = ClientAuth::Bearer(Secret::new("t"))),
        ("parameter", |settings| asked(settings).parameters[0].1 = "c".into()),
        ("header value", |settings| asked(settings).headers[0].1 = Secret::new("two")),
        ("claims", |settings| first(settings).claims.client_id = vec!["azp".into()]),
        ("kept claims", |settings| first(settings).claims.pointers = vec!["/org".into()]),
        ("all claims", |settings| first(settings).claims.all_scalars = true),
        ("provider", |settings| first(settings).name = "b".into()),
        ("slots", |settings| settings.cache.entries = 7),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for (what, change) in changes {
        let [before, after] = facts(change);
        assert_ne!(before, after, "{what}");
        assert!(seen.insert(after), "{what} looks like another change");
    }
}

#[test]
fn two_bearers_are_two_clients_and_two_secrets_of_one_client_are_not() {
    let bearer = |token: &str| {
        let client = ClientAuth::Bearer(Secret::new(token));
        facts(|settings| asked(settings).client = client)[1].clone()
    };
    assert_ne!(bearer("one"), bearer("two"));
    let post = |secret: &str| {
        let client = ClientAuth::Post { id: "g".into(), secret: Secret::new(secret) };
        facts(|settings| asked(settings).client = client)[1].clone()
    };
    assert_eq!(post("one"), post("two"));
    let signed = |id: &str, secret: &str| {
        let algorithm = SigningAlgorithm::Hmac(SignatureHash::Sha256);
        let signer = JwsSigner::with_secret(algorithm, &Secret::new(secret.repeat(32))).unwrap();
        let assertion = ClientAssertion { id: id.into(), audience: None, signer };
        facts(|settings| asked(settings).client = ClientAuth::Assertion(assertion.into()))[1].clone()
    };
    assert_eq!(signed("g", "1"), signed("g", "2"));
    assert_ne!(signed("g", "1"), signed("h", "1"));
}

#[test]
fn the_fingerprint_of_facts_does_not_change_with_what_judges_them() {
    type Change = fn(&mut Settings);
    let changes: [(&str, Change); 7] = [
        ("lifetimes", |settings| settings.cache.max_ttl = Duration::from_secs(1)),
        ("stale", |settings| settings.cache.stale_if_error = Duration::from_secs(1)),
        ("timeout", |settings| asked(settings).timeout = Duration::from_secs(9)),
        ("checks", |settings| first(settings).checks = TokenChecks::default()),
        ("policy", |settings| {
            let mut api = api("other", &[0]);
            api.rule.scopes = ScopeRule::All(vec!["a".into()]);
            api.rule.contract = ContractRule::Required;
            let policy = Policy::new(vec![api], &settings.providers, Unmatched::Pass, AmbiguousPaths::Literal);
            settings.policy = policy.unwrap();
        }),
        ("token", |settings| settings.token.max_length = 7),
        ("realm", |settings| settings.replies.realm = Some("r".into())),
    ];
    for (what, change) in changes {
        let [before, after] = facts(change);
        assert_eq!(before, after, "{what}");
    }
}

#[test]
fn prefixes_name_plugin_and_purpose_and_hold_no_secret() {
    let settings = settings(vec![provider("a")], vec![api("0", &[0])]);
    for (prefix, purpose) in [(settings.facts_prefix(), "facts"), (settings.contracts_prefix(), "contracts")] {
        let fingerprint = prefix.strip_prefix(&format!("tessera/1/{purpose}/")).unwrap();
        assert_eq!(fingerprint.len(), 32);
        assert!(fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[test]
fn the_fingerprint_of_contracts_changes_with_their_source() {
    let with = |change: &dyn Fn(&mut FeedSettings)| {
        let mut source = FeedSettings {
            cluster: "c".into(),
            url: HttpUrl::parse("https://c/").unwrap(),
            refresh: Duration::from_secs(1),
            full_reload: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            headers: vec![("x-tenant".into(), Secret::new("one")), ("authorization".into(), Secret::new("a"))],
        };
        change(&mut source);
        let mut settings = settings(vec![provider("a")], vec![api("0", &[0])]);
        settings.contracts =
            Rc::new(contract::settings::ContractSettings { source: Some(source), ..Default::default() });
        settings.contracts_prefix()
    };
    let before = with(&|_| ());
    assert_eq!(before, with(&|source| source.refresh = Duration::from_secs(9)));
    assert_eq!(before, with(&|source| source.timeout = Duration::from_secs(9)));
    assert_eq!(before, with(&|source| source.full_reload = Duration::from_secs(9)));
    let changes: [&dyn Fn(&mut FeedSettings); 8] = [
        &|source| source.cluster = "d".into(),
        &|source| source.url = HttpUrl::parse("http://c/").unwrap(),
        &|source| source.url = HttpUrl::parse("https://d/").unwrap(),
        &|source| source.url = HttpUrl::parse("https://c/2").unwrap(),
        &|source| source.headers[0].1 = Secret::new("two"),
        &|source| source.headers[1].1 = Secret::new("b"),
        &|source| source.headers[1].0 = "x-api-key".into(),
        &|source| source.headers.clear(),
    ];
    let mut seen = std::collections::BTreeSet::from([before]);
    for change in changes {
        assert!(seen.insert(with(change)));
    }
}
