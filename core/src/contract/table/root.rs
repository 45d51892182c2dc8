//! The one value that says what is in force and where polling stands.
//!
//! It contains two records, so that one compare-and-swap commits both: the last good answer, from which the next poll
//! continues, always describes the set in force.

use crate::base::wire::{Malformed, Reader};
use crate::contract::table::manifest::Manifest;
use crate::contract::table::seal::{self, FORMAT};
use crate::feed::state::FeedState;
use crate::port::{Expect, SharedStore, Version, WriteError};

/// The two records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Root {
    pub manifest: Manifest,
    pub feed: FeedState,
}

impl Root {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        self.feed.write(&mut bytes);
        self.manifest.write(&mut bytes);
        seal::seal(&mut bytes);
        bytes
    }

    /// What the bytes say; `None` when they are not a root.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(seal::unseal(bytes)?);
        let read = |reader: &mut Reader<'_>| {
            if reader.u8()? != FORMAT {
                return Err(Malformed);
            }
            let feed = FeedState::read(reader)?;
            Ok(Self { manifest: Manifest::read(reader)?, feed })
        };
        let root = read(&mut reader).ok()?;
        reader.finish().is_ok().then_some(root)
    }
}

/// A root as it was read, with what a compare-and-swap over it needs.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// The root; an empty one where there was none, or none that can be read.
    pub root: Root,
    /// What must hold for it to be replaced.
    expect: Expect,
}

impl Base {
    pub(crate) fn read(store: &dyn SharedStore, key: &str) -> Self {
        match store.get(key) {
            None => Self { root: Root::default(), expect: Expect::Absent },
            Some(found) => {
                Self { root: Root::decode(&found.value).unwrap_or_default(), expect: Expect::Version(found.version) }
            }
        }
    }

    /// Replaces the root.
    ///
    /// # Errors
    /// As [`SharedStore::set`]; a conflict when it has changed since it was read.
    pub(crate) fn replace(&self, store: &dyn SharedStore, key: &str, root: &Root) -> Result<(), WriteError> {
        store.set(key, &root.encode(), self.expect)
    }

    /// The version that was read, if there was a root.
    pub(crate) fn version(&self) -> Option<Version> {
        match self.expect {
            Expect::Version(version) => Some(version),
            Expect::Absent | Expect::Anything => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::table::keys::Slot;
    use proptest::prelude::*;

    #[test]
    fn a_root_comes_back() {
        let mut root = Root::default();
        let Manifest { generation, draft, seed, rows, high, .. } = &mut root.manifest;
        (*generation, *draft, *seed, *rows, *high) = (u64::MAX, 1 << 40, 3, 4, 20);
        (root.feed.failures, root.feed.pace) = (8, 11);
        root.manifest.arrange(19, |bucket| if bucket % 3 == 0 { Slot::Second } else { Slot::First });
        assert_eq!(Root::decode(&root.encode()).as_ref(), Some(&root));
        assert_eq!(root.manifest.current(18), Some(Slot::Second));
        assert_eq!(root.manifest.current(17), Some(Slot::First));
        assert_eq!(root.manifest.current(19), None);
        assert_eq!(Root::decode(&Root::default().encode()), Some(Root::default()));
    }

    proptest! {
        /// The checksum keeps accidents out; this is about what has one that fits.
        #[test]
        fn sealed_nonsense_does_no_harm(mut bytes: Vec<u8>) {
            bytes.insert(0, FORMAT);
            seal::seal(&mut bytes);
            let _ = Root::decode(&bytes);
        }
    }
}
