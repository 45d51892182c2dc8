use super::*;
use crate::policy::selection::{AmbiguousPaths, Policy, TooManyChoices, Unmatched};
use crate::provider::TokenChecks;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn provider(name: &str) -> Rc<Provider> {
    let plain = crate::provider::samples::provider(name);
    Rc::new(Provider {
        checks: TokenChecks { issuer: Some(format!("https://{name}").into()), ..plain.checks },
        ..plain
    })
}

fn policy(providers: &[Rc<Provider>], lists: &[Vec<usize>]) -> Result<Policy, TooManyChoices> {
    let api = |(number, providers): (usize, &Vec<usize>)| ApiSettings {
        id: number.to_string().into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: providers.clone(),
        upstream: Upstream::default(),
        rule: Rule::default(),
        resource: None,
        operations: Vec::new(),
    };
    let apis = lists.iter().enumerate().map(api).collect();
    Policy::new(apis, providers, Unmatched::Refuse, AmbiguousPaths::Refuse)
}

fn jwt(issuer: &str) -> Bearer {
    let payload = URL_SAFE_NO_PAD.encode(format!("{{\"iss\":{issuer:?}}}"));
    Bearer::parse(format!("eyJ9.{payload}.c2ln").as_bytes()).unwrap()
}

#[test]
fn apis_with_one_list_of_providers_share_keys_and_others_do_not() {
    let providers = ["a", "b"].map(provider);
    let policy = policy(&providers, &[vec![0, 1], vec![1, 0], vec![0, 1], vec![0], vec![0]]).unwrap();
    let choices = |index: usize| -> Vec<(String, u16)> {
        let choices = policy.apis()[index].choices.iter();
        choices.map(|choice| (choice.provider.name.to_string(), choice.key)).collect()
    };
    assert_eq!(choices(0), choices(2));
    assert_eq!(choices(3), choices(4));
    let mut keys: Vec<u16> = [0, 1, 3].iter().flat_map(|index| choices(*index)).map(|(_, key)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5, "every list and provider has a key of its own");
    assert_eq!(choices(1).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn lists_that_keys_cannot_number_are_refused_rather_than_given_anothers_key() {
    let providers: Vec<Rc<Provider>> = (0..300).map(|number| provider(&number.to_string())).collect();
    let list = |first: usize| (0..300).map(|offset| (first + offset) % 300).collect::<Vec<_>>();
    let lists = |number: usize| (0..number).map(list).collect::<Vec<_>>();
    assert_eq!(policy(&providers, &lists(300)).err(), Some(TooManyChoices));
    assert_eq!(TooManyChoices.to_string(), "has more different lists of providers than are supported");
    let most = policy(&providers, &lists(65_535 / 300)).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for choice in most.apis().iter().flat_map(|api| api.choices.iter()) {
        assert!(seen.insert(choice.key), "key {} is given twice", choice.key);
    }
}

#[test]
fn an_api_without_a_provider_is_refused() {
    assert_eq!(policy(&[provider("a")], &[vec![]]).err(), Some(TooManyChoices));
    assert_eq!(policy(&[provider("a")], &[vec![1]]).err(), Some(TooManyChoices));
}

#[test]
fn a_token_goes_to_the_provider_it_names_else_to_the_first() {
    let policy = policy(&["a", "b", "c"].map(provider), &[vec![2, 0, 1], vec![1]]).unwrap();
    let chosen =
        |api: usize, token: &Bearer| policy.apis()[api].choices.choose(token).unwrap().0.provider.name.to_string();
    let opaque = Bearer::parse(b"opaque").unwrap();
    assert_eq!(chosen(0, &opaque), "c");
    assert_eq!(chosen(0, &jwt("https://a")), "a");
    assert_eq!(chosen(0, &jwt("https://b")), "b");
    assert_eq!(chosen(0, &jwt("https://b/")), "c", "issuers are compared as they stand");
    assert_eq!(chosen(0, &jwt("https://elsewhere")), "c");
    assert_eq!(chosen(1, &jwt("https://a")), "b", "a provider that the API does not list is never asked");
}

#[test]
fn a_token_is_waived_only_where_the_rule_and_the_path_say_so() {
    let policy = policy(&[provider("a")], &[vec![0]]).unwrap();
    let api = &policy.apis()[0];
    for (token, opens, waived) in [
        (TokenRule::Optional, true, true),
        (TokenRule::Optional, false, false),
        (TokenRule::Required, true, false),
        (TokenRule::Required, false, false),
    ] {
        let rule = Rc::new(Rule { token, ..Rule::default() });
        assert_eq!(Guard { api: Rc::clone(api), rule, opens }.waives_token(), waived, "{token:?} {opens}");
    }
}

#[test]
fn an_api_tells_what_it_is_served_under_and_what_its_rules_look_at() {
    let paths = |texts: &[&str]| texts.iter().map(|text| PathPattern::parse(text).unwrap()).collect::<Vec<_>>();
    let host = HostPattern::parse("a.example.com").unwrap();
    let api = |own: &[&str], operations: &[&[&str]]| {
        let operation = |of: &&[&str]| Operation { methods: Vec::new(), paths: paths(of), access: Access::Public };
        let settings = ApiSettings {
            id: "a".into(),
            hosts: vec![host.clone()],
            paths: paths(own),
            providers: vec![0],
            upstream: Upstream::default(),
            rule: Rule::default(),
            resource: None,
            operations: operations.iter().map(operation).collect(),
        };
        Policy::new(vec![settings], &[provider("a")], Unmatched::Refuse, AmbiguousPaths::Refuse).unwrap()
    };
    for (own, operations, reads_path) in [
        (&[][..], &[][..], false),
        (&[], &[&[][..]], false),
        (&["/a", "/b/"], &[&[][..]], true),
        (&[], &[&[][..], &["/a/x"]], true),
        (&["/a"], &[&["/a"][..]], true),
    ] {
        let policy = api(own, operations);
        let api = &policy.apis()[0];
        assert_eq!(api.reads_path(), reads_path, "{own:?} {operations:?}");
        assert_eq!((api.hosts(), api.paths()), (&[host.clone()][..], &paths(own)[..]));
    }
}
