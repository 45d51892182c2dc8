//! What gateways have to know: every row with all that it has been.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use tessera_core::contract::contract::{Contract, Status};
use tessera_core::contract::row::{Identity, Row};
use tessera_core::contract::writer::write_row;
use tessera_registry::use_case::feed_store::{FeedChange, FeedKey};

/// Status and tier; `None` where there is no row.
pub type Held = Option<(Status, Box<str>)>;

struct Version {
    held: Held,
    /// When it was known to be in force; `None` while that is open.
    answered: Option<Instant>,
}

#[derive(Default)]
pub struct Model(Mutex<BTreeMap<FeedKey, Vec<Version>>>);

impl Model {
    /// These changes may be in force from now on.
    pub fn begin(&self, changes: &BTreeMap<FeedKey, Held>) {
        let mut rows = self.0.lock().unwrap();
        for (key, held) in changes {
            rows.entry(key.clone()).or_default().push(Version { held: held.clone(), answered: None });
        }
    }

    /// They are.
    pub fn answer<'a>(&self, keys: impl IntoIterator<Item = &'a FeedKey>) {
        let (mut rows, now) = (self.0.lock().unwrap(), Instant::now());
        for key in keys {
            rows.get_mut(key).unwrap().last_mut().unwrap().answered = Some(now);
        }
    }

    /// They never will be.
    pub fn undo<'a>(&self, keys: impl IntoIterator<Item = &'a FeedKey>) {
        let mut rows = self.0.lock().unwrap();
        for key in keys {
            rows.get_mut(key).unwrap().pop();
        }
    }

    /// What there is, and what there was.
    pub fn last(&self) -> BTreeMap<FeedKey, Held> {
        let rows = self.0.lock().unwrap();
        let last = |versions: &Vec<Version>| versions.last().and_then(|version| version.held.clone());
        rows.iter().map(|(key, versions)| (key.clone(), last(versions))).collect()
    }

    /// Whether one who asked at that time may have been told this: what was in force then, or anything since.
    pub fn allows(&self, key: &FeedKey, found: &Held, asked: Instant) -> bool {
        let rows = self.0.lock().unwrap();
        let Some(versions) = rows.get(key) else { return found.is_none() };
        let was_answered = |version: &Version| version.answered.is_some_and(|answered| answered <= asked);
        match versions.iter().rposition(was_answered) {
            Some(first) => versions[first..].iter().any(|version| version.held == *found),
            None => found.is_none() || versions.iter().any(|version| version.held == *found),
        }
    }
}

/// The change as a use case would publish it.
pub fn change(key: &FeedKey, held: &Held) -> FeedChange {
    let row = held.as_ref().map(|(status, tier)| {
        let identity = Identity {
            api: key.api.as_str().into(),
            provider: Some(key.provider.as_str().into()),
            client_id: key.client_id.as_str().into(),
        };
        let contract =
            Contract { status: *status, tier: Some(tier.clone()), name: None, not_before: None, expires_at: None };
        write_row(&Row { identity, contract }).unwrap()
    });
    FeedChange { key: key.clone(), row }
}
