//! The local cache of one worker: from the exact token to its facts, without a host call.
//!
//! # Memory
//!
//! Each of the two caches, of good answers and of negative ones, holds at most its number of entries and at most
//! [`BYTES_PER_ENTRY`] times that number in bytes, where an entry counts for its token, its facts, and [`OVERHEAD`]. A
//! worker therefore never holds more than
//!
//! ```text
//! (entries + negative entries) × 2 KiB      negative entries = max(64, entries / 4); none when entries = 0
//! ```
//!
//! and in practice far less: an opaque token of 43 bytes with a handful of scopes counts for well under 1 KiB. Memory
//! is taken as the caches fill, never ahead.

use std::{hash::Hasher, mem};

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

use super::entry::Remembered;
use super::settings::CacheSettings;
use crate::base::sieve::Sieve;
use crate::token::facts::{Facts, TokenState};

/// What a cache may hold for each of its entries, in bytes, on average.
pub const BYTES_PER_ENTRY: usize = 2 * 1024;

/// What an allocation costs beyond its size: the allocator's header and rounding.
const ALLOCATION: usize = 16;

/// What an entry costs beside its token and its facts: its share of the cache, and the token's allocation.
pub const OVERHEAD: usize = Sieve::<Known>::OVERHEAD + ALLOCATION;

/// A costlier entry is not kept: it would push out dozens of ordinary ones.
pub const MAX_COST: usize = 64 * 1024;

/// A worker's local cache. See the module's documentation for the bounds.
pub struct LocalCache {
    seed: u64,
    shared_seed: SharedSeed,
    good: Sieve<Known>,
    negative: Sieve<Known>,
}

/// A token found in the cache.
#[derive(Debug)]
pub struct Hit<'a> {
    /// The answer, expired or not: the caller judges.
    pub remembered: &'a Remembered,
    /// How often it has been used since it was stored, including this time.
    pub uses: u32,
}

/// A token and its cached answer.
struct Known {
    /// Which question was asked of whom.
    route: u16,
    token: Box<[u8]>,
    remembered: Remembered,
    /// Hits since the answer was stored, saturating.
    uses: u32,
}

impl LocalCache {
    /// An empty cache. `seed` must be unpredictable to callers: it determines which tokens collide.
    pub fn new(settings: &CacheSettings, seed: u64) -> Self {
        let sieve = |entries: usize| Sieve::new(entries, entries.saturating_mul(BYTES_PER_ENTRY));
        Self {
            seed,
            shared_seed: SharedSeed::from_u64(seed.rotate_left(32)),
            good: sieve(settings.entries),
            negative: sieve(settings.negative_entries()),
        }
    }

    /// The cached answer for `token` on `route`; this counts as a use. Does not allocate.
    ///
    /// A route is whatever two answers must not share: the provider that was asked.
    pub fn get(&mut self, route: u16, token: &[u8]) -> Option<Hit<'_>> {
        let hash = self.hash(route, token);
        let is_it = |known: &Known| known.is(route, token);
        let known = match self.good.get(hash, is_it) {
            Some(known) => known,
            None => self.negative.get(hash, is_it)?,
        };
        known.uses = known.uses.saturating_add(1);
        Some(Hit { remembered: &known.remembered, uses: known.uses })
    }

    /// Stores the answer for `token`, replacing an older one, and evicts entries that have not been used for long.
    ///
    /// An answer that costs more than [`MAX_COST`] (or than the whole cache may) is not kept, nor is the older one.
    pub fn insert(&mut self, route: u16, token: &[u8], remembered: Remembered) {
        let hash = self.hash(route, token);
        // A hot token stays hot when its answer is renewed.
        let (token, visited) = match self.take(hash, route, token) {
            Some((older, visited)) => (older.token, visited),
            None => (token.into(), false),
        };
        let Some(cost) = cost(&token, &remembered) else { return };
        let sieve = if remembered.is_active() { &mut self.good } else { &mut self.negative };
        sieve.insert(hash, Known { route, token, remembered, uses: 0 }, cost, visited);
    }

    /// Removes `token` on `route`; returns whether it was cached.
    pub fn remove(&mut self, route: u16, token: &[u8]) -> bool {
        let hash = self.hash(route, token);
        self.take(hash, route, token).is_some()
    }

    /// Removes every token on these routes. Walks over the whole cache.
    pub fn forget(&mut self, routes: &[u16]) {
        for sieve in [&mut self.good, &mut self.negative] {
            sieve.remove_all(|known| routes.contains(&known.route));
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.good.len() + self.negative.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn bytes(&self) -> usize {
        self.good.cost() + self.negative.cost()
    }

    fn hash(&self, route: u16, token: &[u8]) -> u64 {
        // The route is part of the seed: a number would go through the hasher's 128-bit buffer, which is slow here.
        let mut hasher = FoldHasher::with_seed(self.seed ^ u64::from(route), &self.shared_seed);
        hasher.write(token);
        hasher.finish()
    }

    fn take(&mut self, hash: u64, route: u16, token: &[u8]) -> Option<(Known, bool)> {
        let is_it = |known: &Known| known.is(route, token);
        self.good.remove(hash, is_it).or_else(|| self.negative.remove(hash, is_it))
    }
}

impl Known {
    fn is(&self, route: u16, token: &[u8]) -> bool {
        self.route == route && are_equal(&self.token, token)
    }
}

/// Whether both are the same bytes. Eight at a time: on Wasm the comparison of slices goes byte by byte, and a token
/// may have a thousand of them.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    one.len() == other.len() && ones.iter().zip(others).all(|(one, other)| one == other) && one_rest == other_rest
}

/// What an entry counts for, in bytes; never less than it takes. `None` when that is over [`MAX_COST`].
fn cost(token: &[u8], remembered: &Remembered) -> Option<u32> {
    let facts = match &remembered.state {
        TokenState::Active(facts) => facts_size(facts),
        TokenState::Inactive => 0,
    };
    let cost = OVERHEAD + token.len() + facts;
    if cost > MAX_COST { None } else { u32::try_from(cost).ok() }
}

fn facts_size(facts: &Facts) -> usize {
    const TEXT: usize = mem::size_of::<Box<str>>() + ALLOCATION;
    // Counted, and with the four lists.
    const ITSELF: usize = mem::size_of::<Facts>() + 2 * mem::size_of::<usize>() + 5 * ALLOCATION;
    let text = |text: &str| TEXT + text.len();
    let confirmation = facts.confirmation.as_deref().map_or(0, |one| ALLOCATION + mem::size_of_val(one));
    let signer = facts.signed_by.as_deref().map_or(0, |one| ALLOCATION + mem::size_of_val(one));
    let single = [&facts.client_id, &facts.subject, &facts.username, &facts.issuer, &facts.introspection_jwt];
    let single = single.into_iter().flatten().map(|one| text(one));
    let listed = facts.scope.iter().chain(&facts.audience);
    let claims = facts.claims.iter().chain(&facts.said).flat_map(|(name, value)| [name, value]);
    let boxed = confirmation + signer;
    ITSELF + boxed + single.sum::<usize>() + listed.chain(claims).map(|one| text(one)).sum::<usize>()
}

#[cfg(test)]
mod tests;
