//! The tokens that one worker knows: from the exact token to its facts, without a host call.
//!
//! # Memory
//!
//! Each area, good and negative, holds at most its number of entries and at most [`BYTES_PER_ENTRY`] times that number
//! in bytes, where an entry counts for its token, its facts, and [`OVERHEAD`]. A worker therefore never holds more than
//!
//! ```text
//! (entries + negative entries) × 2 KiB      negative entries = max(64, entries / 4); none when entries = 0
//! ```
//!
//! and in practice far less: an opaque token of 43 bytes with a handful of scopes counts for well under 1 KiB. Memory is
//! taken as the areas fill, never ahead.

use std::{hash::Hasher, mem};

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use hashbrown::HashTable;

use super::area::{Area, Node};
use super::entry::Remembered;
use super::ttl::Settings;
use crate::token::facts::{Facts, TokenState};

/// What an area may hold for each of its entries, in bytes, on average.
pub const BYTES_PER_ENTRY: usize = 2 * 1024;

/// What an allocation costs beyond its size: the allocator's header and rounding.
const ALLOCATION: usize = 16;

/// The index's share: two tables of at most 4.6 buckets of 5 bytes while it grows.
const INDEX_SHARE: usize = 48;

/// What an entry costs beside its token and its facts: its place (twice, while the slab grows), its share of the index,
/// and the token's allocation.
pub const OVERHEAD: usize = 2 * mem::size_of::<Node>() + INDEX_SHARE + ALLOCATION;

/// A costlier entry is not kept: it would push out dozens of ordinary ones.
pub const MAX_COST: usize = 64 * 1024;

/// A worker's known tokens. See the module's documentation for the bounds.
#[derive(Debug)]
pub struct LocalCache {
    seed: u64,
    shared_seed: SharedSeed,
    index: HashTable<Place>,
    good: Area,
    negative: Area,
}

/// A token that is known.
#[derive(Debug)]
pub struct Hit<'a> {
    /// The answer, lapsed or not: the caller judges.
    pub remembered: &'a Remembered,
    /// How often it has answered since it was stored, this time included.
    pub uses: u32,
}

/// Where an entry stands: its place in its area, and which area that is in the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(u32);

impl Place {
    fn new(index: u32, negative: bool) -> Self {
        Self(index << 1 | u32::from(negative))
    }

    fn index(self) -> u32 {
        self.0 >> 1
    }

    fn is_negative(self) -> bool {
        self.0 & 1 == 1
    }
}

impl LocalCache {
    /// Nothing known yet. `seed` must be unpredictable to callers: it decides which tokens collide.
    pub fn new(settings: &Settings, seed: u64) -> Self {
        // Places are numbered in 31 bits.
        let area = |entries: usize| {
            let entries = entries.min(1 << 30);
            Area::new(entries, entries.saturating_mul(BYTES_PER_ENTRY))
        };
        Self {
            seed,
            shared_seed: SharedSeed::from_u64(seed.rotate_left(32)),
            index: HashTable::new(),
            good: area(settings.entries),
            negative: area(settings.negative_entries()),
        }
    }

    /// What is known of `token` on `route`, and counts as a use of it. Does not allocate.
    ///
    /// A route is whatever two answers must not share: the provider that was asked.
    pub fn get(&mut self, route: u16, token: &[u8]) -> Option<Hit<'_>> {
        let hash = self.hash(route, token);
        let place = self.find(hash, route, token)?;
        let node = self.area_mut(place.is_negative()).node_mut(place.index())?;
        node.visited = true;
        node.uses = node.uses.saturating_add(1);
        Some(Hit { remembered: &node.remembered, uses: node.uses })
    }

    /// Remembers the answer for `token`, in the place of an older one; evicts what has not been used for long.
    ///
    /// An answer that costs more than [`MAX_COST`] (or than the whole area may) is not kept, nor is the older one.
    pub fn insert(&mut self, route: u16, token: &[u8], remembered: Remembered) {
        let hash = self.hash(route, token);
        let older = match self.find(hash, route, token) {
            Some(place) => self.take(place),
            None => None,
        };
        let cost = cost(token, &remembered);
        let negative = !remembered.is_active();
        if cost > MAX_COST.min(self.area(negative).max_bytes()) {
            return;
        }
        while !self.area(negative).has_room(cost) {
            let Some(victim) = self.area_mut(negative).victim() else {
                return;
            };
            self.take(Place::new(victim, negative));
        }
        // A hot token stays hot when its answer is renewed.
        let (token, visited) = match older {
            Some(older) => (older.token, older.visited),
            None => (token.into(), false),
        };
        let mut node = Node::new(hash, route, token, remembered, cost);
        node.visited = visited;
        self.place(node, negative);
    }

    /// Forgets `token` on `route`; says whether it was known.
    pub fn remove(&mut self, route: u16, token: &[u8]) -> bool {
        let hash = self.hash(route, token);
        let place = self.find(hash, route, token);
        place.and_then(|place| self.take(place)).is_some()
    }

    /// Entries held, good and negative.
    pub fn len(&self) -> usize {
        self.good.len() + self.negative.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the entries count for.
    pub fn bytes(&self) -> usize {
        self.good.bytes() + self.negative.bytes()
    }

    fn hash(&self, route: u16, token: &[u8]) -> u64 {
        // The route is part of the seed: a number would go through the hasher's 128-bit buffer, which is slow here.
        let mut hasher = FoldHasher::with_seed(self.seed ^ u64::from(route), &self.shared_seed);
        hasher.write(token);
        hasher.finish()
    }

    fn find(&self, hash: u64, route: u16, token: &[u8]) -> Option<Place> {
        let is_it = |place: &Place| {
            self.node(*place)
                .is_some_and(|node| node.hash == hash && node.route == route && are_equal(&node.token, token))
        };
        self.index.find(hash, is_it).copied()
    }

    fn place(&mut self, node: Node, negative: bool) {
        let hash = node.hash;
        let place = Place::new(self.area_mut(negative).push(node), negative);
        let (good, bad) = (&self.good, &self.negative);
        self.index.insert_unique(hash, place, |other| {
            let area = if other.is_negative() { bad } else { good };
            area.node(other.index()).map_or(0, |node| node.hash)
        });
    }

    fn take(&mut self, place: Place) -> Option<Node> {
        let node = self.area_mut(place.is_negative()).take(place.index())?;
        if let Ok(entry) = self.index.find_entry(node.hash, |other| *other == place) {
            entry.remove();
        }
        Some(node)
    }

    fn node(&self, place: Place) -> Option<&Node> {
        self.area(place.is_negative()).node(place.index())
    }

    fn area(&self, negative: bool) -> &Area {
        match negative {
            true => &self.negative,
            false => &self.good,
        }
    }

    fn area_mut(&mut self, negative: bool) -> &mut Area {
        match negative {
            true => &mut self.negative,
            false => &mut self.good,
        }
    }
}

/// Whether both are the same bytes. Eight at a time: on Wasm the comparison of slices goes byte by byte, and a token may
/// have a thousand of them.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    one.len() == other.len() && ones.iter().zip(others).all(|(one, other)| one == other) && one_rest == other_rest
}

/// What an entry counts for, in bytes; never less than it takes.
fn cost(token: &[u8], remembered: &Remembered) -> usize {
    let facts = match &remembered.state {
        TokenState::Active(facts) => facts_size(facts),
        TokenState::Inactive => 0,
    };
    OVERHEAD + token.len() + facts
}

fn facts_size(facts: &Facts) -> usize {
    const TEXT: usize = mem::size_of::<Box<str>>() + ALLOCATION;
    // Counted, and with the four lists.
    const ITSELF: usize = mem::size_of::<Facts>() + 2 * mem::size_of::<usize>() + 5 * ALLOCATION;
    let text = |text: &str| TEXT + text.len();
    let single = [&facts.client_id, &facts.subject, &facts.username, &facts.issuer];
    let single = single.into_iter().flatten().map(|one| text(one));
    let listed = facts.scope.iter().chain(&facts.audience);
    let claims = facts.claims.iter().chain(&facts.said).flat_map(|(name, value)| [name, value]);
    ITSELF + single.sum::<usize>() + listed.chain(claims).map(|one| text(one)).sum::<usize>()
}

#[cfg(test)]
mod tests;
