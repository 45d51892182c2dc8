//! One worker's view of the set in force.

use crate::contract::contract::Contract;
use crate::contract::table::bucket::{self, address, hash};
use crate::contract::table::keys::Keys;
use crate::contract::table::manifest::Manifest;
use crate::contract::table::root::Root;
use crate::port::{SharedStore, Version};

/// How often a lookup begins again because a new generation came in between.
const ATTEMPTS: usize = 4;

/// The root as this worker last saw it.
#[derive(Debug, Default)]
pub(crate) struct View {
    seen: Option<(Version, Root)>,
}

/// The result of a lookup.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Contract(Contract),
    Nothing,
    NotLoaded,
    /// Shared data does not hold what the manifest says.
    Damaged,
}

impl View {
    /// Looks at the root: one read of shared data. True when another generation is in force than before.
    pub(crate) fn refresh(&mut self, keys: &Keys, store: &dyn SharedStore) -> bool {
        let before = self.generation();
        match store.get(&keys.root) {
            None => self.seen = None,
            Some(found) if self.seen.as_ref().is_some_and(|seen| seen.0 == found.version) => {}
            Some(found) => {
                self.seen = Root::decode(&found.value).map(|root| (found.version, root));
            }
        }
        self.generation() != before
    }

    pub(crate) fn root(&self) -> Option<&Root> {
        self.seen.as_ref().map(|(_, root)| root)
    }

    /// The root, if it says that something has been loaded.
    pub(crate) fn loaded(&self) -> Option<&Root> {
        self.root().filter(|root| root.manifest.generation != 0)
    }

    /// The generation in force; 0 when nothing has been loaded.
    pub(crate) fn generation(&self) -> u64 {
        self.root().map_or(0, |root| root.manifest.generation)
    }

    /// Finds a contract in shared data. May see a new generation, and then answers from that one.
    pub(crate) fn find(
        &mut self,
        [api, provider, client_id]: [&str; 3],
        keys: &Keys,
        store: &dyn SharedStore,
    ) -> Finding {
        for _ in 0..ATTEMPTS {
            let Some(Root { manifest, .. }) = self.loaded() else {
                return Finding::NotLoaded;
            };
            let bucket = address(hash(manifest.seed, api, client_id), manifest.buckets);
            let value = load(manifest, bucket, keys, store);
            // If the generation is still current, the slot was current throughout.
            if self.refresh(keys, store) {
                continue;
            }
            let found = value.and_then(|rows| bucket::find(&rows, api, provider, client_id).ok());
            return match found {
                Some(Some(contract)) => Finding::Contract(contract),
                Some(None) => Finding::Nothing,
                None => Finding::Damaged,
            };
        }
        Finding::NotLoaded
    }
}

/// The rows of a bucket as `manifest` has it.
pub(crate) fn load(manifest: &Manifest, bucket: u32, keys: &Keys, store: &dyn SharedStore) -> Option<Vec<u8>> {
    let slot = manifest.current(bucket)?;
    let value = store.get(&keys.slot(bucket, slot))?.value;
    bucket::unseal(bucket, &value).map(<[u8]>::to_vec)
}
