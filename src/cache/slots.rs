//! The tokens that the process knows: a fixed number of slots in shared data, which every worker reads and writes.
//!
//! Shared data can neither be deleted nor listed, so the keys are drawn from a fixed set: `<prefix>/good/<n>` and
//! `<prefix>/negative/<n>`. Each key holds one set of up to [`WAYS`] entries, and the token's digest picks the set:
//! a look-up costs one read when the token is good and two otherwise, a store two reads and one write.
//!
//! # Memory
//!
//! The good area holds at most `entries` entries and the negative one max(64, `entries` / 4), in sets of eight. A set
//! takes at most [`MAX_SET`] bytes and a negative entry takes 59, so that (for `entries` of 8 and more) all values
//! together never take more than
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

use std::time::Duration;

use super::codec::{self, Head, MAX_ENTRY, Reader};
use super::digest::Digest;
use super::entry::{Freshness, Remembered};
use super::ttl::Settings;
use crate::base::time::Timestamp;
use crate::shared::store::{Expect, SharedStore, WriteError};

/// Entries in one set.
pub const WAYS: usize = 8;

/// Largest encoded set, in bytes: 2 KiB for each of its entries.
pub const MAX_SET: usize = WAYS * 2 * 1024;

/// How often a write is tried when other workers are faster.
const ATTEMPTS: usize = 2;

/// The shared level. Holds no entries itself: they lie in the store that each call is given.
#[derive(Clone, Debug)]
pub struct Slots {
    settings: Settings,
    good: Area,
    negative: Area,
}

/// A range of keys, each with one set.
#[derive(Clone, Debug)]
struct Area {
    prefix: Box<str>,
    sets: u64,
    ways: usize,
    /// The longest that an entry may serve.
    longest: Duration,
}

impl Slots {
    /// `prefix` names the plugin and the fingerprint of everything that shapes the facts; nothing else may write below
    /// it.
    pub fn new(prefix: &str, settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            good: Area::new(
                format!("{prefix}/good/"),
                settings.entries,
                settings.max_ttl.saturating_add(settings.stale_if_error),
            ),
            negative: Area::new(format!("{prefix}/negative/"), settings.negative_entries(), settings.negative_ttl),
        }
    }

    /// What the process knows of the token with that digest; never a lapsed entry, nor one that lives longer than the
    /// settings allow.
    pub fn get(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) -> Option<Remembered> {
        let good = self.read(&self.good, store, digest, now);
        if let Some((_, Freshness::Fresh)) = good {
            return good.map(|(entry, _)| entry);
        }
        let negative = self.read(&self.negative, store, digest, now);
        negative.or(good).map(|(entry, _)| entry)
    }

    /// Stores an answer for the other workers; says whether it was written.
    ///
    /// An entry over [`MAX_ENTRY`] is not stored, nor one that is older than what either area holds. An older
    /// answer in the other area is taken out: it could outlive this one.
    pub fn put(&self, store: &dyn SharedStore, digest: &Digest, remembered: &Remembered, now: Timestamp) -> bool {
        let (its, other) = match remembered.is_active() {
            true => (&self.good, &self.negative),
            false => (&self.negative, &self.good),
        };
        other.displace(store, digest, remembered.obtained_at, now) && its.put(store, digest, remembered, now)
    }

    /// Takes every answer out that is older than the one obtained at `obtained_at`, which is not to be kept itself.
    pub fn forget(&self, store: &dyn SharedStore, digest: &Digest, obtained_at: Timestamp, now: Timestamp) {
        for area in [&self.good, &self.negative] {
            area.displace(store, digest, obtained_at, now);
        }
    }

    fn read(
        &self,
        area: &Area,
        store: &dyn SharedStore,
        digest: &Digest,
        now: Timestamp,
    ) -> Option<(Remembered, Freshness)> {
        let found = store.get(&area.key(digest)?)?;
        let entry = entries(&found.value)
            .find_map(|bytes| codec::decode(bytes, digest).ok().flatten())
            .map(|entry| self.settings.cut(entry))?;
        match entry.freshness(now) {
            Freshness::Lapsed => None,
            freshness => Some((entry, freshness)),
        }
    }
}

/// An entry that a rewritten set keeps.
#[derive(Clone, Copy)]
struct Kept<'a> {
    head: Head,
    bytes: &'a [u8],
}

impl Area {
    /// Room for at most `entries` entries.
    fn new(prefix: String, entries: usize, longest: Duration) -> Self {
        Self {
            prefix: prefix.into(),
            sets: (entries / WAYS).max(entries.min(1)) as u64,
            ways: entries.min(WAYS),
            longest,
        }
    }

    /// The key of the set that the token belongs to; `None` when nothing is kept.
    fn key(&self, digest: &Digest) -> Option<String> {
        let (number, _) = digest.split_first_chunk::<8>()?;
        let set = u64::from_le_bytes(*number).checked_rem(self.sets)?;
        Some(format!("{}{set}", self.prefix))
    }

    fn put(&self, store: &dyn SharedStore, digest: &Digest, remembered: &Remembered, now: Timestamp) -> bool {
        let entry = codec::encode(remembered, digest);
        if Head::read(&entry).is_err() {
            return false;
        }
        self.rewrite(store, digest, now, |mut kept| {
            let is_mine = |other: &Kept<'_>| other.head.digest == *digest;
            let newer = |other: &Kept<'_>| other.head.obtained_at > remembered.obtained_at;
            if kept.iter().any(|other| is_mine(other) && newer(other)) {
                return None;
            }
            kept.retain(|other| !is_mine(other));
            self.make_room(&mut kept, entry.len());
            let mut set = encode_set(&kept);
            put_entry(&mut set, &entry);
            Some(set)
        })
    }

    /// Takes an older answer than the one obtained at `obtained_at` out; `false` when there is a newer one.
    fn displace(&self, store: &dyn SharedStore, digest: &Digest, obtained_at: Timestamp, now: Timestamp) -> bool {
        let mut newer = false;
        self.rewrite(store, digest, now, |mut kept| {
            let before = kept.len();
            kept.retain(|other| other.head.digest != *digest || other.head.obtained_at > obtained_at);
            newer = kept.iter().any(|other| other.head.digest == *digest);
            (kept.len() < before).then(|| encode_set(&kept))
        });
        !newer
    }

    /// Replaces the token's set by what `change` makes of its living entries, unless that is `None`; says whether it
    /// was written.
    fn rewrite(
        &self,
        store: &dyn SharedStore,
        digest: &Digest,
        now: Timestamp,
        mut change: impl FnMut(Vec<Kept<'_>>) -> Option<Vec<u8>>,
    ) -> bool {
        let Some(key) = self.key(digest) else {
            return false;
        };
        for _ in 0..ATTEMPTS {
            let found = store.get(&key);
            let (value, expect) = match &found {
                Some(found) => (found.value.as_slice(), Expect::Version(found.version)),
                None => (&[][..], Expect::Absent),
            };
            let Some(set) = change(self.living(value, now)) else {
                return false;
            };
            match store.set(&key, &set, expect) {
                Ok(()) => return true,
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return false,
            }
        }
        false
    }

    /// The entries of a set that are worth keeping: readable and not lapsed, whatever lifetime they claim.
    fn living<'a>(&self, set: &'a [u8], now: Timestamp) -> Vec<Kept<'a>> {
        let kept = entries(set).filter_map(|bytes| {
            let mut head = Head::read(bytes).ok()?;
            let last = head.obtained_at.plus(self.longest);
            head.lifetime.fresh_until = head.lifetime.fresh_until.min(last);
            head.lifetime.stale_until = head.lifetime.stale_until.min(last);
            let freshness = head.lifetime.freshness(head.obtained_at, now);
            (freshness != Freshness::Lapsed).then_some(Kept { head, bytes })
        });
        kept.collect()
    }

    /// Drops what lapses first until one more entry of `length` bytes fits.
    fn make_room(&self, kept: &mut Vec<Kept<'_>>, length: usize) {
        let size = |length: usize| length + LENGTH_BYTES;
        let mut total: usize = kept.iter().map(|entry| size(entry.bytes.len())).sum();
        kept.sort_by_key(|entry| std::cmp::Reverse((entry.head.lifetime.fresh_until, entry.head.obtained_at)));
        while kept.len() >= self.ways || total + size(length) > MAX_SET {
            let Some(dropped) = kept.pop() else {
                return;
            };
            total = total.saturating_sub(size(dropped.bytes.len()));
        }
    }
}

/// The most that the length in front of an entry takes: [`MAX_ENTRY`] fits two bytes of LEB128.
const LENGTH_BYTES: usize = 2;
const _: () = assert!(MAX_ENTRY < 1 << 14 && MAX_ENTRY + LENGTH_BYTES <= MAX_SET);

fn encode_set(kept: &[Kept<'_>]) -> Vec<u8> {
    let mut set = Vec::with_capacity(kept.iter().map(|e| e.bytes.len() + LENGTH_BYTES).sum());
    for entry in kept {
        put_entry(&mut set, entry.bytes);
    }
    set
}

fn put_entry(set: &mut Vec<u8>, entry: &[u8]) {
    codec::put_length(set, entry.len());
    set.extend_from_slice(entry);
}

/// The entries of a set, up to the first that is not there in full; none of a set that is larger than any of ours.
fn entries(set: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader(if set.len() > MAX_SET { &[] } else { set });
    std::iter::from_fn(move || reader.sized().ok()).take(WAYS)
}

#[cfg(test)]
mod tests;
