use super::*;
use crate::base::http::HttpUrl;
use crate::contract::settings::SourceSettings;
use crate::decision::policy::{AmbiguousPaths, Api, ContractRule, Rule, Unmatched};
use crate::decision::scopes::ScopeRule;
use crate::provider::client_auth::BasicEncoding;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Duration;

fn provider(name: &str) -> Provider {
    let plain = super::super::tests::provider(name);
    Provider {
        endpoint: Endpoint {
            client: ClientAuth::Basic { id: "g".into(), secret: Secret::new("s"), encoding: BasicEncoding::Form },
            parameters: vec![("a".into(), "b".into())],
            headers: vec![("x-tenant".into(), Secret::new("one"))],
            ..plain.endpoint
        },
        checks: TokenChecks { issuer: Some(format!("https://{name}").into()), ..plain.checks },
        ..plain
    }
}

fn api(id: &str, providers: &[usize]) -> Api {
    Api {
        id: id.into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: providers.iter().copied().map(ProviderIndex).collect(),
        rule: Rule::default(),
        operations: Vec::new(),
    }
}

fn settings(providers: Vec<Provider>, apis: Vec<Api>) -> Settings {
    Settings::new(
        Policy::new(apis, Unmatched::Refuse, AmbiguousPaths::Refuse),
        providers,
        Vec::new(),
        extract::Settings { sources: Vec::new(), max_length: 100 },
        Rc::default(),
        cache::CacheSettings::default(),
        reply::Settings::default(),
    )
}

fn jwt(issuer: &str) -> Bearer {
    let payload = URL_SAFE_NO_PAD.encode(format!("{{\"iss\":{issuer:?}}}"));
    Bearer::parse(format!("eyJ9.{payload}.c2ln").as_bytes()).unwrap()
}

#[test]
fn apis_with_one_list_of_providers_share_keys_and_others_do_not() {
    let providers = || ["a", "b"].map(provider).into();
    let settings = settings(
        providers(),
        vec![api("0", &[0, 1]), api("1", &[1, 0]), api("2", &[0, 1]), api("3", &[0]), api("4", &[0])],
    );
    let choices = |index| settings.choices(ApiIndex(index)).to_vec();
    assert_eq!(choices(0), choices(2));
    assert_eq!(choices(3), choices(4));
    let mut keys: Vec<u16> = [0, 1, 3].iter().flat_map(|index| choices(*index)).map(|choice| choice.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5, "every list and provider has a key of its own");
    assert_eq!(choices(1).iter().map(|choice| choice.provider.0).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(settings.choices(ApiIndex(9)), []);
    assert!(settings.has_a_route_for_every_api());
}

#[test]
fn more_lists_than_keys_can_number_leave_an_api_without_providers_rather_than_with_anothers_key() {
    let providers: Vec<Provider> = (0..300).map(|number| provider(&number.to_string())).collect();
    let list = |first: usize| (0..300).map(|offset| (first + offset) % 300).collect::<Vec<_>>();
    let settings = settings(providers, (0..300).map(|first| api(&first.to_string(), &list(first))).collect());
    assert!(!settings.has_a_route_for_every_api());
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..300 {
        for choice in settings.choices(ApiIndex(index)) {
            assert!(seen.insert(choice.key), "key {} is given twice", choice.key);
        }
    }
    assert_eq!(settings.choose(ApiIndex(299), &jwt("https://1")), None);
}

#[test]
fn a_token_goes_to_the_provider_it_names_else_to_the_first() {
    let settings = settings(["a", "b", "c"].map(provider).into(), vec![api("all", &[2, 0, 1]), api("one", &[1])]);
    let chosen = |api, token: &Bearer| settings.choose(ApiIndex(api), token).map(|choice| choice.provider.0);
    let opaque = Bearer::parse(b"opaque").unwrap();
    assert_eq!(chosen(0, &opaque), Some(2));
    assert_eq!(chosen(0, &jwt("https://a")), Some(0));
    assert_eq!(chosen(0, &jwt("https://b")), Some(1));
    assert_eq!(chosen(0, &jwt("https://b/")), Some(2), "issuers are compared as they stand");
    assert_eq!(chosen(0, &jwt("https://elsewhere")), Some(2));
    assert_eq!(chosen(1, &jwt("https://a")), Some(1), "a provider that the API does not list is never asked");
    assert_eq!(chosen(7, &opaque), None);
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
    let changes: [(&str, Change); 12] = [
        ("endpoint", |settings| settings.providers[0].endpoint.url = HttpUrl::parse("https://idp/other").unwrap()),
        ("scheme", |settings| settings.providers[0].endpoint.url = HttpUrl::parse("http://idp/introspect").unwrap()),
        ("cluster", |settings| settings.providers[0].endpoint.cluster = "other".into()),
        ("client", |settings| {
            settings.providers[0].endpoint.client =
                ClientAuth::Basic { id: "h".into(), secret: Secret::new("s"), encoding: BasicEncoding::Form };
        }),
        ("bearer", |settings| settings.providers[0].endpoint.client = ClientAuth::Bearer(Secret::new("t"))),
        ("parameter", |settings| settings.providers[0].endpoint.parameters[0].1 = "c".into()),
        ("header value", |settings| settings.providers[0].endpoint.headers[0].1 = Secret::new("two")),
        ("claims", |settings| settings.providers[0].claims.client_id = vec!["azp".into()]),
        ("kept claims", |settings| settings.providers[0].claims.pointers = vec!["/org".into()]),
        ("all claims", |settings| settings.providers[0].claims.all_scalars = true),
        ("provider", |settings| settings.providers[0].name = "b".into()),
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
        facts(|settings| settings.providers[0].endpoint.client = client)[1].clone()
    };
    assert_ne!(bearer("one"), bearer("two"));
    let post = |secret: &str| {
        let client = ClientAuth::Post { id: "g".into(), secret: Secret::new(secret) };
        facts(|settings| settings.providers[0].endpoint.client = client)[1].clone()
    };
    assert_eq!(post("one"), post("two"));
}

#[test]
fn the_fingerprint_of_facts_does_not_change_with_what_judges_them() {
    type Change = fn(&mut Settings);
    let changes: [(&str, Change); 7] = [
        ("lifetimes", |settings| settings.cache.max_ttl = Duration::from_secs(1)),
        ("stale", |settings| settings.cache.stale_if_error = Duration::from_secs(1)),
        ("patience", |settings| settings.providers[0].endpoint.timeout = Duration::from_secs(9)),
        ("checks", |settings| settings.providers[0].checks = TokenChecks::default()),
        ("policy", |settings| {
            let mut api = api("other", &[0]);
            api.rule.scopes = ScopeRule::All(vec!["a".into()]);
            api.rule.contract = ContractRule::Required;
            settings.policy = Policy::new(vec![api], Unmatched::Pass, AmbiguousPaths::Literal);
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
    let with = |change: &dyn Fn(&mut SourceSettings)| {
        let mut source = SourceSettings {
            cluster: "c".into(),
            url: HttpUrl::parse("https://c/").unwrap(),
            refresh: Duration::from_secs(1),
            full_reload: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            headers: vec![("x-tenant".into(), Secret::new("one")), ("authorization".into(), Secret::new("a"))],
        };
        change(&mut source);
        let mut settings = settings(vec![provider("a")], vec![api("0", &[0])]);
        settings.contracts = Rc::new(contract::settings::Settings { source: Some(source), ..Default::default() });
        settings.contracts_prefix()
    };
    let before = with(&|_| ());
    assert_eq!(before, with(&|source| source.refresh = Duration::from_secs(9)));
    assert_eq!(before, with(&|source| source.timeout = Duration::from_secs(9)));
    assert_eq!(before, with(&|source| source.full_reload = Duration::from_secs(9)));
    let changes: [&dyn Fn(&mut SourceSettings); 8] = [
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
