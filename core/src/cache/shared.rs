//! The shared cache: a fixed number of buckets in shared data, which every worker of the process reads and writes.
//!
//! Shared data can neither be deleted nor listed, so the keys are drawn from a fixed set: `<prefix>/slots/<n>`. The
//! token's digest picks the bucket, which says both what is known of the token and who asks about it (its
//! [claim](super::claim)). So a lookup costs one read. Where it finds nothing, a claim costs one write over what was
//! read; and the answer one read and one write, which ends the claim.
//!
//! A bucket has room for [`WAYS`] good entries and, apart from them, for some negative ones, so that a flood of bad
//! tokens pushes no good one out; and for claims on dozens of tokens. A worker that finds no room for a claim asks
//! alone.
//!
//! # Memory
//!
//! All buckets together hold at most `entries` good entries and about max(64, `entries` / 4) negative ones. The good
//! entries of a bucket take at most [`MAX_GOOD`](super::bucket::MAX_GOOD) bytes, its claims at most
//! [`MAX_CLAIMS`](super::bucket::MAX_CLAIMS), and a negative entry takes 59, so that (fewer than 8 `entries` counted
//! as 8) all values together never take more than
//!
//! ```text
//! entries × 2.5 KiB + (negative entries + entries / 8) × 60 bytes
//! ```
//!
//! beside one key for each eight entries. Where nothing is kept, 1024 buckets hold claims alone: 4 MiB. Digests do not
//! fill all buckets alike: of `entries` tokens in use, about 86 % are found here. An entry with a client and a handful
//! of scopes takes some 100 bytes. Expired entries and claims go at the next write to their bucket.

use super::bucket::{Bucket, EntryRecord, Limits, WAYS};
use super::claim::Claim;
use super::codec;
use super::entry::Remembered;
use super::lifetime::Freshness;
use super::settings::CacheSettings;
use crate::base::shared_key::numbered;
use crate::base::time::Timestamp;
use crate::port::{Expect, SharedStore, Versioned, WriteError};
use crate::token::digest::Digest;

/// Buckets of a process that keeps no entries.
const BARE_BUCKETS: usize = 1024;

/// How often a write is tried when other workers are faster.
const ATTEMPTS: usize = 8;

/// What this worker has to do about a token that is not cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Introspect, and send the answer to the followers.
    Lead,
    /// Wait for the answer; join again when `until` has passed.
    Follow {
        /// When the leader's lease ends, unless it renews.
        until: Timestamp,
    },
    /// Introspect for this worker only: there is no room for another claim, or the store fails.
    Alone,
}

/// One worker's access to the shared cache. It contains no entries itself: they are in the store that each call gets.
#[derive(Clone, Debug)]
pub struct SharedCache {
    settings: CacheSettings,
    prefix: Box<str>,
    buckets: u64,
    limits: Limits,
    worker: u64,
    queue: u32,
}

/// A token's bucket as it was read, with what a compare-and-swap over it needs.
#[derive(Debug)]
pub struct BucketSnapshot {
    /// Whether it had facts of an active token, however long ago.
    pub was_good: bool,
    key: String,
    found: Option<Versioned>,
}

impl SharedCache {
    /// For the worker with this unique number, which gets answers through `queue`. `prefix` names the plugin and the
    /// fingerprint of everything that shapes the facts; nothing else may write below it.
    pub fn new(prefix: &str, settings: &CacheSettings, worker: u64, queue: u32) -> Self {
        let buckets = match settings.entries {
            0 => BARE_BUCKETS,
            entries => (entries / WAYS).max(1),
        };
        let limits = Limits::new(settings.entries.min(WAYS), settings.negative_entries().div_ceil(buckets), settings);
        Self {
            settings: settings.clone(),
            prefix: format!("{prefix}/slots/").into(),
            buckets: buckets as u64,
            limits,
            worker,
            queue,
        }
    }

    /// What the process knows of the token with that digest, and its bucket, for [`Self::join`]. Never an expired
    /// entry, nor one that lives longer than the settings allow.
    pub fn read(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        now: Timestamp,
    ) -> (Option<Remembered>, BucketSnapshot) {
        let mut snapshot = self.snapshot(store, digest);
        let entry = match self.settings.entries {
            0 => None,
            _ => self.limits.find(snapshot.bytes(), digest).map(|entry| self.settings.shorten(entry)),
        };
        snapshot.was_good = entry.as_ref().is_some_and(Remembered::is_active);
        (entry.filter(|entry| entry.freshness(now) != Freshness::Expired), snapshot)
    }

    /// Takes part in asking about the token: leads when nobody does, follows otherwise. A `snapshot` that was taken
    /// just now spares another read.
    pub fn join(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        snapshot: Option<BucketSnapshot>,
        now: Timestamp,
    ) -> Role {
        let snapshot = snapshot.unwrap_or_else(|| self.snapshot(store, digest));
        let (role, written) = self.rewrite(store, digest, snapshot, now, |bucket| {
            let (role, claim) = match bucket.claim.filter(|claim| claim.is_live(now)) {
                None => (Role::Lead, Claim::led_by(self.worker, digest, now)),
                Some(claim) if claim.leader == self.worker => return (Role::Lead, None),
                Some(claim) if claim.is_followed_by(self.queue) => return (Role::Follow { until: claim.until }, None),
                Some(claim) => (Role::Follow { until: claim.until }, claim.followed_by(self.queue)),
            };
            let entry = bucket.entry;
            match bucket.write(Some(claim), entry) {
                Some(bytes) => (role, Some(bytes)),
                None => (Role::Alone, None),
            }
        });
        if written.is_ok() { role } else { Role::Alone }
    }

    /// Shows the followers that this worker is still the leader.
    pub fn renew(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) {
        let snapshot = self.snapshot(store, digest);
        let _ = self.rewrite(store, digest, snapshot, now, |bucket| {
            let Some(claim) = bucket.claim.filter(|claim| claim.leader == self.worker) else { return ((), None) };
            let entry = bucket.entry;
            ((), bucket.write(Some(claim.renewed(now)), entry))
        });
    }

    /// Stores what was `learned` for the other workers, and ends the claim of this one if it `leads`. An answer that is
    /// not to be kept takes out what it replaces; without an answer the entry stays. Returns the queues of those who
    /// wait for the answer.
    ///
    /// An entry that is newer is not replaced. One that is too large for a bucket is not to be kept there.
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
        let news = learned.map(|learned| (learned.lifetime.asked_at, EntryRecord::new(&encoded)));
        if !leads && news.is_none() {
            return Vec::new();
        }
        let snapshot = self.snapshot(store, digest);
        // If nothing can be written, the followers found still get the answer.
        let (followers, _) = self.rewrite(store, digest, snapshot, now, |bucket| {
            let (own, claim) = match bucket.claim {
                Some(claim) if leads && claim.leader == self.worker => (Some(claim), None),
                other => (None, other),
            };
            let followers = own.map(|claim| claim.followers().collect()).unwrap_or_default();
            let before = bucket.entry;
            let entry = match (before, news) {
                (Some(before), Some((asked_at, _))) if before.head.lifetime.asked_at > asked_at => Some(before),
                (_, Some((_, entry))) => entry,
                (before, None) => before,
            };
            let bytes = if own.is_some() || entry != before { bucket.write(claim, entry) } else { None };
            (followers, bytes)
        });
        followers
    }

    /// Rewrites the token's bucket by `change`, which may decline, until no other worker is in between. Returns what
    /// `change` made of the bucket that it got last, and whether that was written.
    fn rewrite<T>(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        mut snapshot: BucketSnapshot,
        now: Timestamp,
        change: impl Fn(Bucket<'_>) -> (T, Option<Vec<u8>>),
    ) -> (T, Result<(), WriteError>) {
        let mut attempts = 1;
        loop {
            let (outcome, bytes) = change(Bucket::read(snapshot.bytes(), digest, &self.limits, now));
            let Some(bytes) = bytes else { return (outcome, Ok(())) };
            match store.set(&snapshot.key, &bytes, snapshot.expect()) {
                Err(WriteError::Conflict) if attempts < ATTEMPTS => snapshot.found = store.get(&snapshot.key),
                written => return (outcome, written),
            }
            attempts += 1;
        }
    }

    fn snapshot(&self, store: &dyn SharedStore, digest: &Digest) -> BucketSnapshot {
        let number = digest.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head));
        let key = numbered(&self.prefix, number.checked_rem(self.buckets).unwrap_or_default());
        let found = store.get(&key);
        BucketSnapshot { was_good: false, key, found }
    }
}

impl BucketSnapshot {
    fn bytes(&self) -> &[u8] {
        self.found.as_ref().map_or(&[], |found| &found.value)
    }

    fn expect(&self) -> Expect {
        self.found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version))
    }
}

#[cfg(test)]
mod tests;
