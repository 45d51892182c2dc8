//! The layout of one shared value: what the process knows of the tokens of a set, and who asks about which of them.
//!
//! ```text
//! format u8, then records, each its length in LEB128 and its bytes:
//!   an entry   as `codec` writes it; its first byte is never 0
//!   a place    as `place` writes it; its first byte is 0
//! ```
//!
//! What lies in shared data was written by others: a record that is corrupt or of another version is not there, and
//! neither is anything in a value that is of another format or larger than any of ours.

use super::claim::{self, Claim};
use super::codec::{self, Head, MAX_ENTRY};
use super::entry::Remembered;
use super::lifetime::Freshness;
use super::settings::CacheSettings;
use crate::base::time::Timestamp;
use crate::base::wire::{Reader, put_bytes, put_varint};
use crate::token::digest::Digest;
use std::iter;
use std::ops::Range;
use std::time::Duration;

/// Most bytes of good entries in one set: 2 KiB for each.
pub const MAX_GOOD: usize = super::shared::WAYS * 2 * 1024;

/// Most bytes of places in one set: 80 tokens that nobody else waits for, or 36 with fifteen followers each.
pub const MAX_PLACES: usize = 4 * 1024;

/// What a negative entry takes in its set, in bytes.
pub const NEGATIVE_BYTES: usize = 59;

/// Changes with the layout and with the meaning of any field, except those of an entry.
const FORMAT: u8 = 2;
const _: () = assert!(codec::VERSION != claim::KIND);

/// The most that the length in front of a record takes: two bytes of LEB128.
const LENGTH_BYTES: usize = 2;
const _: () = assert!(MAX_ENTRY < 1 << 14 && MAX_ENTRY + LENGTH_BYTES <= MAX_GOOD && MAX_PLACES < 1 << 14);

/// An entry that a rewritten set keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its head, with the lifetime cut to what the settings allow.
    pub head: Head<'a>,
    bytes: &'a [u8],
}

/// What a set may hold.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Good entries.
    pub good: usize,
    /// Negative entries.
    pub negative: usize,
    good_life: Duration,
    negative_life: Duration,
}

/// A set that is being written anew: all of it that lives is there already, but for what concerns one token.
pub struct Draft<'a> {
    /// The token's place, also one that has lapsed.
    pub place: Option<Claim<'a>>,
    /// The token's entry.
    pub entry: Option<Kept<'a>>,
    limits: &'a Limits,
    now: Timestamp,
    bytes: Vec<u8>,
    place_bytes: usize,
    good: Share,
    negative: Share,
}

/// What entries of one kind take.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    count: usize,
    bytes: usize,
}

impl<'a> Kept<'a> {
    /// An entry that [`codec::encode`] has written; `None` when it is too large for a set.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { head: Head::read(bytes).ok()?, bytes })
    }

    fn size(&self) -> usize {
        self.bytes.len() + LENGTH_BYTES
    }
}

impl Limits {
    /// For sets of so many good and so many negative entries.
    pub fn new(good: usize, negative: usize, settings: &CacheSettings) -> Self {
        let good_life = settings.max_ttl.saturating_add(settings.stale_if_error);
        Self { good, negative, good_life, negative_life: settings.negative_ttl }
    }

    /// The token's entry in `set`, whatever its lifetime.
    pub fn find(&self, set: &[u8], digest: &Digest) -> Option<Remembered> {
        self.records(set).find_map(|(_, record)| codec::decode(record, digest).ok().flatten())
    }

    /// The largest set.
    pub fn max_bytes(&self) -> usize {
        1 + MAX_PLACES + MAX_GOOD + self.negative * NEGATIVE_BYTES
    }

    /// The records of a set, up to the first that is not there in full, and where each lies with its length.
    pub fn records<'a>(&self, set: &'a [u8]) -> impl Iterator<Item = (Range<usize>, &'a [u8])> + use<'a> {
        let ours = set.strip_prefix(&[FORMAT]).filter(|_| set.len() <= self.max_bytes());
        let mut reader = Reader::new(ours.unwrap_or_default());
        let mut start = 1;
        iter::from_fn(move || {
            let record = reader.bytes().ok()?;
            let range = start..set.len() - reader.rest().len();
            start = range.end;
            Some((range, record))
        })
    }

    /// The entry in `record`, if it is one that is worth keeping: readable and not lapsed, whatever lifetime it claims.
    fn living<'a>(&self, record: &'a [u8], now: Timestamp) -> Option<Kept<'a>> {
        let mut kept = Kept::new(record)?;
        let head = &mut kept.head;
        let last = head.lifetime.asked_at.plus(if head.is_active() { self.good_life } else { self.negative_life });
        head.lifetime.fresh_until = head.lifetime.fresh_until.min(last);
        head.lifetime.stale_until = head.lifetime.stale_until.min(last);
        (head.lifetime.freshness(now) != Freshness::Expired).then_some(kept)
    }
}

impl<'a> Draft<'a> {
    /// Begins to write `set` anew on behalf of the token, with room for an entry of `entry` bytes.
    pub fn new(set: &'a [u8], digest: &Digest, limits: &'a Limits, now: Timestamp, entry: usize) -> Self {
        let newcomers = 1 + LENGTH_BYTES + claim::HEAD + 4 + LENGTH_BYTES + entry;
        let mut bytes = Vec::with_capacity(set.len().min(limits.max_bytes()) + newcomers);
        bytes.push(FORMAT);
        let (good, negative) = (Share::default(), Share::default());
        let mut draft = Self { place: None, entry: None, limits, now, bytes, place_bytes: 0, good, negative };
        // What stays and lies together is copied together.
        let mut run = 1..1;
        for (range, record) in limits.records(set) {
            if !draft.takes(record, digest) {
                draft.bytes.extend_from_slice(set.get(run.clone()).unwrap_or_default());
                run.start = range.end;
            }
            run.end = range.end;
        }
        draft.bytes.extend_from_slice(set.get(run).unwrap_or_default());
        draft
    }

    /// Whether the set goes on with this record as it is: one that lives and concerns another token.
    fn takes(&mut self, record: &'a [u8], digest: &Digest) -> bool {
        if let Some(place) = Claim::read(record) {
            if place.length() + LENGTH_BYTES > MAX_PLACES {
                return false;
            }
            if place.digest == digest {
                self.place.get_or_insert(place);
                return false;
            }
            return place.is_live(self.now) && self.count_place(&place);
        }
        let Some(entry) = self.limits.living(record, self.now) else { return false };
        if entry.head.digest == digest {
            self.entry.get_or_insert(entry);
            return false;
        }
        self.count_entry(&entry)
    }

    /// The set with this place, if it lives, and this entry of the token. Of the other entries of that one's kind, good
    /// or negative, those go that lapse first, until it fits. `None` when there is no room for the place.
    pub fn finish(mut self, place: Option<Claim<'_>>, entry: Option<Kept<'_>>) -> Option<Vec<u8>> {
        if let Some(place) = place.filter(|place| place.is_live(self.now)) {
            if !self.count_place(&place) {
                return None;
            }
            put_varint(&mut self.bytes, place.length() as u64);
            place.write(&mut self.bytes);
        }
        if let Some(entry) = entry {
            let mut fits = self.count_entry(&entry);
            while !fits && self.evict(entry.head.is_active()) {
                fits = self.count_entry(&entry);
            }
            if fits {
                put_bytes(&mut self.bytes, entry.bytes);
            }
        }
        Some(self.bytes)
    }

    /// Counts a place, if there is room for it.
    fn count_place(&mut self, place: &Claim<'_>) -> bool {
        let total = self.place_bytes + place.length() + LENGTH_BYTES;
        let fits = total <= MAX_PLACES;
        if fits {
            self.place_bytes = total;
        }
        fits
    }

    /// Counts an entry, if there is room for it.
    fn count_entry(&mut self, entry: &Kept<'_>) -> bool {
        let (share, most) = self.share(entry.head.is_active());
        let bytes = share.bytes + entry.size();
        let fits = share.count < most && bytes <= MAX_GOOD;
        if fits {
            *share = Share { count: share.count + 1, bytes };
        }
        fits
    }

    /// Takes the entry of its kind out that lapses first; says whether there was one.
    fn evict(&mut self, active: bool) -> bool {
        let Some((range, size)) = self.first_to_lapse(active) else { return false };
        self.bytes.drain(range);
        let (share, _) = self.share(active);
        *share = Share { count: share.count.saturating_sub(1), bytes: share.bytes.saturating_sub(size) };
        true
    }

    fn first_to_lapse(&self, active: bool) -> Option<(Range<usize>, usize)> {
        let records = self.limits.records(&self.bytes);
        records
            .filter_map(|(range, record)| Some((range, self.limits.living(record, self.now)?)))
            .filter(|(_, entry)| entry.head.is_active() == active)
            .min_by_key(|(_, entry)| (entry.head.lifetime.fresh_until, entry.head.lifetime.asked_at))
            .map(|(range, entry)| (range, entry.size()))
    }

    /// What entries of a kind take, and how many there may be.
    fn share(&mut self, active: bool) -> (&mut Share, usize) {
        match active {
            true => (&mut self.good, self.limits.good),
            false => (&mut self.negative, self.limits.negative),
        }
    }
}

#[cfg(test)]
mod tests;
