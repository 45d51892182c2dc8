//! The tokens that the process knows: a fixed number of slots in shared data, which every worker reads and writes.
//!
//! Shared data can neither be deleted nor listed, so the keys are drawn from a fixed set: `<prefix>/slots/<n>`. Each
//! key holds one set of entries, and the token's digest picks the set: a look-up costs one read, a store one read and
//! one write. A set has room for [`WAYS`] good entries and, apart from them, for some negative ones, so that a flood of
//! bad tokens pushes no good one out.
//!
//! # Memory
//!
//! All sets together hold at most `entries` good entries and about max(64, `entries` / 4) negative ones. The good
//! entries of a set take at most [`MAX_GOOD`] bytes and a negative entry takes 59, so that (for `entries` of 8 and more)
//! all values together never take more than
//!
//! ```text
//! entries × 2 KiB + negative entries × 59 bytes
//! ```
//!
//! beside one key for each eight entries. Digests do not fill all sets alike: of `entries` tokens in use, about 86 % are
//! found here. An entry with a client and a handful of scopes takes some 100 bytes. Lapsed entries go at the next write
//! to their set.
//!
//! What lies there was written by others: an entry that is corrupt, of another version or of another token is a miss.
//! Losing an entry is harmless, so a write that meets another worker's is tried once more and then left.

use super::codec::{self, Head, MAX_ENTRY, Reader};
use super::digest::Digest;
use super::entry::{Freshness, Remembered};
use super::ttl::Settings;
use crate::base::time::Timestamp;
use crate::shared::key::numbered;
use crate::shared::store::{Expect, SharedStore, WriteError};

/// Good entries in one set.
pub const WAYS: usize = 8;

/// Most bytes of good entries in one set: 2 KiB for each.
pub const MAX_GOOD: usize = WAYS * 2 * 1024;

/// What a negative entry takes in its set, in bytes.
const NEGATIVE_BYTES: usize = 59;

/// How often a write is tried when other workers are faster.
const ATTEMPTS: usize = 2;

/// The shared level. Holds no entries itself: they lie in the store that each call is given.
#[derive(Clone, Debug)]
pub struct Slots {
    settings: Settings,
    prefix: Box<str>,
    sets: u64,
    good_ways: usize,
    negative_ways: usize,
}

/// An entry that a rewritten set keeps.
#[derive(Clone, Copy)]
struct Kept<'a> {
    head: Head,
    bytes: &'a [u8],
}

impl Slots {
    /// `prefix` names the plugin and the fingerprint of everything that shapes the facts; nothing else may write below
    /// it.
    pub fn new(prefix: &str, settings: &Settings) -> Self {
        let sets = (settings.entries / WAYS).max(settings.entries.min(1));
        Self {
            settings: settings.clone(),
            prefix: format!("{prefix}/slots/").into(),
            sets: sets as u64,
            good_ways: settings.entries.min(WAYS),
            negative_ways: settings.negative_entries().div_ceil(sets.max(1)),
        }
    }

    /// What the process knows of the token with that digest; never a lapsed entry, nor one that lives longer than the
    /// settings allow.
    pub fn get(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) -> Option<Remembered> {
        let found = store.get(&self.key(digest)?)?;
        let entry = self.entries(&found.value).find_map(|bytes| codec::decode(bytes, digest).ok().flatten())?;
        Some(self.settings.cut(entry)).filter(|entry| entry.freshness(now) != Freshness::Lapsed)
    }

    /// Stores an answer for the other workers; says whether it was written.
    ///
    /// An entry over [`MAX_ENTRY`] is not stored, nor one that is older than what is there already.
    pub fn put(&self, store: &dyn SharedStore, digest: &Digest, remembered: &Remembered, now: Timestamp) -> bool {
        let entry = codec::encode(remembered, digest);
        let Ok(head) = Head::read(&entry) else { return false };
        let newest = Kept { head, bytes: &entry };
        self.replace(store, digest, remembered.obtained_at, now, |kept, _| Some(encode_set(&self.with(kept, newest))))
    }

    /// Takes what was obtained until `obtained_at` out: a later answer, which is not to be kept, has replaced it.
    pub fn forget(&self, store: &dyn SharedStore, digest: &Digest, obtained_at: Timestamp, now: Timestamp) {
        self.replace(store, digest, obtained_at, now, |kept, found| found.then(|| encode_set(&kept)));
    }

    /// Rewrites the token's set by `change`, which is told whether the token's own entry was among those that are kept
    /// and has been taken out, and may decline. Nothing is written over an entry newer than `obtained_at`.
    fn replace(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        obtained_at: Timestamp,
        now: Timestamp,
        change: impl Fn(Vec<Kept<'_>>, bool) -> Option<Vec<u8>>,
    ) -> bool {
        let Some(key) = self.key(digest) else { return false };
        for _ in 0..ATTEMPTS {
            let found = store.get(&key);
            let (value, expect) = match &found {
                Some(found) => (found.value.as_slice(), Expect::Version(found.version)),
                None => (&[][..], Expect::Absent),
            };
            let mut kept = self.living(value, now);
            let before = kept.len();
            if kept.iter().any(|other| other.head.digest == *digest && other.head.obtained_at > obtained_at) {
                return false;
            }
            kept.retain(|other| other.head.digest != *digest);
            let was_there = kept.len() < before;
            let Some(set) = change(kept, was_there) else { return false };
            match store.set(&key, &set, expect) {
                Ok(()) => return true,
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return false,
            }
        }
        false
    }

    /// The key of the set that the token belongs to; `None` when nothing is kept.
    fn key(&self, digest: &Digest) -> Option<String> {
        let (number, _) = digest.split_first_chunk::<8>()?;
        let set = u64::from_le_bytes(*number).checked_rem(self.sets)?;
        Some(numbered(&self.prefix, set))
    }

    /// The entries of a set that are worth keeping: readable and not lapsed, whatever lifetime they claim.
    fn living<'a>(&self, set: &'a [u8], now: Timestamp) -> Vec<Kept<'a>> {
        let kept = self.entries(set).filter_map(|bytes| {
            let mut head = Head::read(bytes).ok()?;
            let longest = match head.is_active() {
                true => self.settings.max_ttl.saturating_add(self.settings.stale_if_error),
                false => self.settings.negative_ttl,
            };
            let last = head.obtained_at.plus(longest);
            head.lifetime.fresh_until = head.lifetime.fresh_until.min(last);
            head.lifetime.stale_until = head.lifetime.stale_until.min(last);
            let freshness = head.lifetime.freshness(head.obtained_at, now);
            (freshness != Freshness::Lapsed).then_some(Kept { head, bytes })
        });
        kept.collect()
    }

    /// `kept` and one entry more. Of its kind, good or negative, those go that lapse first, until it fits.
    fn with<'a>(&self, kept: Vec<Kept<'a>>, entry: Kept<'a>) -> Vec<Kept<'a>> {
        let (mut kin, mut set): (Vec<_>, Vec<_>) =
            kept.into_iter().partition(|other| other.head.is_active() == entry.head.is_active());
        let ways = if entry.head.is_active() { self.good_ways } else { self.negative_ways };
        let size = |entry: &Kept<'_>| entry.bytes.len() + LENGTH_BYTES;
        let mut total: usize = kin.iter().map(size).sum();
        kin.sort_by_key(|other| std::cmp::Reverse((other.head.lifetime.fresh_until, other.head.obtained_at)));
        while kin.len() >= ways || total + size(&entry) > MAX_GOOD {
            let Some(dropped) = kin.pop() else { break };
            total = total.saturating_sub(size(&dropped));
        }
        set.append(&mut kin);
        set.push(entry);
        set
    }

    /// The entries of a set, up to the first that is not there in full; none of a set that is larger than any of ours.
    fn entries<'a>(&self, set: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let fits = set.len() <= MAX_GOOD + self.negative_ways * NEGATIVE_BYTES;
        let mut reader = Reader(if fits { set } else { &[] });
        std::iter::from_fn(move || reader.sized().ok()).take(self.good_ways + self.negative_ways)
    }
}

/// The most that the length in front of an entry takes: [`MAX_ENTRY`] fits two bytes of LEB128.
const LENGTH_BYTES: usize = 2;
const _: () = assert!(MAX_ENTRY < 1 << 14 && MAX_ENTRY + LENGTH_BYTES <= MAX_GOOD);

fn encode_set(kept: &[Kept<'_>]) -> Vec<u8> {
    let mut set = Vec::with_capacity(kept.iter().map(|entry| entry.bytes.len() + LENGTH_BYTES).sum());
    for entry in kept {
        codec::put_length(&mut set, entry.bytes.len());
        set.extend_from_slice(entry.bytes);
    }
    set
}

#[cfg(test)]
mod tests;
