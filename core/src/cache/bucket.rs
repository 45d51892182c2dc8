//! One bucket of the shared cache: the answers stored for the tokens in it, and the claims on those being
//! introspected. A bucket is read, changed and written as a whole:
//!
//! ```text
//! format u8, then records, each its length and its bytes:
//!   an entry   as `codec` writes it; its first byte is never 0
//!   a claim    as `claim` writes it; its first byte is 0
//! ```
//!
//! What is in shared data was written by others: a record that is corrupt or of another version does not count, and
//! neither does anything in a value that is of another format or larger than any of ours.

use super::claim::{self, Claim};
use super::codec::{self, EntryHead, MAX_ENTRY};
use super::entry::Remembered;
use super::lifetime::Freshness;
use super::settings::CacheSettings;
use crate::base::time::Timestamp;
use crate::base::wire::{Reader, put_bytes, put_varint};
use crate::token::digest::Digest;
use std::iter;
use std::time::Duration;

pub(super) const WAYS: usize = 8;

/// Most bytes of good entries in one bucket: 2 KiB for each.
pub(super) const MAX_GOOD: usize = WAYS * 2 * 1024;

/// Most bytes of claims in one bucket: on 80 tokens that nobody else waits for, or on 36 with fifteen followers each.
pub(super) const MAX_CLAIMS: usize = 4 * 1024;

/// What a negative entry takes in its bucket, in bytes.
pub(super) const NEGATIVE_BYTES: usize = 59;

/// Changes with the layout and with the meaning of any field, except those of an entry.
const FORMAT: u8 = 2;
const _: () = assert!(codec::VERSION != claim::KIND);

/// The most that the length in front of a record takes.
const LENGTH_BYTES: usize = 2;
const _: () = assert!(MAX_ENTRY < 1 << 14 && MAX_ENTRY + LENGTH_BYTES <= MAX_GOOD && MAX_CLAIMS < 1 << 14);

/// What a bucket may contain.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub good: usize,
    pub negative: usize,
    good_life: Duration,
    negative_life: Duration,
}

/// An encoded entry whose facts have not been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryRecord<'a> {
    /// Its head, with no longer a lifetime than the settings allow.
    pub head: EntryHead<'a>,
    bytes: &'a [u8],
}

/// A bucket that was read on behalf of one token, without expired records.
pub(super) struct Bucket<'a> {
    /// The token's claim, also one that has expired.
    pub claim: Option<Claim<'a>>,
    pub entry: Option<EntryRecord<'a>>,
    now: Timestamp,
    /// Of other tokens, as they were written.
    claims: Vec<&'a [u8]>,
    claim_bytes: usize,
    good: Pool<'a>,
    negative: Pool<'a>,
}

/// The entries of other tokens of one kind, good or negative.
struct Pool<'a> {
    entries: Vec<EntryRecord<'a>>,
    bytes: usize,
    max_entries: usize,
}

impl Limits {
    /// For buckets of so many good and so many negative entries.
    pub(super) fn new(good: usize, negative: usize, settings: &CacheSettings) -> Self {
        let good_life = settings.max_ttl.saturating_add(settings.stale_if_error);
        Self { good, negative, good_life, negative_life: settings.negative_ttl }
    }

    /// The token's entry in a bucket, whatever its lifetime.
    pub(super) fn find(&self, bucket: &[u8], digest: &Digest) -> Option<Remembered> {
        self.records(bucket).find_map(|record| codec::decode(record, digest).ok().flatten())
    }

    /// The largest bucket.
    pub(super) fn max_bytes(&self) -> usize {
        1 + MAX_CLAIMS + MAX_GOOD + self.negative * NEGATIVE_BYTES
    }

    /// The records of a bucket, up to the first that is not there in full.
    pub(super) fn records<'a>(&self, bucket: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let ours = bucket.strip_prefix(&[FORMAT]).filter(|_| bucket.len() <= self.max_bytes());
        let mut reader = Reader::new(ours.unwrap_or_default());
        iter::from_fn(move || reader.bytes().ok())
    }

    /// The entry in `record`, if it can be read and has not expired, whatever lifetime it claims.
    fn usable<'a>(&self, record: &'a [u8], now: Timestamp) -> Option<EntryRecord<'a>> {
        let mut entry = EntryRecord::new(record)?;
        let life = if entry.head.is_active() { self.good_life } else { self.negative_life };
        let lifetime = &mut entry.head.lifetime;
        let last = lifetime.asked_at.plus(life);
        lifetime.fresh_until = lifetime.fresh_until.min(last);
        lifetime.stale_until = lifetime.stale_until.min(last);
        (lifetime.freshness(now) != Freshness::Expired).then_some(entry)
    }
}

impl<'a> EntryRecord<'a> {
    /// An entry that [`codec::encode`] has written; `None` when it is too large for a bucket.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { head: EntryHead::read(bytes).ok()?, bytes })
    }

    fn size(&self) -> usize {
        self.bytes.len() + LENGTH_BYTES
    }
}

impl<'a> Bucket<'a> {
    /// Reads a bucket on behalf of the token with this digest. Of what others have stored, no more counts than fits.
    pub(super) fn read(bytes: &'a [u8], digest: &Digest, limits: &Limits, now: Timestamp) -> Self {
        let (good, negative) = (Pool::new(limits.good), Pool::new(limits.negative));
        let mut bucket = Self { claim: None, entry: None, now, claims: Vec::new(), claim_bytes: 0, good, negative };
        for record in limits.records(bytes) {
            if let Some(claim) = Claim::read(record) {
                if claim.digest != digest {
                    if claim.is_live(now) && bucket.count_claim(&claim) {
                        bucket.claims.push(record);
                    }
                } else if claim_size(&claim) <= MAX_CLAIMS {
                    bucket.claim.get_or_insert(claim);
                }
            } else if let Some(entry) = limits.usable(record, now) {
                if entry.head.digest != digest {
                    bucket.pool(&entry).add(entry);
                } else {
                    bucket.entry.get_or_insert(entry);
                }
            }
        }
        bucket
    }

    /// The bucket's bytes with this claim and this entry of the token. Other entries of that one's kind, good or
    /// negative, make room for it, those first that expire first. `None` when there is no room for the claim.
    pub(super) fn write(mut self, claim: Option<Claim<'a>>, entry: Option<EntryRecord<'a>>) -> Option<Vec<u8>> {
        let claim = claim.filter(|claim| claim.is_live(self.now));
        if claim.is_some_and(|claim| !self.count_claim(&claim)) {
            return None;
        }
        if let Some(entry) = entry {
            self.pool(&entry).insert(entry);
        }
        let size = 1 + self.good.bytes + self.negative.bytes + self.claim_bytes;
        let mut bytes = Vec::with_capacity(size);
        bytes.push(FORMAT);
        for entry in self.good.entries.iter().chain(&self.negative.entries) {
            put_bytes(&mut bytes, entry.bytes);
        }
        for claim in self.claims {
            put_bytes(&mut bytes, claim);
        }
        if let Some(claim) = claim {
            put_varint(&mut bytes, claim.length() as u64);
            claim.write(&mut bytes);
        }
        Some(bytes)
    }

    /// Counts a claim, if there is room for it.
    fn count_claim(&mut self, claim: &Claim<'_>) -> bool {
        let bytes = self.claim_bytes + claim_size(claim);
        let fits = bytes <= MAX_CLAIMS;
        if fits {
            self.claim_bytes = bytes;
        }
        fits
    }

    fn pool(&mut self, entry: &EntryRecord<'_>) -> &mut Pool<'a> {
        if entry.head.is_active() { &mut self.good } else { &mut self.negative }
    }
}

impl<'a> Pool<'a> {
    fn new(max_entries: usize) -> Self {
        Self { entries: Vec::with_capacity(max_entries), bytes: 0, max_entries }
    }

    /// Adds an entry, if there is room for it.
    fn add(&mut self, entry: EntryRecord<'a>) -> bool {
        let bytes = self.bytes + entry.size();
        let fits = self.entries.len() < self.max_entries && bytes <= MAX_GOOD;
        if fits {
            self.entries.push(entry);
            self.bytes = bytes;
        }
        fits
    }

    /// Adds an entry in the place of those that expire first.
    fn insert(&mut self, entry: EntryRecord<'a>) {
        while !self.add(entry) && self.evict() {}
    }

    /// Takes the entry out that expires first; says whether there was one.
    fn evict(&mut self) -> bool {
        let expiry = |entry: &EntryRecord<'_>| (entry.head.lifetime.fresh_until, entry.head.lifetime.asked_at);
        let first = self.entries.iter().enumerate().min_by_key(|(_, entry)| expiry(entry)).map(|(index, _)| index);
        let evicted = first.map(|index| self.entries.remove(index));
        self.bytes = self.bytes.saturating_sub(evicted.map_or(0, |entry| entry.size()));
        evicted.is_some()
    }
}

/// What a claim takes in its bucket, in bytes.
fn claim_size(claim: &Claim<'_>) -> usize {
    claim.length() + LENGTH_BYTES
}

#[cfg(test)]
mod tests;
