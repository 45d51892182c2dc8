//! An election by compare-and-swap: at most one holder at a time, and no holder for ever.
//!
//! A holder that is shut down releases its lease. One that dies cannot: so a lease expires by itself, and a holder that
//! did not even renew it when there was work to do counts as dead before that. A holder that was merely halted may come
//! back after another one took over: what it does under its lease must then be harmless, or guarded by a
//! compare-and-swap of its own.
//!
//! While a listener drains, the workers of the old configuration and of the new one compete for the same lease. The
//! newest one gets it, even from a live holder: see [`Claimant`]. One whose polls have failed gives it up.

use std::time::Duration;

use crate::base::time::Timestamp;
use crate::base::wire::{Malformed, Reader, put_time, put_u64};
use crate::port::{Expect, SharedStore, Version};

const FORMAT: u8 = 2;
/// How many durations from now a record may end.
const LONGEST: u32 = 64;
/// The workers of one configuration start within this time of each other.
const SIBLINGS: Duration = Duration::from_secs(10);

/// Who asks for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Names this worker among all of the process; not 0.
    pub worker: u64,
    /// Names what this worker would do under the lease.
    pub configuration: u64,
    pub since: Timestamp,
}

impl Claimant {
    /// Whether the lease passes from `holder`, though it lives, to this one: the holder works for an older
    /// configuration. Workers that start with one another do not take it from each other, unless they would do
    /// different things.
    pub fn outranks(&self, holder: &Self) -> bool {
        let ahead = if self.configuration == holder.configuration { SIBLINGS } else { Duration::ZERO };
        self.since > holder.since.plus(ahead)
    }
}

/// A lease that this worker holds. Dropping it does not release it, [`Lease::release`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    key: Box<str>,
    holder: Claimant,
    until: Timestamp,
    yields: bool,
}

impl Lease {
    /// Takes the lease under `key` for `duration`, if nobody else holds it at `now` whom `claimant` does not outrank.
    /// A holder that has not renewed it since `absent_before` is dead.
    ///
    /// All who share a key use one `duration`: a record that reaches much further into the future is left from before
    /// the clock was set back, and does not count. (A little further it may, when this worker was halted after it took
    /// the time.)
    pub fn try_take(
        store: &dyn SharedStore,
        key: &str,
        claimant: Claimant,
        now: Timestamp,
        absent_before: Timestamp,
        duration: Duration,
    ) -> Option<Self> {
        let found = store.get(key);
        let record = found.as_ref().and_then(|found| Record::read(&found.value).ok());
        if let Some(record) = record {
            let lives = absent_before.plus(duration) <= record.until;
            let held = lives && now < record.until && record.until <= now.plus(duration * LONGEST);
            let yields = record.yields && record.holder.configuration != claimant.configuration;
            let passes = record.holder.worker == claimant.worker || yields || claimant.outranks(&record.holder);
            if held && !passes {
                return None;
            }
        }
        let expect = found.map_or(Expect::Absent, |found| Expect::Version(found.version));
        let until = now.plus(duration);
        let record = Record { holder: claimant, until, yields: false };
        store.set(key, &record.bytes(), expect).ok()?;
        Some(Self { key: key.into(), holder: claimant, until, yields: false })
    }

    /// Whether no other worker has taken it over.
    pub fn holds(&self, store: &dyn SharedStore) -> bool {
        self.own_version(store).is_some()
    }

    /// Holds the lease until `duration` after `now`. False when another worker has taken it over in the meantime:
    /// it is lost then.
    pub fn renew(&mut self, store: &dyn SharedStore, now: Timestamp, duration: Duration) -> bool {
        let Some(version) = self.own_version(store) else {
            return false;
        };
        let until = now.plus(duration);
        let record = Record { holder: self.holder, until, yields: self.yields };
        let kept = store.set(&self.key, &record.bytes(), Expect::Version(version));
        self.until = until;
        kept.is_ok()
    }

    /// Gives it back, unless another worker has taken it over.
    pub fn release(self, store: &dyn SharedStore) {
        if let Some(version) = self.own_version(store) {
            // On a conflict it has just been taken over.
            let _ = store.set(&self.key, &[], Expect::Version(version));
        }
    }

    /// Says, from the next renewal on, whether any other configuration may have it. True when that is a change.
    pub fn set_yields(&mut self, yields: bool) -> bool {
        std::mem::replace(&mut self.yields, yields) != yields
    }

    /// The moment at which it ends, as far as this worker knows.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    fn own_version(&self, store: &dyn SharedStore) -> Option<Version> {
        let found = store.get(&self.key)?;
        let record = Record::read(&found.value).ok()?;
        (record.holder.worker == self.holder.worker).then_some(found.version)
    }
}

#[derive(Clone, Copy)]
struct Record {
    holder: Claimant,
    until: Timestamp,
    yields: bool,
}

impl Record {
    fn bytes(self) -> Vec<u8> {
        let Claimant { worker, configuration, since } = self.holder;
        let mut bytes = vec![FORMAT, u8::from(self.yields)];
        put_u64(&mut bytes, worker);
        put_u64(&mut bytes, configuration);
        put_time(&mut bytes, since);
        put_time(&mut bytes, self.until);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != FORMAT {
            return Err(Malformed);
        }
        let yields = reader.u8()? != 0;
        let holder = Claimant { worker: reader.u64()?, configuration: reader.u64()?, since: reader.time()? };
        let until = reader.time()?;
        reader.finish()?;
        Ok(Self { holder, until, yields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::memory::MemoryStore;

    const SPAN: Duration = Duration::from_secs(4);

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1000 + secs)
    }

    fn take(store: &dyn SharedStore, key: &str, claimant: Claimant, now: Timestamp) -> Option<Lease> {
        Lease::try_take(store, key, claimant, now, Timestamp::default(), SPAN)
    }

    /// One of the workers that started together.
    fn one(worker: u64) -> Claimant {
        Claimant { worker, configuration: 7, since: at(0) }
    }

    #[test]
    fn one_holder_at_a_time() {
        let store = MemoryStore::default();
        assert!(take(&store, "k", one(1), at(0)).is_some());
        assert!(take(&store, "k", one(2), at(3)).is_none());
        assert!(take(&store, "k", one(1), at(3)).is_some());
        assert!(take(&store, "other", one(2), at(3)).is_some());
    }

    #[test]
    fn a_dead_holder_is_followed_by_another_and_notices() {
        let store = MemoryStore::default();
        let mut first = take(&store, "k", one(1), at(0)).unwrap();
        assert!(first.renew(&store, at(2), SPAN));
        assert!(take(&store, "k", one(2), at(5)).is_none());
        let second = take(&store, "k", one(2), at(6)).unwrap();
        assert_eq!(second.until(), at(10));
        assert!(!first.renew(&store, at(6), SPAN));
        assert!(!first.holds(&store) && second.holds(&store));
        assert!(take(&store, "k", one(3), at(7)).is_none());
    }

    #[test]
    fn a_newer_configuration_takes_it_from_a_living_holder_and_keeps_it() {
        let store = MemoryStore::default();
        let old = take(&store, "k", one(1), at(0)).unwrap();
        let newer = Claimant { configuration: 8, since: at(1), ..one(2) };
        let newer = take(&store, "k", newer, at(1)).unwrap();
        assert!(!old.holds(&store) && newer.holds(&store));
        assert!(take(&store, "k", one(1), at(2)).is_none());
        // If it is gone, any worker may take over.
        assert!(take(&store, "k", one(1), at(5)).is_some());
    }

    #[test]
    fn workers_that_start_together_leave_it_to_the_first_and_later_ones_take_it() {
        let with = |configuration, since| Claimant { configuration, since: at(since), ..one(2) };
        assert!(!with(7, 0).outranks(&one(1)));
        assert!(!with(7, 10).outranks(&one(1)));
        assert!(with(7, 11).outranks(&one(1)));
        // However many configurations start at once, it only passes to one that started later, so this ends.
        assert!(!with(8, 0).outranks(&one(1)));
        assert!(with(8, 1).outranks(&one(1)) && !one(1).outranks(&with(8, 1)));
    }

    #[test]
    fn one_that_is_given_back_is_free_and_one_that_was_lost_cannot_be() {
        let store = MemoryStore::default();
        let first = take(&store, "k", one(1), at(0)).unwrap();
        first.clone().release(&store);
        assert!(!first.holds(&store));
        let second = take(&store, "k", one(2), at(0)).unwrap();
        first.release(&store);
        assert!(second.holds(&store));
    }

    #[test]
    fn a_holder_that_was_not_there_when_it_was_needed_is_followed_before_the_lease_ends() {
        let store = MemoryStore::default();
        let mut first = take(&store, "k", one(1), at(0)).unwrap();
        let needed = |since| Lease::try_take(&store, "k", one(2), at(3), at(since), SPAN);
        assert_eq!(needed(0), None);
        assert!(first.renew(&store, at(2), SPAN));
        assert_eq!(needed(2), None);
        assert!(needed(3).is_some());
    }

    #[test]
    fn one_that_is_yielded_goes_to_another_configuration_only() {
        let store = MemoryStore::default();
        let newer = Claimant { configuration: 8, since: at(1), ..one(2) };
        let mut lease = take(&store, "k", newer, at(1)).unwrap();
        assert!(lease.set_yields(true) && !lease.set_yields(true));
        assert!(take(&store, "k", one(1), at(2)).is_none());
        assert!(lease.renew(&store, at(2), SPAN));
        assert!(take(&store, "k", Claimant { worker: 3, ..newer }, at(2)).is_none());
        assert!(take(&store, "k", one(1), at(2)).is_some());
        assert!(take(&store, "k", one(4), at(2)).is_none());
    }

    #[test]
    fn foreign_values_and_a_clock_set_back_do_not_block() {
        let store = MemoryStore::default();
        for junk in [&b""[..], b"x", &[2; 33], &[1; 34], &[2; 35]] {
            store.set("k", junk, Expect::Anything).unwrap();
            assert!(take(&store, "k", one(2), at(0)).is_some());
        }
        assert!(take(&store, "late", one(1), at(1000)).is_some());
        assert!(take(&store, "late", one(2), at(0)).is_some());
    }

    #[test]
    fn of_two_that_try_at_once_one_wins() {
        /// A store in which another worker always gets between reading and writing.
        struct Raced(MemoryStore);
        impl SharedStore for Raced {
            fn get(&self, key: &str) -> Option<crate::port::Versioned> {
                let found = self.0.get(key);
                let _ = take(&self.0, key, one(9), at(0));
                found
            }
            fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), crate::port::WriteError> {
                self.0.set(key, value, expect)
            }
        }
        let store = Raced(MemoryStore::default());
        assert!(take(&store, "k", one(1), at(0)).is_none());
    }
}
