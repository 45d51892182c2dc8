//! Clears the slots that a generation has replaced.

use crate::contract::table::keys::{Keys, Slot};
use crate::contract::table::manifest::Manifest;
use crate::contract::table::root::Base;
use crate::contract::table::slice::{Halt, Progress, set_while};
use crate::port::SharedStore;

/// Empties the slots that are not current, so that a set takes its space only once.
#[derive(Debug)]
pub(crate) struct Sweep {
    manifest: Manifest,
    next: u32,
}

impl Sweep {
    /// Of what is left now that `manifest` is in force.
    pub(crate) fn of(manifest: Manifest) -> Self {
        Self { manifest, next: 0 }
    }

    /// Looks at up to `count` buckets.
    ///
    /// # Errors
    /// See [`Halt`].
    pub(crate) fn step(&mut self, count: u32, keys: &Keys, store: &dyn SharedStore) -> Result<Progress, Halt> {
        let end = self.next.saturating_add(count).min(self.manifest.high);
        for bucket in self.next..end {
            let spare = match self.manifest.current(bucket) {
                Some(current) => vec![current.other()],
                None => vec![Slot::First, Slot::Second],
            };
            for slot in spare {
                let key = keys.slot(bucket, slot);
                let held = || Base::read(store, &keys.root).root.manifest.draft == self.manifest.draft;
                set_while(held, store, &key, |old| (!old.is_empty()).then_some(&[]))?;
            }
        }
        self.next = end;
        if end < self.manifest.high {
            return Ok(Progress::More);
        }
        let base = Base::read(store, &keys.root);
        if base.root.manifest.draft != self.manifest.draft {
            return Err(Halt::Superseded);
        }
        let mut swept = base.root.clone();
        swept.manifest.high = swept.manifest.buckets;
        base.replace(store, &keys.root, &swept)?;
        Ok(Progress::Done)
    }
}
