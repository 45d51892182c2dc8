//! The configured APIs and operations, and which rule a request falls under.

use super::claims::ClaimRule;
use super::hosts::{self, HostPattern};
use super::methods;
use super::paths::{self, Certainty, Path, PathPattern};
use super::scopes::ScopeRule;
use std::time::Duration;

/// Position of an API in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApiIndex(pub usize);

/// Position of a provider in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProviderIndex(pub usize);

/// All APIs, and what becomes of requests that none of them claims.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    apis: Vec<Api>,
    unmatched: Unmatched,
    ambiguous_paths: AmbiguousPaths,
    /// Every method that some operation names.
    methods: Vec<Box<str>>,
    reads: Reads,
    always: Option<Selection>,
}

/// What becomes of a request that no API matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmatched {
    /// It is refused.
    #[default]
    Refuse,
    /// It passes.
    Pass,
}

/// What becomes of a request whose path is ambiguous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AmbiguousPaths {
    /// It is refused.
    #[default]
    Refuse,
    /// Its path is compared as it stands, but it opens nothing, as a doubtful one.
    Literal,
}

/// One guarded API.
#[derive(Clone, Debug)]
pub struct Api {
    /// The `api` of contracts.
    pub id: Box<str>,
    /// Hosts it is served under; empty = every host.
    pub hosts: Vec<HostPattern>,
    /// Paths it is served under; empty = every path.
    pub paths: Vec<PathPattern>,
    /// Providers whose tokens it takes.
    pub providers: Vec<ProviderIndex>,
    /// For requests that no operation matches.
    pub rule: Rule,
    /// Tried in this order; the first match wins.
    pub operations: Vec<Operation>,
}

/// Part of an API with a rule of its own.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Request methods, with case; empty = every method.
    pub methods: Vec<Box<str>>,
    /// Paths; empty = every path of the API.
    pub paths: Vec<PathPattern>,
    /// What a request must bring.
    pub access: Access,
}

/// Who may call an operation.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody; no token is looked at.
    Public,
    /// Who satisfies the rule.
    Guarded(Rule),
}

/// What a token must bring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Whether there must be a token at all.
    pub token: TokenRule,
    /// Claims, each of which must be met.
    pub claims: Vec<ClaimRule>,
    /// Scopes.
    pub scopes: ScopeRule,
    /// Contract.
    pub contract: ContractRule,
    /// Facts older than this are asked for again.
    pub max_age: Option<Duration>,
}

/// Whether a request needs a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenRule {
    /// It does.
    #[default]
    Required,
    /// Without one it passes without an identity; with one the token is judged.
    Optional,
}

/// Whether the token's client needs a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContractRule {
    /// One that grants.
    Required,
    /// None, but its tier is used if there is one.
    Optional,
    /// None, and none is looked up.
    #[default]
    None,
}

/// Which of the configured rules holds for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleIndex {
    /// The API that claims the request.
    pub api: ApiIndex,
    operation: Option<usize>,
    /// Whether the path is certain enough for the rule to open something.
    opens: bool,
}

/// Where a request falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Under a rule.
    Guarded(RuleIndex),
    /// Under a public operation of this API.
    Public(ApiIndex),
    /// Under no API, and such requests pass.
    Unmatched,
    /// Under no API, and such requests are refused.
    Unknown,
    /// Nowhere for certain: its method, host or path is ambiguous.
    Ambiguous,
}

/// What selection looks at. A part that [`Policy::reads`] does not name may be left empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// `:method`.
    pub method: &'a [u8],
    /// `:authority`.
    pub authority: &'a [u8],
    /// `:path`.
    pub path: &'a [u8],
}

/// The parts of a request that selection needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// `:method` is needed.
    pub method: bool,
    /// `:authority` is needed.
    pub authority: bool,
    /// `:path` is needed.
    pub path: bool,
}

impl Policy {
    /// A policy over `apis`, which are tried in this order; the first match wins.
    pub fn new(apis: Vec<Api>, unmatched: Unmatched, ambiguous_paths: AmbiguousPaths) -> Self {
        let operations = || apis.iter().flat_map(|api| &api.operations);
        let mut methods: Vec<Box<str>> = Vec::new();
        for method in operations().flat_map(|operation| &operation.methods) {
            if !methods.contains(method) {
                methods.push(method.clone());
            }
        }
        let reads = Reads {
            method: !methods.is_empty(),
            authority: apis.iter().any(|api| !api.hosts.is_empty()),
            path: apis.iter().any(|api| !api.paths.is_empty())
                || operations().any(|operation| !operation.paths.is_empty()),
        };
        let mut policy = Self { apis, unmatched, ambiguous_paths, methods, reads, always: None };
        policy.always = (reads == Reads::default()).then(|| policy.select(Target::default()));
        policy
    }

    /// Where every request falls, if no part of a request matters.
    pub fn always(&self) -> Option<Selection> {
        self.always
    }

    /// Which parts of a request matter to this policy.
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// The APIs, in order.
    pub fn apis(&self) -> &[Api] {
        &self.apis
    }

    /// Where the request falls. The query takes no part.
    pub fn select(&self, target: Target<'_>) -> Selection {
        if self.reads.authority && hosts::is_ambiguous(target.authority)
            || self.reads.method && methods::is_ambiguous(target.method, &self.methods)
        {
            return Selection::Ambiguous;
        }
        let path = if self.reads.path { Path::read(paths::without_query(target.path)) } else { Path::irrelevant() };
        if path.certainty == Certainty::Ambiguous && self.ambiguous_paths == AmbiguousPaths::Refuse {
            return Selection::Ambiguous;
        }
        let is_plain = path.certainty == Certainty::Plain;
        let host = hosts::name(target.authority);
        let matches = |api: &Api| api.matches(host, &path.compared);
        let Some((index, api)) = self.apis.iter().enumerate().find(|(_, api)| matches(api)) else {
            return match self.unmatched {
                Unmatched::Pass if is_plain => Selection::Unmatched,
                _ => Selection::Unknown,
            };
        };
        // What opens something must match the path as it stands, too: not every upstream decodes what may be decoded.
        let matches_as_written = |operation: Option<&Operation>| {
            api.matches(host, &path.written)
                && operation.is_none_or(|operation| operation.matches(target.method, &path.written))
        };
        let opens = |operation| is_plain && (!path.has_escapes() || matches_as_written(operation));
        let matched = api.operations.iter().enumerate().find(|(_, operation)| {
            operation.matches(target.method, &path.compared) && (!operation.is_public() || opens(Some(operation)))
        });
        match matched {
            Some((_, operation)) if operation.is_public() => Selection::Public(ApiIndex(index)),
            matched => Selection::Guarded(RuleIndex {
                api: ApiIndex(index),
                operation: matched.map(|(position, _)| position),
                opens: opens(matched.map(|(_, operation)| operation)),
            }),
        }
    }

    /// Whether a request that falls under the rule passes without a token.
    pub fn waives_token(&self, index: RuleIndex) -> bool {
        index.opens && self.rule(index).is_some_and(|(_, rule)| rule.token == TokenRule::Optional)
    }

    /// The rule and its API; `None` for an index of another policy.
    pub fn rule(&self, index: RuleIndex) -> Option<(&Api, &Rule)> {
        let api = self.apis.get(index.api.0)?;
        match index.operation {
            None => Some((api, &api.rule)),
            Some(position) => match &api.operations.get(position)?.access {
                Access::Guarded(rule) => Some((api, rule)),
                Access::Public => None,
            },
        }
    }
}

impl Api {
    fn matches(&self, host: &[u8], path: &[u8]) -> bool {
        (self.hosts.is_empty() || self.hosts.iter().any(|pattern| pattern.matches(host)))
            && (self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.matches(path)))
    }
}

impl Operation {
    fn matches(&self, method: &[u8], path: &[u8]) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|name| name.as_bytes() == method))
            && (self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.matches(path)))
    }

    fn is_public(&self) -> bool {
        matches!(self.access, Access::Public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(id: &str, hosts: &[&str], paths: &[&str], operations: Vec<Operation>) -> Api {
        Api {
            id: id.into(),
            hosts: hosts.iter().map(|text| HostPattern::parse(text).unwrap()).collect(),
            paths: patterns(paths),
            providers: vec![ProviderIndex(0)],
            rule: Rule::default(),
            operations,
        }
    }

    fn patterns(paths: &[&str]) -> Vec<PathPattern> {
        paths.iter().map(|text| PathPattern::parse(text).unwrap()).collect()
    }

    fn operation(methods: &[&str], paths: &[&str], access: Access) -> Operation {
        Operation { methods: methods.iter().map(|name| (*name).into()).collect(), paths: patterns(paths), access }
    }

    fn orders() -> Vec<Api> {
        let write = Rule { scopes: ScopeRule::All(vec!["write".into()]), ..Rule::default() };
        vec![
            api(
                "orders",
                &["api.example.com"],
                &["/orders/"],
                vec![
                    operation(&["GET"], &["/orders/health"], Access::Public),
                    operation(&["POST"], &["/orders/"], Access::Guarded(write)),
                ],
            ),
            api("rest", &["api.example.com"], &[], vec![]),
        ]
    }

    fn select(policy: &Policy, method: &str, authority: &str, path: &str) -> Selection {
        policy.select(Target { method: method.as_bytes(), authority: authority.as_bytes(), path: path.as_bytes() })
    }

    #[test]
    fn the_first_matching_api_and_operation_win() {
        let policy = Policy::new(orders(), Unmatched::Refuse, AmbiguousPaths::Refuse);
        let guarded = |api, operation| Selection::Guarded(RuleIndex { api: ApiIndex(api), operation, opens: true });
        assert_eq!(select(&policy, "GET", "api.example.com", "/orders/health?x=/"), Selection::Public(ApiIndex(0)));
        assert_eq!(select(&policy, "put", "api.example.com", "/orders/health"), guarded(0, None));
        assert_eq!(select(&policy, "POST", "API.example.com:80", "/orders/health"), guarded(0, Some(1)));
        assert_eq!(select(&policy, "GET", "api.example.com", "/orders"), guarded(1, None));
        assert_eq!(select(&policy, "GET", "other.example.com", "/orders/"), Selection::Unknown);
        let (found, rule) = policy.rule(RuleIndex { api: ApiIndex(0), operation: Some(1), opens: true }).unwrap();
        assert_eq!((&*found.id, rule.scopes.wanted().as_str()), ("orders", "write"));
        assert!(policy.rule(RuleIndex { api: ApiIndex(0), operation: Some(0), opens: true }).is_none());
    }

    #[test]
    fn an_ambiguous_path_is_refused_or_taken_literally_but_never_public() {
        let mut apis = orders();
        apis[0].operations[0].paths = patterns(&["/orders/*"]);
        let policy = Policy::new(apis.clone(), Unmatched::Pass, AmbiguousPaths::Refuse);
        assert_eq!(select(&policy, "GET", "api.example.com", "/orders/../admin"), Selection::Ambiguous);
        assert_eq!(select(&policy, "GET", "api.example.com", ""), Selection::Ambiguous);
        let policy = Policy::new(apis, Unmatched::Pass, AmbiguousPaths::Literal);
        assert!(matches!(select(&policy, "GET", "api.example.com", "/orders/../admin"), Selection::Guarded(_)));
        assert_eq!(select(&policy, "GET", "other", "/x/../orders/"), Selection::Unknown);
        assert_eq!(select(&policy, "GET", "other", "/x"), Selection::Unmatched);
    }

    #[test]
    fn a_doubtful_path_falls_under_the_rules_but_opens_nothing() {
        let mut apis = orders();
        apis.pop();
        apis[0].operations[0].paths = patterns(&["/orders/open/", "/orders/a:b"]);
        for ambiguous in [AmbiguousPaths::Refuse, AmbiguousPaths::Literal] {
            let policy = Policy::new(apis.clone(), Unmatched::Pass, ambiguous);
            let select = |method: &str, path: &str| select(&policy, method, "api.example.com", path);
            let guarded = |operation, opens| Selection::Guarded(RuleIndex { api: ApiIndex(0), operation, opens });
            for path in ["/orders/open/1", "/orders/open/a%40b%20%C3%A9", "/orders/a:b"] {
                assert_eq!(select("GET", path), Selection::Public(ApiIndex(0)), "{path}");
            }
            for path in ["/orders/%6fpen/1", "/orders/open/%c0%ae", "/orders/open/a%3Bb"] {
                assert_eq!(select("GET", path), guarded(None, false), "{path}");
            }
            assert_eq!(
                select("GET", "/orders/a%3Ab"),
                guarded(None, true),
                "what the API's rule opens is another matter"
            );
            assert_eq!(select("POST", "/%6frders/"), guarded(Some(1), false));
            assert_eq!(select("GET", "/elsewhere/%7Ea"), Selection::Unknown);
            assert_eq!(select("GET", "/elsewhere/a%20b"), Selection::Unmatched);
        }
    }

    #[test]
    fn an_ambiguous_host_is_refused_where_hosts_matter() {
        for unmatched in [Unmatched::Pass, Unmatched::Refuse] {
            let policy = Policy::new(orders(), unmatched, AmbiguousPaths::Literal);
            for host in ["api.example.com,other", "other,api.example.com", "u@api.example.com", ""] {
                assert_eq!(select(&policy, "GET", host, "/orders/health"), Selection::Ambiguous, "{host}");
            }
        }
    }

    #[test]
    fn a_method_in_another_case_is_ambiguous_wherever_some_rule_names_it() {
        let policy = Policy::new(orders(), Unmatched::Pass, AmbiguousPaths::Literal);
        for method in ["get", "Get", "post", "POst"] {
            for (host, path) in [("api.example.com", "/orders/health"), ("api.example.com", "/"), ("other", "/")] {
                assert_eq!(select(&policy, method, host, path), Selection::Ambiguous, "{method} {host}{path}");
            }
        }
        assert_eq!(select(&policy, "delete", "other", "/"), Selection::Unmatched, "no rule names it");
    }

    #[test]
    fn without_rules_on_paths_no_path_is_ambiguous() {
        let policy = Policy::new(vec![api("all", &[], &[], vec![])], Unmatched::Refuse, AmbiguousPaths::Refuse);
        assert_eq!(policy.reads(), Reads::default());
        assert_eq!(policy.always(), Some(policy.select(Target { method: b"GET", authority: b"a", path: b"/b" })));
        assert!(matches!(select(&policy, "GET", "", "/a/../b"), Selection::Guarded(_)));
        let policy = Policy::new(orders(), Unmatched::Refuse, AmbiguousPaths::Refuse);
        assert_eq!(policy.reads(), Reads { method: true, authority: true, path: true });
        assert_eq!(policy.always(), None);
    }
}
