//! One worker's view of the contracts.

use std::rc::Rc;

use crate::base::time::Timestamp;
use crate::contract::identity::{IdentityMap, IdentityRef};
use crate::contract::settings::{BeforeFirstLoad, Settings};
use crate::contract::terms::Contract;
use crate::shared::store::SharedStore;

/// What a token's client holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// This contract; whether it grants now is for the caller to judge.
    Held(Rc<Contract>),
    /// No contract.
    None,
    /// Not known: nothing has been loaded, or too long ago.
    NotLoaded,
}

/// One worker's view of the contracts, from the configuration and from the source.
#[derive(Debug)]
pub struct Contracts {
    settings: Rc<Settings>,
    inline: IdentityMap<Rc<Contract>>,
}

impl Contracts {
    /// A view with nothing loaded yet but what the configuration holds.
    pub fn new(settings: Rc<Settings>, _key_prefix: &str, _worker: u64) -> Self {
        let inline = settings
            .inline
            .iter()
            .map(|row| (row.identity.clone(), Rc::new(row.contract.clone())))
            .collect();
        Self { settings, inline }
    }

    /// The contract between `client_id`, with a token from `provider`, and `api`. One limited to the provider wins
    /// over one that is not.
    pub fn find(
        &mut self,
        api: &str,
        provider: &str,
        client_id: Option<&str>,
        _store: &dyn SharedStore,
        _now: Timestamp,
    ) -> Holding {
        let Some(client_id) = client_id else {
            return Holding::None;
        };
        if self.settings.source.is_some()
            && self.settings.before_first_load == BeforeFirstLoad::Refuse
        {
            return Holding::NotLoaded;
        }
        self.find_inline(api, provider, client_id)
    }

    /// Changes whenever a remembered [`Holding`] may be outdated.
    pub fn generation(&self) -> u64 {
        0
    }

    fn find_inline(&self, api: &str, provider: &str, client_id: &str) -> Holding {
        let with = |provider| IdentityRef {
            api,
            provider,
            client_id,
        };
        self.inline
            .get(&with(Some(provider)))
            .or_else(|| self.inline.get(&with(None)))
            .map_or(Holding::None, |contract| Holding::Held(Rc::clone(contract)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::row::Row;
    use crate::shared::store::MemoryStore;

    #[test]
    fn inline_contracts_are_found_without_the_store() {
        let row = |json: &str| Row::from_json(json.as_bytes()).unwrap();
        let settings = Settings {
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
        assert!(store.dump().is_empty());
    }
}
