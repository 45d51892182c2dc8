//! Chance that can be repeated.

use crate::base::random::Prng;

/// A stream of numbers that a seed determines.
pub(super) struct Random(Prng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Prng::new(seed))
    }

    /// Below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.number() % end
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}
