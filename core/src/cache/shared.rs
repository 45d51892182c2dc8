//! What the workers of a process share about tokens: a fixed number of sets in shared data, which each of them reads
//! and writes.
//!
//! Shared data can neither be deleted nor listed, so the keys are drawn from a fixed set: `<prefix>/slots/<n>`. The
//! token's digest picks the key, and what lies there ([`super::bucket`]) tells both what is known of the token and who asks
//! about it ([`super::claim`]). So a look-up costs one read. Where it finds nothing, taking the token's place costs one
//! write over what was read; and the answer one read and one write, which gives the place up.
//!
//! A set has room for [`WAYS`] good entries and, apart from them, for some negative ones, so that a flood of bad tokens
//! pushes no good one out; and for the places of dozens of tokens. A worker that finds no room for a place asks alone.
//!
//! # Memory
//!
//! All sets together hold at most `entries` good entries and about max(64, `entries` / 4) negative ones. The good
//! entries of a set take at most [`MAX_GOOD`](super::bucket::MAX_GOOD) bytes, its places at most
//! [`MAX_PLACES`](super::bucket::MAX_PLACES), and a negative entry takes 59, so that (fewer than 8 `entries` counted
//! as 8) all values together never take more than
//!
//! ```text
//! entries × 2.5 KiB + (negative entries + entries / 8) × 60 bytes
//! ```
//!
//! beside one key for each eight entries. Where nothing is kept, 1024 sets hold places alone: 4 MiB. Digests do not
//! fill all sets alike: of `entries` tokens in use, about 86 % are found here. An entry with a client and a handful of
//! scopes takes some 100 bytes. Lapsed entries and places go at the next write to their set.

use super::bucket::{Draft, Kept, Limits};
use super::claim::Claim;
use super::codec;
use super::entry::Remembered;
use super::lifetime::Freshness;
use super::settings::CacheSettings;
use crate::base::shared_key::numbered;
use crate::base::time::Timestamp;
use crate::port::{Expect, SharedStore, Versioned, WriteError};
use crate::token::digest::Digest;

/// Good entries in one set.
pub const WAYS: usize = 8;

/// Sets of a process that keeps no entries.
const BARE_SETS: usize = 1024;

/// How often a write is tried when other workers are faster.
const ATTEMPTS: usize = 8;

/// What this worker is to do about a token that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ask, tell the followers.
    Lead,
    /// Wait to be told; look again when `until` has passed.
    Follow {
        /// When the leader's lease ends, unless it renews.
        until: Timestamp,
    },
    /// Ask, for oneself only: there is no room for the others, or the store does not work.
    Alone,
}

/// One worker's way to the shared level. Holds no entries itself: they lie in the store that each call is given.
#[derive(Clone, Debug)]
pub struct SharedCache {
    settings: CacheSettings,
    prefix: Box<str>,
    sets: u64,
    limits: Limits,
    worker: u64,
    queue: u32,
}

/// A token's set as it was read.
#[derive(Debug)]
pub struct BucketSnapshot {
    /// Whether it told of an active token, however long ago.
    pub was_good: bool,
    key: String,
    found: Option<Versioned>,
}

impl SharedCache {
    /// For the worker with this unique number, which is told through `queue`. `prefix` names the plugin and the
    /// fingerprint of everything that shapes the facts; nothing else may write below it.
    pub fn new(prefix: &str, settings: &CacheSettings, worker: u64, queue: u32) -> Self {
        let sets = match settings.entries {
            0 => BARE_SETS,
            entries => (entries / WAYS).max(1),
        };
        let limits = Limits::new(settings.entries.min(WAYS), settings.negative_entries().div_ceil(sets), settings);
        Self {
            settings: settings.clone(),
            prefix: format!("{prefix}/slots/").into(),
            sets: sets as u64,
            limits,
            worker,
            queue,
        }
    }

    /// What the process knows of the token with that digest, and what was read to find out, for [`Self::join`]. Never a
    /// lapsed entry, nor one that lives longer than the settings allow.
    pub fn read(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        now: Timestamp,
    ) -> (Option<Remembered>, BucketSnapshot) {
        let mut seen = self.snapshot(store, digest);
        let entry = match self.settings.entries {
            0 => None,
            _ => self.limits.find(seen.set(), digest).map(|entry| self.settings.shorten(entry)),
        };
        seen.was_good = entry.as_ref().is_some_and(Remembered::is_active);
        (entry.filter(|entry| entry.freshness(now) != Freshness::Expired), seen)
    }

    /// Takes part in asking about the token: leads when nobody does, follows otherwise. `seen`, if its set was read
    /// just now, spares another read.
    pub fn join(&self, store: &dyn SharedStore, digest: &Digest, seen: Option<BucketSnapshot>, now: Timestamp) -> Role {
        let seen = seen.unwrap_or_else(|| self.snapshot(store, digest));
        let (role, written) = self.rewrite(store, digest, seen, 0, now, |draft| {
            let (role, place) = match draft.place.filter(|place| place.is_live(now)) {
                None => (Role::Lead, Claim::led_by(self.worker, digest, now)),
                Some(place) if place.leader == self.worker => return (Role::Lead, None),
                Some(place) if place.is_followed_by(self.queue) => return (Role::Follow { until: place.until }, None),
                Some(place) => (Role::Follow { until: place.until }, place.followed_by(self.queue)),
            };
            let entry = draft.entry;
            match draft.finish(Some(place), entry) {
                Some(set) => (role, Some(set)),
                None => (Role::Alone, None),
            }
        });
        if written.is_ok() { role } else { Role::Alone }
    }

    /// Tells the followers that this worker still leads.
    pub fn renew(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) {
        let seen = self.snapshot(store, digest);
        let _ = self.rewrite(store, digest, seen, 0, now, |draft| {
            let Some(place) = draft.place.filter(|place| place.leader == self.worker) else { return ((), None) };
            let entry = draft.entry;
            ((), draft.finish(Some(place.renewed(now)), entry))
        });
    }

    /// Ends the asking. What was `learned` is stored for the other workers; an answer that is not to be kept takes out
    /// what it replaces, and without an answer everything stays. Gives the queues of those who wait for it, if this
    /// worker `leads`.
    ///
    /// Nothing is written over an entry that is newer. One that is too large for a set is not to be kept there.
    pub fn publish(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        learned: Option<&Remembered>,
        leads: bool,
        now: Timestamp,
    ) -> Vec<u32> {
        let learned = learned.filter(|_| self.settings.entries > 0);
        let fresh = learned.filter(|learned| learned.freshness(now) == Freshness::Fresh);
        let encoded = fresh.map(|learned| codec::encode(learned, digest)).unwrap_or_default();
        let news = learned.map(|learned| (learned.lifetime.asked_at, Kept::new(&encoded)));
        if !leads && news.is_none() {
            return Vec::new();
        }
        let seen = self.snapshot(store, digest);
        // Where nothing can be written, those who were found waiting are told all the same.
        let (followers, _) = self.rewrite(store, digest, seen, encoded.len(), now, |draft| {
            let (own, place) = match draft.place {
                Some(place) if leads && place.leader == self.worker => (Some(place), None),
                other => (None, other),
            };
            let followers = own.map(|place| place.followers().collect()).unwrap_or_default();
            let entry = match (draft.entry, news) {
                (Some(before), Some((asked_at, _))) if before.head.lifetime.asked_at > asked_at => Some(before),
                (_, Some((_, entry))) => entry,
                (before, None) => before,
            };
            let set = if own.is_some() || entry != draft.entry { draft.finish(place, entry) } else { None };
            (followers, set)
        });
        followers
    }

    /// Rewrites the token's set by `change`, which may decline, until no other worker is in between. Gives what
    /// `change` made of the set that it met last, and whether that was written. `entry` is the length of a new entry.
    fn rewrite<T>(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        mut seen: BucketSnapshot,
        entry: usize,
        now: Timestamp,
        change: impl Fn(Draft<'_>) -> (T, Option<Vec<u8>>),
    ) -> (T, Result<(), WriteError>) {
        let mut attempts = 1;
        loop {
            let (outcome, set) = change(Draft::new(seen.set(), digest, &self.limits, now, entry));
            let Some(set) = set else { return (outcome, Ok(())) };
            match store.set(&seen.key, &set, seen.expect()) {
                Err(WriteError::Conflict) if attempts < ATTEMPTS => seen.found = store.get(&seen.key),
                written => return (outcome, written),
            }
            attempts += 1;
        }
    }

    /// Reads the set that the token belongs to.
    fn snapshot(&self, store: &dyn SharedStore, digest: &Digest) -> BucketSnapshot {
        let number = digest.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head));
        let key = numbered(&self.prefix, number.checked_rem(self.sets).unwrap_or_default());
        let found = store.get(&key);
        BucketSnapshot { was_good: false, key, found }
    }
}

impl BucketSnapshot {
    fn set(&self) -> &[u8] {
        self.found.as_ref().map_or(&[], |found| &found.value)
    }

    fn expect(&self) -> Expect {
        self.found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version))
    }
}

#[cfg(test)]
mod tests;
