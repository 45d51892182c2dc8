use super::*;
use crate::policy::hosts::HostPattern;
use crate::policy::paths::PathPattern;
use crate::policy::rule::Rule;
use crate::policy::scopes::ScopeRule;

fn api(id: &str, hosts: &[&str], paths: &[&str], operations: Vec<Operation>) -> ApiSettings {
    ApiSettings {
        id: id.into(),
        hosts: hosts.iter().map(|text| HostPattern::parse(text).unwrap()).collect(),
        paths: patterns(paths),
        providers: vec![0],
        upstream: Default::default(),
        rule: Rule::default(),
        resource: None,
        operations,
    }
}

fn patterns(paths: &[&str]) -> Vec<PathPattern> {
    paths.iter().map(|text| PathPattern::parse(text).unwrap()).collect()
}

fn operation(methods: &[&str], paths: &[&str], access: Access) -> Operation {
    Operation { methods: methods.iter().map(|name| (*name).into()).collect(), paths: patterns(paths), access }
}

fn orders() -> Vec<ApiSettings> {
    let write = Rule { scopes: ScopeRule::All(vec!["write".into()]), ..Rule::default() };
    vec![
        api(
            "orders",
            &["api.example.com"],
            &["/orders/"],
            vec![
                operation(&["GET"], &["/orders/health"], Access::Public),
                operation(&["POST"], &["/orders/"], Access::Guarded(Rc::new(write))),
            ],
        ),
        api("rest", &["api.example.com"], &[], vec![]),
    ]
}

fn policy_of(apis: Vec<ApiSettings>, unmatched: Unmatched, ambiguous_paths: AmbiguousPaths) -> Policy {
    let providers = [Rc::new(crate::provider::samples::provider("main"))];
    Policy::new(apis, &providers, unmatched, ambiguous_paths).unwrap()
}

/// A selection that can be compared: APIs and operations by their places.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Guarded { api: usize, operation: Option<usize>, opens: bool },
    Public(usize),
    Unmatched,
    Unknown,
    Ambiguous,
}

impl Place {
    fn of(selection: Selection) -> Self {
        match selection {
            Selection::Guarded(Guard { api, rule, opens }) => {
                let is_its =
                    |operation: &Operation| matches!(&operation.access, Access::Guarded(own) if Rc::ptr_eq(own, &rule));
                let operation = api.operations.iter().position(is_its);
                assert!(operation.is_some() || Rc::ptr_eq(&api.rule, &rule));
                Self::Guarded { api: api.slot, operation, opens }
            }
            Selection::Public(api) => Self::Public(api.slot),
            Selection::Unmatched => Self::Unmatched,
            Selection::Unknown => Self::Unknown,
            Selection::Ambiguous => Self::Ambiguous,
        }
    }
}

fn select(policy: &Policy, method: &str, authority: &str, path: &str) -> Place {
    Place::of(policy.select(Target {
        method: method.as_bytes(),
        authority: authority.as_bytes(),
        path: path.as_bytes(),
    }))
}

#[test]
fn the_first_matching_api_and_operation_win() {
    let policy = policy_of(orders(), Unmatched::Refuse, AmbiguousPaths::Refuse);
    let guarded = |api, operation| Place::Guarded { api, operation, opens: true };
    assert_eq!(select(&policy, "GET", "api.example.com", "/orders/health?x=/"), Place::Public(0));
    assert_eq!(select(&policy, "put", "api.example.com", "/orders/health"), guarded(0, None));
    assert_eq!(select(&policy, "POST", "API.example.com:80", "/orders/health"), guarded(0, Some(1)));
    assert_eq!(select(&policy, "GET", "api.example.com", "/orders"), guarded(1, None));
    assert_eq!(select(&policy, "GET", "other.example.com", "/orders/"), Place::Unknown);
    let Selection::Guarded(guard) =
        policy.select(Target { method: b"POST", authority: b"api.example.com", path: b"/orders/" })
    else {
        panic!("not guarded")
    };
    assert_eq!((&*guard.api.id, guard.rule.scopes.wanted().as_str()), ("orders", "write"));
}

#[test]
fn an_ambiguous_path_is_refused_or_taken_literally_but_never_public() {
    let mut apis = orders();
    apis[0].operations[0].paths = patterns(&["/orders/*"]);
    let policy = policy_of(apis.clone(), Unmatched::Pass, AmbiguousPaths::Refuse);
    assert_eq!(select(&policy, "GET", "api.example.com", "/orders/../admin"), Place::Ambiguous);
    assert_eq!(select(&policy, "GET", "api.example.com", ""), Place::Ambiguous);
    let policy = policy_of(apis, Unmatched::Pass, AmbiguousPaths::Literal);
    assert!(matches!(select(&policy, "GET", "api.example.com", "/orders/../admin"), Place::Guarded { .. }));
    assert_eq!(select(&policy, "GET", "other", "/x/../orders/"), Place::Unknown);
    assert_eq!(select(&policy, "GET", "other", "/x"), Place::Unmatched);
}

#[test]
fn a_doubtful_path_falls_under_the_rules_but_opens_nothing() {
    let mut apis = orders();
    apis.pop();
    apis[0].operations[0].paths = patterns(&["/orders/open/", "/orders/a:b"]);
    for ambiguous in [AmbiguousPaths::Refuse, AmbiguousPaths::Literal] {
        let policy = policy_of(apis.clone(), Unmatched::Pass, ambiguous);
        let select = |method: &str, path: &str| select(&policy, method, "api.example.com", path);
        let guarded = |operation, opens| Place::Guarded { api: 0, operation, opens };
        for path in ["/orders/open/1", "/orders/open/a%40b%20%C3%A9", "/orders/a:b"] {
            assert_eq!(select("GET", path), Place::Public(0), "{path}");
        }
        for path in ["/orders/%6fpen/1", "/orders/open/%c0%ae", "/orders/open/a%3Bb"] {
            assert_eq!(select("GET", path), guarded(None, false), "{path}");
        }
        assert_eq!(select("GET", "/orders/a%3Ab"), guarded(None, true), "what the API's rule opens is another matter");
        assert_eq!(select("POST", "/%6frders/"), guarded(Some(1), false));
        assert_eq!(select("GET", "/elsewhere/%7Ea"), Place::Unknown);
        assert_eq!(select("GET", "/elsewhere/a%20b"), Place::Unmatched);
    }
}

#[test]
fn an_ambiguous_host_is_refused_where_hosts_matter() {
    for unmatched in [Unmatched::Pass, Unmatched::Refuse] {
        let policy = policy_of(orders(), unmatched, AmbiguousPaths::Literal);
        for host in ["api.example.com,other", "other,api.example.com", "u@api.example.com", ""] {
            assert_eq!(select(&policy, "GET", host, "/orders/health"), Place::Ambiguous, "{host}");
        }
    }
}

#[test]
fn a_method_in_another_case_is_ambiguous_wherever_some_rule_names_it() {
    let policy = policy_of(orders(), Unmatched::Pass, AmbiguousPaths::Literal);
    for method in ["get", "Get", "post", "POst"] {
        for (host, path) in [("api.example.com", "/orders/health"), ("api.example.com", "/"), ("other", "/")] {
            assert_eq!(select(&policy, method, host, path), Place::Ambiguous, "{method} {host}{path}");
        }
    }
    assert_eq!(select(&policy, "delete", "other", "/"), Place::Unmatched, "no rule names it");
}

#[test]
fn without_rules_on_paths_no_path_is_ambiguous() {
    let policy = policy_of(vec![api("all", &[], &[], vec![])], Unmatched::Refuse, AmbiguousPaths::Refuse);
    assert_eq!(policy.reads(), Reads::default());
    let selected = policy.select(Target { method: b"GET", authority: b"a", path: b"/b" });
    assert_eq!(policy.always().map(Place::of), Some(Place::of(selected)));
    assert!(matches!(select(&policy, "GET", "", "/a/../b"), Place::Guarded { .. }));
    let policy = policy_of(orders(), Unmatched::Refuse, AmbiguousPaths::Refuse);
    assert_eq!(policy.reads(), Reads { method: true, authority: true, path: true });
    assert!(policy.always().is_none());
}
