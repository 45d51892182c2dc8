//! Puts policies together to providers, APIs and one cache.

use super::address;
use super::change::{Change, Kind, Notes};
use super::collect::Found;
use super::combine::{Guard, Guards};
use super::given::Given;
use super::limits;
use super::parameters::{Parameters, Paths};
use super::policy::{Api, Policy, PolicyKind};
use super::providers::{Provider, Providers};
use super::region::{Pattern, Region};
use super::rules;

/// What the configuration says.
#[derive(Debug, Default)]
pub struct Plan {
    pub providers: Vec<Provider>,
    pub apis: Vec<Guarded>,
    /// Milliseconds.
    pub max_ttl: i64,
    pub entries: i64,
}

#[derive(Debug)]
pub struct Guarded {
    pub id: String,
    /// Stands for the host names that are not known.
    pub host: Option<String>,
    pub paths: Vec<Pattern>,
    pub providers: Vec<usize>,
    pub guards: Guards,
    pub expose: bool,
}

/// A plan in the making.
struct Assembly<'a> {
    given: &'a Given,
    notes: &'a mut Notes,
    apis: Vec<Guarded>,
    caches: Vec<(&'a Policy, i64, i64)>,
}

pub fn assemble(found: &Found, given: &Given, notes: &mut Notes) -> Plan {
    // Providers are numbered in the order of the input, APIs in the order in which they are tried.
    let mut providers = Providers::new(given);
    let policies: Vec<(&Policy, usize)> =
        found.policies.iter().filter_map(|policy| Some((policy, providers.add(policy, notes)?))).collect();
    providers.name_issuers(notes);
    let mut assembly = Assembly { given, notes, apis: Vec::new(), caches: Vec::new() };
    let mut used: Vec<(usize, &Api)> = Vec::new();
    for (index, api) in found.apis.iter().enumerate() {
        if found.policies.iter().any(|policy| policy.api == index) {
            used.push((index, api));
        } else {
            let message = "neither policy holds for it, so it is not in the configuration: see no_match";
            note_api(assembly.notes, Kind::None, api, String::new(), message);
        }
    }
    let apis: Vec<&Api> = used.iter().map(|(_, api)| *api).collect();
    for (index, api) in address::order(&apis).into_iter().filter_map(|at| used.get(at)) {
        let own: Vec<(&Policy, usize)> = policies.iter().filter(|(policy, _)| policy.api == *index).copied().collect();
        let is_confused = apis.iter().any(|other| !std::ptr::eq(*other, *api) && address::are_confused(api, other));
        assembly.api(api, is_confused, &own);
    }
    let (max_ttl, entries) = assembly.cache();
    Plan { providers: providers.list, apis: assembly.apis, max_ttl, entries }
}

fn note_api(notes: &mut Notes, kind: Kind, api: &Api, path: String, message: &str) {
    let (policy, parameter) = (None, "name".into());
    notes.changes.push(Change { kind, at: api.at, policy, parameter, path, message: message.into() });
}

impl<'a> Assembly<'a> {
    fn api(&mut self, api: &Api, is_confused: bool, policies: &[(&'a Policy, usize)]) {
        let path = format!("apis[{}]", self.apis.len());
        let host = is_confused.then(|| address::nobodys_host(&api.id));
        if is_confused {
            let message =
                "nothing tells its requests from those of another API, so none reaches it: replace the host by its own";
            note_api(self.notes, Kind::Meaning, api, format!("{path}.match.hosts"), message);
        }
        let paths = match &*api.base {
            "" => Vec::new(),
            base => vec![Pattern::Exact(base.into()), Pattern::Below(format!("{base}/"))],
        };
        let (mut guards, mut providers, mut exposed) = (Guards::default(), Vec::new(), Vec::new());
        for (policy, provider) in policies {
            let (guard, expose) = self.guard(policy, *provider, api, &path);
            guards = guards.add(&guard);
            exposed.push(expose);
            if !providers.contains(provider) {
                providers.push(*provider);
            }
        }
        let expose = exposed.contains(&true);
        for (applies, member, message) in [
            (
                guards.are_stricter,
                "",
                "two policies ask for scopes in ways that cannot be said together: more is asked for",
            ),
            (
                guards.are_wider,
                ".scopes",
                "its policies have too many rules: what they ask for is asked for the whole API",
            ),
            (
                expose && exposed.contains(&false),
                ".upstream.claims_prefix",
                "one of its policies exposes headers: all requests have them",
            ),
            (
                providers.len() > 1,
                ".providers",
                "its policies have different servers: tokens of each are accepted for the whole API",
            ),
        ] {
            if applies {
                note_api(self.notes, Kind::Meaning, api, format!("{path}{member}"), message);
            }
        }
        self.apis.push(Guarded { id: api.id.clone(), host, paths, providers, guards, expose });
    }

    /// What a policy asks for, and whether it exposes headers.
    fn guard(&mut self, policy: &'a Policy, provider: usize, api: &Api, path: &str) -> (Vec<Guard>, bool) {
        let regions = rules::regions(policy, &api.base, path, self.notes);
        let is_part = !regions.iter().any(Region::is_whole);
        let operations = if is_part { format!("{path}.operations") } else { String::new() };
        let paths = Paths { provider: format!("providers[{provider}]"), api: path.into(), operations };
        let mut parameters = Parameters { policy, notes: self.notes };
        let (max_ttl, entries) = parameters.cache(&paths);
        let contract = parameters.contract(&paths, self.given.contracts_url.is_some());
        let expose = parameters.expose(&paths);
        let scopes = parameters.scopes(&paths);
        self.caches.push((policy, max_ttl, entries));
        let guard = |region| Guard { region, scopes: scopes.clone(), contract };
        (regions.into_iter().map(guard).collect(), expose)
    }

    /// One cache serves all policies: how long answers are kept, and how many.
    fn cache(&mut self) -> (i64, i64) {
        let shortest = self.caches.iter().map(|(_, ttl, _)| *ttl).min().unwrap_or(1);
        let sum = self.caches.iter().map(|(_, _, entries)| *entries).fold(0, i64::saturating_add);
        let entries = sum.min(limits::ENTRIES.most);
        for (policy, ttl, _) in self.caches.iter().filter(|_| self.caches.len() > 1) {
            let (life, size) = match policy.kind {
                PolicyKind::Introspection => (limits::TTL, limits::ENTRIES),
                PolicyKind::OpenIdConnect => (limits::FEDERATION_TTL, limits::SIZE),
            };
            let mut note = |limit: &limits::Limit, message: String| {
                let at = Parameters { policy, notes: &mut *self.notes }.place(limit.name);
                policy.note(self.notes, Kind::Meaning, (at, limit.name), limit.path, message);
            };
            if *ttl != shortest {
                note(
                    &life,
                    format!("one cache serves all policies: the shortest life counts, {}", life.shown(shortest)),
                );
            }
            note(&size, format!("one cache serves all policies: it has room for the sum, {entries}"));
        }
        (shortest, entries)
    }
}
