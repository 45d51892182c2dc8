//! One worker's reading of what is in force.

use crate::contract::snapshot::Keys;
use crate::contract::snapshot::bucket::{self, address, hash};
use crate::contract::snapshot::head::Head;
use crate::contract::terms::Contract;
use crate::port::{SharedStore, Version};

/// How often a look-up begins again because a new generation came in between.
const ATTEMPTS: usize = 4;

/// The head as this worker last saw it.
#[derive(Debug, Default)]
pub struct View {
    seen: Option<(Version, Head)>,
}

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// This contract.
    Contract(Contract),
    /// No contract.
    Nothing,
    /// Nothing has been loaded.
    NotLoaded,
    /// Shared data does not hold what the head says.
    Damaged,
}

impl View {
    /// Looks at the head: one read of shared data. True when another generation is in force than before.
    pub fn refresh(&mut self, keys: &Keys, store: &dyn SharedStore) -> bool {
        let before = self.generation();
        match store.get(&keys.head) {
            None => self.seen = None,
            Some(found) if self.seen.as_ref().is_some_and(|seen| seen.0 == found.version) => {}
            Some(found) => {
                self.seen = Head::decode(&found.value).map(|head| (found.version, head));
            }
        }
        self.generation() != before
    }

    /// The head, if there is one.
    pub fn head(&self) -> Option<&Head> {
        self.seen.as_ref().map(|(_, head)| head)
    }

    /// The head, if it says that something has been loaded.
    pub fn loaded(&self) -> Option<&Head> {
        self.head().filter(|head| head.generation != 0)
    }

    /// The generation in force; 0 when nothing has been loaded.
    pub fn generation(&self) -> u64 {
        self.head().map_or(0, |head| head.generation)
    }

    /// Finds a contract in shared data. May see a new generation, and then answers from that one.
    pub fn find(&mut self, [api, provider, client_id]: [&str; 3], keys: &Keys, store: &dyn SharedStore) -> Found {
        for _ in 0..ATTEMPTS {
            let Some(head) = self.loaded() else {
                return Found::NotLoaded;
            };
            let bucket = address(hash(head.seed, api, client_id), head.buckets);
            let value = load(head, bucket, keys, store);
            // The slot was current all the while if the generation still is.
            if self.refresh(keys, store) {
                continue;
            }
            let found = value.and_then(|rows| bucket::find(&rows, api, provider, client_id).ok());
            return match found {
                Some(Some(contract)) => Found::Contract(contract),
                Some(None) => Found::Nothing,
                None => Found::Damaged,
            };
        }
        Found::NotLoaded
    }
}

/// The rows of a bucket as `head` has it.
pub fn load(head: &Head, bucket: u32, keys: &Keys, store: &dyn SharedStore) -> Option<Vec<u8>> {
    let slot = head.current(bucket)?;
    let value = store.get(&keys.slot(bucket, slot))?.value;
    bucket::unseal(bucket, &value).map(<[u8]>::to_vec)
}
