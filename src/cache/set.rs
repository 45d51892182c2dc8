//! The layout of one shared value: what the process knows of the tokens of a set, and who asks about which of them.
//!
//! ```text
//! format u8, then records, each its length in LEB128 and its bytes:
//!   an entry   as `codec` writes it; its first byte is never 0
//!   a place    0 u8 · digest 32 bytes · leader u64 · until u64 · the queues of the followers, u32 each
//! ```
//! Numbers are little-endian, times in milliseconds since the Unix epoch.
//!
//! A *place* is where the workers meet over one token: it names the worker that asks about it (the leader), until when
//! the others may rely on that, and the queues of those that wait. A leader that dies stops renewing: within [`LEASE`]
//! somebody else takes the lead.
//!
//! What lies in shared data was written by others: a record that is corrupt or of another version is not there, and
//! neither is anything in a value that is of another format or larger than any of ours.

use super::codec::{self, Head, MAX_ENTRY, Reader};
use super::digest::Digest;
use super::entry::{Freshness, Remembered};
use super::ttl::Settings;
use crate::base::time::Timestamp;
use std::iter;
use std::ops::Range;
use std::time::Duration;

/// How long a leader may stay silent before another worker takes over. Renewed about four times in that time.
pub const LEASE: Duration = Duration::from_millis(1000);

/// Most bytes of good entries in one set: 2 KiB for each.
pub const MAX_GOOD: usize = super::slots::WAYS * 2 * 1024;

/// Most bytes of places in one set: 80 tokens that nobody else waits for, or 36 with fifteen followers each.
pub const MAX_PLACES: usize = 4 * 1024;

/// What a negative entry takes in its set, in bytes.
pub const NEGATIVE_BYTES: usize = 59;

/// Changes with the layout and with the meaning of any field, except those of an entry.
const FORMAT: u8 = 2;
/// The first byte of a place.
const PLACE: u8 = 0;
const _: () = assert!(PLACE != codec::VERSION);

/// A place without followers.
const PLACE_HEAD: usize = 1 + 32 + 8 + 8;

/// The most that the length in front of a record takes: two bytes of LEB128.
const LENGTH_BYTES: usize = 2;
const _: () = assert!(MAX_ENTRY < 1 << 14 && MAX_ENTRY + LENGTH_BYTES <= MAX_GOOD && MAX_PLACES < 1 << 14);

/// Who asks about a token, and who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The token.
    pub digest: &'a Digest,
    /// The worker that asks.
    pub leader: u64,
    /// When it counts as dead, unless it renews.
    pub until: Timestamp,
    /// The queues of those who wait.
    followers: &'a [[u8; 4]],
    /// The queue of one more.
    newcomer: Option<u32>,
}

/// An entry that a rewritten set keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its head, with the lifetime cut to what the settings allow.
    pub head: Head,
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
    pub place: Option<Place<'a>>,
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

impl<'a> Place<'a> {
    /// A place that `leader` takes now.
    pub fn led_by(leader: u64, digest: &'a Digest, now: Timestamp) -> Self {
        Self { digest, leader, until: now.plus(LEASE), followers: &[], newcomer: None }
    }

    /// The place with a lease that begins now.
    pub fn renewed(self, now: Timestamp) -> Self {
        Self { until: now.plus(LEASE), ..self }
    }

    /// The place with `queue` among its followers.
    pub fn followed_by(self, queue: u32) -> Self {
        Self { newcomer: Some(queue), ..self }
    }

    /// Whether the leader still counts as alive. A lease that ends further ahead than any is given was written before
    /// the clock was set back.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.until && self.until <= now.plus(LEASE)
    }

    /// The queues of those who wait.
    pub fn followers(&self) -> impl Iterator<Item = u32> {
        self.followers.iter().map(|queue| u32::from_le_bytes(*queue)).chain(self.newcomer)
    }

    /// Whether `queue` is among those.
    pub fn is_followed_by(&self, queue: u32) -> bool {
        self.followers().any(|other| other == queue)
    }

    fn read(record: &'a [u8]) -> Option<Self> {
        let rest = record.strip_prefix(&[PLACE])?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let (leader, rest) = rest.split_first_chunk::<8>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (followers, []) = rest.as_chunks::<4>() else { return None };
        let until = Timestamp::from_millis(u64::from_le_bytes(*until));
        Some(Self { digest, leader: u64::from_le_bytes(*leader), until, followers, newcomer: None })
    }

    fn length(&self) -> usize {
        PLACE_HEAD + 4 * (self.followers.len() + usize::from(self.newcomer.is_some()))
    }
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
    pub fn new(good: usize, negative: usize, settings: &Settings) -> Self {
        let good_life = settings.max_ttl.saturating_add(settings.stale_if_error);
        Self { good, negative, good_life, negative_life: settings.negative_ttl }
    }

    /// The token's entry in `set`, whatever its lifetime.
    pub fn find(&self, set: &[u8], digest: &Digest) -> Option<Remembered> {
        self.records(set).find_map(|record| codec::decode(record, digest).ok().flatten())
    }

    /// The largest set.
    pub fn max_bytes(&self) -> usize {
        1 + MAX_PLACES + MAX_GOOD + self.negative * NEGATIVE_BYTES
    }

    /// The records of a set, up to the first that is not there in full.
    pub fn records<'a>(&self, set: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let ours = set.strip_prefix(&[FORMAT]).filter(|_| set.len() <= self.max_bytes());
        let mut reader = Reader(ours.unwrap_or_default());
        iter::from_fn(move || reader.sized().ok())
    }

    /// The entry in `record`, if it is one that is worth keeping: readable and not lapsed, whatever lifetime it claims.
    fn living<'a>(&self, record: &'a [u8], now: Timestamp) -> Option<Kept<'a>> {
        let mut kept = Kept::new(record)?;
        let head = &mut kept.head;
        let last = head.obtained_at.plus(if head.is_active() { self.good_life } else { self.negative_life });
        head.lifetime.fresh_until = head.lifetime.fresh_until.min(last);
        head.lifetime.stale_until = head.lifetime.stale_until.min(last);
        (head.lifetime.freshness(head.obtained_at, now) != Freshness::Lapsed).then_some(kept)
    }
}

impl<'a> Draft<'a> {
    /// Begins to write `set` anew on behalf of the token, with room for an entry of `entry` bytes.
    pub fn new(set: &'a [u8], digest: &Digest, limits: &'a Limits, now: Timestamp, entry: usize) -> Self {
        let newcomers = 1 + LENGTH_BYTES + PLACE_HEAD + 4 + LENGTH_BYTES + entry;
        let mut bytes = Vec::with_capacity(set.len().min(limits.max_bytes()) + newcomers);
        bytes.push(FORMAT);
        let (good, negative) = (Share::default(), Share::default());
        let mut draft = Self { place: None, entry: None, limits, now, bytes, place_bytes: 0, good, negative };
        for record in limits.records(set) {
            if let Some(place) = Place::read(record) {
                if place.digest == digest {
                    draft.place.get_or_insert(place);
                } else if place.is_live(now) {
                    draft.put_place(&place);
                }
            } else if let Some(entry) = limits.living(record, now) {
                if entry.head.digest == *digest {
                    draft.entry.get_or_insert(entry);
                } else {
                    draft.put_entry(&entry);
                }
            }
        }
        draft
    }

    /// The set with this place, if it lives, and this entry of the token. Of the other entries of that one's kind, good
    /// or negative, those go that lapse first, until it fits. `None` when there is no room for the place.
    pub fn finish(mut self, place: Option<Place<'_>>, entry: Option<Kept<'_>>) -> Option<Vec<u8>> {
        if let Some(place) = place.filter(|place| place.is_live(self.now))
            && !self.put_place(&place)
        {
            return None;
        }
        if let Some(entry) = entry {
            while !self.put_entry(&entry) && self.evict(entry.head.is_active()) {}
        }
        Some(self.bytes)
    }

    /// Appends a place, if it fits.
    fn put_place(&mut self, place: &Place<'_>) -> bool {
        let length = place.length();
        let total = self.place_bytes + length + LENGTH_BYTES;
        if total > MAX_PLACES {
            return false;
        }
        self.place_bytes = total;
        codec::put_length(&mut self.bytes, length);
        self.bytes.push(PLACE);
        self.bytes.extend_from_slice(place.digest);
        self.bytes.extend_from_slice(&place.leader.to_le_bytes());
        self.bytes.extend_from_slice(&place.until.as_millis().to_le_bytes());
        self.bytes.extend_from_slice(place.followers.as_flattened());
        if let Some(queue) = place.newcomer {
            self.bytes.extend_from_slice(&queue.to_le_bytes());
        }
        true
    }

    /// Appends an entry, if it fits.
    fn put_entry(&mut self, entry: &Kept<'_>) -> bool {
        let (share, most) = self.share(entry.head.is_active());
        let bytes = share.bytes + entry.size();
        if share.count >= most || bytes > MAX_GOOD {
            return false;
        }
        *share = Share { count: share.count + 1, bytes };
        codec::put_length(&mut self.bytes, entry.bytes.len());
        self.bytes.extend_from_slice(entry.bytes);
        true
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
        let mut reader = Reader(self.bytes.get(1..)?);
        let mut start = 1;
        let records = iter::from_fn(|| {
            let record = reader.sized().ok()?;
            let range = start..self.bytes.len() - reader.0.len();
            start = range.end;
            Some((range, record))
        });
        let entries = records.filter_map(|(range, record)| Some((range, self.limits.living(record, self.now)?)));
        entries
            .filter(|(_, entry)| entry.head.is_active() == active)
            .min_by_key(|(_, entry)| (entry.head.lifetime.fresh_until, entry.head.obtained_at))
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
