//! Brings a draft into force, in slices.

use crate::contract::table::bucket;
use crate::contract::table::draft::TableDraft;
use crate::contract::table::keys::{Keys, Slot};
use crate::contract::table::manifest::Manifest;
use crate::contract::table::root::{Base, Root};
use crate::contract::table::slice::{Halt, Progress, set_while};
use crate::feed::state::FeedState;
use crate::port::{Expect, SharedStore, Version};

/// A draft on its way into force.
#[derive(Debug)]
pub(crate) struct Publication {
    draft: TableDraft,
    manifest: Manifest,
    claimed: Version,
    to_write: Vec<u32>,
}

impl Publication {
    /// Claims the slots that are not current. `first` numbers the draft where there is no root to count on from.
    ///
    /// # Errors
    /// [`Halt::Superseded`] when the root is no longer `base`.
    pub(crate) fn claim(
        draft: TableDraft,
        base: &Base,
        first: u64,
        keys: &Keys,
        store: &dyn SharedStore,
    ) -> Result<Self, Halt> {
        let mut root = base.root.clone();
        root.manifest.draft = match root.manifest.draft {
            0 => first.max(1),
            last => last.saturating_add(1),
        };
        root.manifest.high = root.manifest.high.max(draft.buckets());
        base.replace(store, &keys.root, &root)?;
        // The host does not report the new version.
        let found = Base::read(store, &keys.root);
        let claimed = match found.version() {
            Some(version) if found.root == root => version,
            _ => return Err(Halt::Superseded),
        };
        let to_write = draft.to_write();
        let written: hashbrown::HashSet<u32, foldhash::fast::RandomState> = to_write.iter().copied().collect();
        let mut manifest = root.manifest;
        manifest.arrange(draft.buckets(), |bucket| match base.root.manifest.current(bucket) {
            Some(slot) if written.contains(&bucket) => slot.other(),
            Some(slot) => slot,
            None => Slot::First,
        });
        manifest.generation = manifest.draft;
        manifest.seed = draft.seed();
        manifest.rows = draft.rows();
        Ok(Self { draft, manifest, claimed, to_write })
    }

    /// Writes up to `count` buckets.
    ///
    /// # Errors
    /// See [`Halt`].
    pub(crate) fn write(&mut self, count: usize, keys: &Keys, store: &dyn SharedStore) -> Result<Progress, Halt> {
        for _ in 0..count {
            let Some(bucket) = self.to_write.pop() else {
                return Ok(Progress::Done);
            };
            let slot = self.manifest.current(bucket).unwrap_or(Slot::First);
            let value = bucket::seal(bucket, &self.draft.take_rows(bucket));
            let held = || store.get(&keys.root).map(|found| found.version) == Some(self.claimed);
            set_while(held, store, &keys.slot(bucket, slot), |_| Some(&value))?;
        }
        Ok(Progress::More)
    }

    /// Makes the draft current, with where polling stands then. Returns the root that is in force now.
    ///
    /// # Errors
    /// See [`Halt`].
    pub(crate) fn commit(self, feed: FeedState, keys: &Keys, store: &dyn SharedStore) -> Result<Root, Halt> {
        let root = Root { manifest: self.manifest, feed };
        store.set(&keys.root, &root.encode(), Expect::Version(self.claimed))?;
        Ok(root)
    }

    /// True when nothing of what was in force before carries over.
    pub(crate) fn replaces_everything(&self) -> bool {
        self.draft.replaces_everything()
    }
}

#[cfg(test)]
mod tests;
