//! When each gateway last asked this replica, as the metrics tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::time::Time;
use crate::measures::LAST_POLL;

#[derive(Default)]
pub struct Polls(Mutex<BTreeMap<String, Time>>);

impl Polls {
    pub fn note(&self, gateway: &str, now: Time) {
        self.all().insert(gateway.to_owned(), now);
        tell(gateway, now);
    }

    /// Tells all of them anew, as what is not told any more is forgotten.
    pub fn tell(&self) {
        for (gateway, at) in self.all().iter() {
            tell(gateway, *at);
        }
    }

    /// Forgets those of gateways that do not exist any more: these exist, of all that have polled before `counted`.
    pub fn retain(&self, existing: &BTreeSet<String>, counted: Time) {
        self.all().retain(|gateway, at| existing.contains(gateway) || *at >= counted);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Time>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(gateway: &str, at: Time) {
    let seconds = Duration::from_millis(at.as_millis()).as_secs_f64();
    metrics::gauge!(LAST_POLL, "gateway" => gateway.to_owned()).set(seconds);
}
