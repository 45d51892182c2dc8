//! An election by compare-and-swap: at most one holder at a time, and none for ever.
//!
//! A lease ends by itself, so that a holder that died blocks nobody for longer than its duration. A holder that was
//! merely halted may come back after another took over: what it does under its lease has to be harmless then, or
//! guarded by a compare-and-swap of its own.

use std::time::Duration;

use crate::base::time::Timestamp;
use crate::shared::store::{Expect, SharedStore, Version};

const FORMAT: u8 = 1;
const LENGTH: usize = 17;
/// How many durations from now a record may end.
const LONGEST: u32 = 16;

/// A lease that this worker holds. Dropping it does not release it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    key: Box<str>,
    holder: u64,
    until: Timestamp,
}

impl Lease {
    /// Takes the lease under `key` for `duration`, if nobody else holds it at `now`.
    ///
    /// `holder` names this worker among all of the process and is not 0. All who share a key use one `duration`:
    /// a record that reaches much further into the future is left from before the clock was set back, and does not
    /// count. (A little further it may, when this worker was halted after it took the time.)
    pub fn try_take(
        store: &dyn SharedStore,
        key: &str,
        holder: u64,
        now: Timestamp,
        duration: Duration,
    ) -> Option<Self> {
        let found = store.get(key);
        let record = found.as_ref().and_then(|found| Record::read(&found.value));
        if let Some(record) = record {
            let held = now < record.until && record.until <= now.plus(duration * LONGEST);
            if held && record.holder != holder {
                return None;
            }
        }
        let expect = found.map_or(Expect::Absent, |found| Expect::Version(found.version));
        let until = now.plus(duration);
        let record = Record { holder, until };
        store.set(key, &record.bytes(), expect).ok()?;
        Some(Self { key: key.into(), holder, until })
    }

    /// Holds the lease until `duration` after `now`. False when another worker has taken it over in the meantime:
    /// it is lost then.
    pub fn renew(&mut self, store: &dyn SharedStore, now: Timestamp, duration: Duration) -> bool {
        let Some(version) = self.own_version(store) else {
            return false;
        };
        let until = now.plus(duration);
        let record = Record { holder: self.holder, until };
        let kept = store.set(&self.key, &record.bytes(), Expect::Version(version));
        self.until = until;
        kept.is_ok()
    }

    /// Gives the lease back, if it is still this worker's.
    pub fn release(self, store: &dyn SharedStore) {
        if let Some(version) = self.own_version(store) {
            let nobody = Record { holder: 0, until: Timestamp::default() };
            // A conflict means that another worker has taken it: nothing is left to give back.
            let _ = store.set(&self.key, &nobody.bytes(), Expect::Version(version));
        }
    }

    /// The moment at which it ends, as far as this worker knows.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    fn own_version(&self, store: &dyn SharedStore) -> Option<Version> {
        let found = store.get(&self.key)?;
        let record = Record::read(&found.value)?;
        (record.holder == self.holder).then_some(found.version)
    }
}

#[derive(Clone, Copy)]
struct Record {
    holder: u64,
    until: Timestamp,
}

impl Record {
    fn bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let parts = [FORMAT].into_iter().chain(self.holder.to_le_bytes());
        let parts = parts.chain(self.until.as_millis().to_le_bytes());
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&format, rest) = bytes.split_first()?;
        let (holder, rest) = rest.split_first_chunk::<8>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        (format == FORMAT && rest.is_empty()).then_some(Self {
            holder: u64::from_le_bytes(*holder),
            until: Timestamp::from_millis(u64::from_le_bytes(*until)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::store::MemoryStore;

    const SPAN: Duration = Duration::from_secs(4);

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1000 + secs)
    }

    #[test]
    fn one_holder_at_a_time() {
        let store = MemoryStore::default();
        assert!(Lease::try_take(&store, "k", 1, at(0), SPAN).is_some());
        assert!(Lease::try_take(&store, "k", 2, at(3), SPAN).is_none());
        assert!(Lease::try_take(&store, "k", 1, at(3), SPAN).is_some());
        assert!(Lease::try_take(&store, "other", 2, at(3), SPAN).is_some());
    }

    #[test]
    fn a_dead_holder_is_followed_by_another_and_notices() {
        let store = MemoryStore::default();
        let mut first = Lease::try_take(&store, "k", 1, at(0), SPAN).unwrap();
        assert!(first.renew(&store, at(2), SPAN));
        assert!(Lease::try_take(&store, "k", 2, at(5), SPAN).is_none());
        let second = Lease::try_take(&store, "k", 2, at(6), SPAN).unwrap();
        assert_eq!(second.until(), at(10));
        assert!(!first.renew(&store, at(6), SPAN));
        first.release(&store);
        assert!(Lease::try_take(&store, "k", 3, at(7), SPAN).is_none());
    }

    #[test]
    fn a_released_lease_is_free_at_once() {
        let store = MemoryStore::default();
        let lease = Lease::try_take(&store, "k", 1, at(0), SPAN).unwrap();
        lease.release(&store);
        assert!(Lease::try_take(&store, "k", 2, at(0), SPAN).is_some());
    }

    #[test]
    fn foreign_values_and_a_clock_set_back_do_not_block() {
        let store = MemoryStore::default();
        for junk in [&b""[..], b"x", &[1; 16], &[2; 17], &[1; 18]] {
            store.set("k", junk, Expect::Anything).unwrap();
            assert!(Lease::try_take(&store, "k", 2, at(0), SPAN).is_some());
        }
        assert!(Lease::try_take(&store, "late", 1, at(100), SPAN).is_some());
        assert!(Lease::try_take(&store, "late", 2, at(0), SPAN).is_some());
    }

    #[test]
    fn of_two_that_try_at_once_one_wins() {
        /// A store in which another worker always gets between reading and writing.
        struct Raced(MemoryStore);
        impl SharedStore for Raced {
            fn get(&self, key: &str) -> Option<crate::shared::store::Versioned> {
                let found = self.0.get(key);
                let _ = Lease::try_take(&self.0, key, 9, at(0), SPAN);
                found
            }
            fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), crate::shared::store::WriteError> {
                self.0.set(key, value, expect)
            }
        }
        let store = Raced(MemoryStore::default());
        assert!(Lease::try_take(&store, "k", 1, at(0), SPAN).is_none());
    }
}
