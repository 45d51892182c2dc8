//! One worker's view of the contracts.

use std::hash::BuildHasher;
use std::rc::Rc;

use crate::base::http::HttpResult;
use crate::base::sieve::Sieve;
use crate::base::time::Timestamp;
use crate::contract::action::{Action, PageCall, Report};
use crate::contract::contract::Contract;
use crate::contract::identity::{IdentityMap, IdentityRef};
use crate::contract::poller::Poller;
use crate::contract::row::{Identity, MAX_LONG_TEXT};
use crate::contract::settings::{BeforeFirstLoad, ContractSettings};
use crate::contract::table::keys::Keys;
use crate::contract::table::root::{Base, Root};
use crate::contract::table::view::{Finding, View};
use crate::contract::work::Turn;
use crate::port::SharedStore;

/// Lookups that a worker keeps at most.
const MAX_LOOK_UPS: usize = 16_384;

/// Which contract a token's client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// This contract; whether it grants now is for the caller to judge.
    Held(Rc<Contract>),
    None,
    /// Not known: nothing has been loaded, or too long ago.
    NotLoaded,
}

/// One worker's view of the contracts, from the configuration and from the source.
pub struct Contracts {
    settings: Rc<ContractSettings>,
    inline: IdentityMap<Rc<Contract>>,
    /// Some inline contract is limited to a provider: lookups have to try that first.
    limited_inline: bool,
    source: Option<Loaded>,
    generation: u64,
}

/// What only a configuration with a source needs.
struct Loaded {
    keys: Rc<Keys>,
    view: View,
    look_ups: LookUps,
    poller: Poller,
    stale: bool,
    damaged: bool,
}

impl Contracts {
    /// A view with nothing loaded yet but what the configuration holds.
    ///
    /// `key_prefix` stands for the plugin and everything that decides what the source answers, who asks among it;
    /// configurations that share it share the loaded set, so that a new one need not wait for it. Short is good: it is
    /// part of every key.
    /// `worker` is a random number, unique among the workers of the process.
    pub fn new(settings: Rc<ContractSettings>, key_prefix: &str, worker: u64) -> Self {
        let inline = settings.inline.iter().map(|row| (row.identity.clone(), Rc::new(row.contract.clone()))).collect();
        let source = settings.source.clone().map(|source| {
            let keys = Rc::new(Keys::new(key_prefix));
            Loaded {
                poller: Poller::new(Rc::new(source), Rc::clone(&keys), worker.max(1)),
                keys,
                view: View::default(),
                look_ups: LookUps::new(),
                stale: false,
                damaged: false,
            }
        });
        let limited_inline = settings.inline.iter().any(|row| row.identity.provider.is_some());
        Self { settings, inline, limited_inline, source, generation: 0 }
    }

    /// The contract between `client_id`, with a token from `provider`, and `api`. One limited to the provider wins
    /// over one that is not.
    ///
    /// What was looked up before in the same generation is answered without shared data and without allocating.
    pub fn find(
        &mut self,
        api: &str,
        provider: &str,
        client_id: Option<&str>,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Holding {
        let Some(client_id) = client_id else {
            return Holding::None;
        };
        let Some(source) = &mut self.source else {
            return self.find_inline(api, provider, client_id);
        };
        if source.view.loaded().is_none() && source.refresh(store) {
            self.generation += 1;
        }
        match source.view.loaded() {
            None if self.settings.before_first_load == BeforeFirstLoad::Inline => {
                return self.find_inline(api, provider, client_id);
            }
            None => return Holding::NotLoaded,
            Some(root) if is_stale(&self.settings, root, now) => return Holding::NotLoaded,
            Some(_) => {}
        }
        // No contract of a source has a longer one, and the cache stays bounded.
        if client_id.len() > MAX_LONG_TEXT {
            return Holding::None;
        }
        let key = IdentityRef { api, provider: Some(provider), client_id };
        if let Some(holding) = source.look_ups.get(key) {
            return holding;
        }
        let before = source.view.generation();
        let found = source.view.find([api, provider, client_id], &source.keys, store);
        if source.view.generation() != before {
            source.look_ups.clear();
            self.generation += 1;
        }
        let holding = match found {
            Finding::Contract(contract) => Holding::Held(Rc::new(contract)),
            Finding::Nothing => Holding::None,
            Finding::NotLoaded => return Holding::NotLoaded,
            Finding::Damaged => {
                source.damaged = true;
                return Holding::NotLoaded;
            }
        };
        source.look_ups.insert(key, holding.clone());
        holding
    }

    /// Changes whenever a remembered [`Holding`] may be outdated.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Time has passed: to be called right after the start, then about every 250 ms.
    pub fn on_tick(&mut self, store: &dyn SharedStore, now: Timestamp) -> Vec<Action> {
        self.turn(store, now, |source, turn| {
            source.repair(turn.store);
            source.poller.on_tick(source.view.root(), turn);
        })
    }

    /// The call of an [`Action::Call`] has ended.
    pub fn on_answer(
        &mut self,
        call: PageCall,
        result: HttpResult,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Vec<Action> {
        self.turn(store, now, |source, turn| source.poller.on_answer(call, result, turn))
    }

    /// The next turn of the event loop after an [`Action::Yield`].
    pub fn on_yield(&mut self, store: &dyn SharedStore, now: Timestamp) -> Vec<Action> {
        self.turn(store, now, |source, turn| source.poller.on_yield(turn))
    }

    pub fn on_end(&mut self, store: &dyn SharedStore) {
        if let Some(source) = &mut self.source {
            source.poller.on_end(store);
        }
    }

    pub fn report(&mut self, now: Timestamp) -> Report {
        let Some(source) = &mut self.source else {
            // Without contracts nothing is reported: the gauge may belong to another configuration.
            let contracts = (!self.inline.is_empty()).then_some(self.inline.len() as u64);
            return Report { contracts, ..Report::default() };
        };
        let root = source.view.loaded();
        Report {
            contracts: root.map(|root| root.manifest.rows),
            age: root.map(|root| now.since(root.feed.checked_at)),
            ..source.poller.take_counts()
        }
    }

    /// Whether this worker has a poll under way.
    #[cfg(test)]
    pub fn polls(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.poller.polls())
    }

    /// Who this worker is among those that may poll.
    #[cfg(test)]
    pub fn claimant(&self) -> Option<crate::feed::lease::Claimant> {
        self.source.as_ref().and_then(|source| source.poller.claimant())
    }

    /// Looks at shared data, lets the poller have its turn, and looks again if that may have changed it.
    fn turn(
        &mut self,
        store: &dyn SharedStore,
        now: Timestamp,
        work: impl FnOnce(&mut Loaded, &mut Turn<'_>),
    ) -> Vec<Action> {
        let Some(source) = &mut self.source else {
            return Vec::new();
        };
        let mut turn = Turn { store, now, actions: Vec::new() };
        let mut outdated = source.refresh(store);
        work(source, &mut turn);
        if source.poller.has_lease() {
            outdated |= source.refresh(store);
        }
        let stale = source.view.loaded().is_some_and(|root| is_stale(&self.settings, root, now));
        outdated |= stale != source.stale;
        source.stale = stale;
        self.generation += u64::from(outdated);
        turn.actions
    }

    fn find_inline(&self, api: &str, provider: &str, client_id: &str) -> Holding {
        let with = |provider| IdentityRef { api, provider, client_id };
        let limited = self.limited_inline.then(|| self.inline.get(&with(Some(provider)))).flatten();
        limited
            .or_else(|| self.inline.get(&with(None)))
            .map_or(Holding::None, |contract| Holding::Held(Rc::clone(contract)))
    }
}

impl Loaded {
    /// True when another generation is in force than before; nothing is remembered of that then.
    fn refresh(&mut self, store: &dyn SharedStore) -> bool {
        let changed = self.view.refresh(&self.keys, store);
        if changed {
            self.look_ups.clear();
        }
        changed
    }

    /// Has everything fetched anew by the next poll after shared data turned out not to hold what it should.
    fn repair(&mut self, store: &dyn SharedStore) {
        if std::mem::take(&mut self.damaged) {
            let base = Base::read(store, &self.keys.root);
            let mut root = base.root.clone();
            root.feed.ask_for_everything();
            // Written once more, it would undo what the poll under way goes on from, again and again.
            if root == base.root {
                return;
            }
            // On a conflict another worker is repairing it, or a poll has just ended; if not, it will be noticed again.
            let _ = base.replace(store, &self.keys.root, &root);
        }
    }
}

fn is_stale(settings: &ContractSettings, root: &Root, now: Timestamp) -> bool {
    let bound = settings.max_staleness;
    bound.is_some_and(|bound| now.since(root.feed.checked_at) > bound)
}

/// Cached lookups in the generation in force.
struct LookUps {
    hasher: foldhash::fast::RandomState,
    kept: Sieve<(Identity, Holding)>,
}

impl LookUps {
    fn new() -> Self {
        Self { hasher: Default::default(), kept: Sieve::new(MAX_LOOK_UPS, 0) }
    }

    fn get(&mut self, key: IdentityRef<'_>) -> Option<Holding> {
        let hash = self.hash(key);
        self.kept.get(hash, |(identity, _)| identity.as_ref() == key).map(|(_, holding)| holding.clone())
    }

    /// Keeps what was just looked up, and was not kept.
    fn insert(&mut self, key: IdentityRef<'_>, holding: Holding) {
        self.kept.insert(self.hash(key), (key.to_identity(), holding), 0, false);
    }

    fn clear(&mut self) {
        self.kept = Sieve::new(MAX_LOOK_UPS, 0);
    }

    fn hash(&self, key: IdentityRef<'_>) -> u64 {
        self.hasher.hash_one(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::row::Row;
    use crate::port::memory::MemoryStore;

    #[test]
    fn inline_contracts_are_found_without_the_store() {
        let row = |json: &str| Row::from_json(json.as_bytes()).unwrap();
        let settings = ContractSettings {
            inline: vec![
                row(r#"{"api":"a","client_id":"c","tier":"lost"}"#),
                row(r#"{"api":"a","client_id":"c","tier":"any"}"#),
                row(r#"{"api":"a","client_id":"c","tier":"main","provider":"main"}"#),
            ],
            source: None,
            max_staleness: None,
            before_first_load: BeforeFirstLoad::Refuse,
        };
        let store = MemoryStore::default();
        let mut contracts = Contracts::new(Rc::new(settings), "p", 1);
        assert!(contracts.on_tick(&store, Timestamp::default()).is_empty());
        let mut tier = |api: &str, provider: &str, client: Option<&str>| match contracts.find(
            api,
            provider,
            client,
            &store,
            Timestamp::default(),
        ) {
            Holding::Held(contract) => contract.tier.as_deref().map(str::to_owned),
            Holding::None => None,
            Holding::NotLoaded => panic!("inline contracts are always loaded"),
        };
        assert_eq!(tier("a", "main", Some("c")).as_deref(), Some("main"));
        assert_eq!(tier("a", "other", Some("c")).as_deref(), Some("any"));
        assert_eq!(tier("a", "main", Some("d")), None);
        assert_eq!(tier("b", "main", Some("c")), None);
        assert_eq!(tier("a", "main", None), None);
        assert_eq!(contracts.report(Timestamp::default()).contracts, Some(2));
        assert!(store.dump().is_empty());
    }

    #[test]
    fn what_is_kept_of_look_ups_is_spread() {
        let look_ups = LookUps::new();
        let clients: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let hash = |client_id| look_ups.hash(IdentityRef { api: "a", provider: Some("p"), client_id });
        let hashes: std::collections::BTreeSet<u64> = clients.iter().map(|client_id| hash(client_id)).collect();
        assert_eq!(hashes.len(), clients.len());
    }

    #[test]
    fn where_no_contracts_are_configured_none_are_counted() {
        let mut contracts = Contracts::new(Rc::new(ContractSettings::default()), "p", 1);
        assert_eq!(contracts.report(Timestamp::default()), Report::default());
    }
}
