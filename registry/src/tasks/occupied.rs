//! How many workers are busy at each provider: one that hangs leaves some to the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::use_case::due_pass::ProviderKey;

/// A place at a provider, free again when it is dropped, however that comes.
pub(super) type OccupiedPlace = Arc<()>;

pub(super) struct Occupied {
    share: usize,
    places: BTreeMap<ProviderKey, OccupiedPlace>,
}

impl Occupied {
    /// One provider has half of the workers at most, and one at least.
    pub(super) fn of(workers: usize) -> Self {
        Self { share: (workers / 2).max(1), places: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, provider: ProviderKey) -> OccupiedPlace {
        Arc::clone(self.places.entry(provider).or_default())
    }

    /// Providers that can have no more of them now.
    pub(super) fn full(&mut self) -> Vec<ProviderKey> {
        // The one that is kept here is nobody's place.
        self.places.retain(|_, place| Arc::strong_count(place) > 1);
        let is_full = |place: &OccupiedPlace| Arc::strong_count(place) > self.share;
        self.places.iter().filter(|(_, place)| is_full(place)).map(|(provider, _)| provider.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_half_of_the_workers_and_one_at_least() {
        let key = |id: &str| ("default".to_owned(), id.to_owned());
        for (workers, share) in [(1, 1), (2, 1), (4, 2), (5, 2)] {
            let mut occupied = Occupied::of(workers);
            let mut held = Vec::new();
            for _ in 0..share {
                assert!(occupied.full().is_empty(), "{workers}");
                held.push(occupied.take(key("a")));
            }
            assert_eq!(occupied.full(), [key("a")]);
            drop(occupied.take(key("b")));
            held.pop();
            assert!(occupied.full().is_empty());
        }
    }
}
