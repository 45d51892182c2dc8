//! Tokens whose introspection has just failed: they are not introspected again for a second.
//!
//! A fixed number of sets, one of which is chosen by a token's digest. Expired entries are overwritten; in a full set a
//! token never seen active before makes room for one that was, never the other way round. So a flood of random tokens
//! evicts only others like them, and a token that is evicted is merely introspected again.

use crate::base::time::Timestamp;
use crate::outcome::Outcome;
use crate::token::digest::Digest;
use std::time::Duration;

/// How long a token whose question failed is not asked about.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Tokens remembered at least, and at most; in between as many as there are entries.
const LEAST: usize = 1024;
const MOST: usize = 65_536;

const WAYS: usize = 8;

/// One token whose introspection failed; all zero if there is none.
#[derive(Clone, Copy, Debug, Default)]
struct Failed {
    /// The head of its digest. Two tokens with one head are as likely as a guessed token.
    name: u64,
    until: Timestamp,
    unavailable: bool,
    was_good: bool,
}

/// The tokens of one worker.
#[derive(Debug)]
pub(super) struct Failures {
    number: usize,
    /// None before the first failure.
    sets: Vec<[Failed; WAYS]>,
}

impl Failures {
    /// For a worker that keeps so many entries.
    pub(super) fn new(entries: usize) -> Self {
        Self { number: entries.clamp(LEAST, MOST) / WAYS, sets: Vec::new() }
    }

    /// The question about the token failed with this outcome. `was_good` says whether it had been a good one before.
    pub(super) fn record(&mut self, digest: &Digest, outcome: Outcome, was_good: bool, now: Timestamp) {
        if self.sets.is_empty() {
            self.sets.resize(self.number, Default::default());
        }
        let name = name(digest);
        let Some(set) = self.set(name).and_then(|set| self.sets.get_mut(set)) else { return };
        let rank = |failed: &Failed| {
            (failed.name != name, is_pending(failed.until, PAUSE, now), failed.was_good, failed.until)
        };
        let Some(place) = set.iter_mut().min_by_key(|failed| rank(failed)) else { return };
        let pushes_out = place.name != name && is_pending(place.until, PAUSE, now);
        if pushes_out && place.was_good && !was_good {
            return;
        }
        let unavailable = outcome == Outcome::ProviderUnavailable;
        *place = Failed { name, until: now.plus(PAUSE), unavailable, was_good };
    }

    /// How the question about the token failed, if that was just now.
    pub(super) fn find(&self, digest: &Digest, now: Timestamp) -> Option<Outcome> {
        let name = name(digest);
        let set = self.sets.get(self.set(name)?)?;
        let failed = set.iter().find(|failed| failed.name == name && is_pending(failed.until, PAUSE, now))?;
        Some(if failed.unavailable { Outcome::ProviderUnavailable } else { Outcome::ProviderError })
    }

    pub(super) fn clear(&mut self) {
        self.sets.clear();
    }

    fn set(&self, name: u64) -> Option<usize> {
        name.checked_rem(self.number as u64).map(|set| set as usize)
    }
}

/// Whether a pause of at most `longest` that ends at `until` is on. One that ends later than any does was begun before
/// the clock was set back.
pub(super) fn is_pending(until: Timestamp, longest: Duration, now: Timestamp) -> bool {
    now < until && until <= now.plus(longest)
}

fn name(digest: &Digest) -> u64 {
    digest.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: Outcome = Outcome::ProviderError;
    const DOWN: Outcome = Outcome::ProviderUnavailable;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    /// Tokens of the set of token 0, where there are 128 sets.
    fn token(number: u64) -> Digest {
        let mut digest = [7; 32];
        digest[..8].copy_from_slice(&(1 + number * 128).to_le_bytes());
        digest
    }

    #[test]
    fn a_failure_is_remembered_for_a_second() {
        let mut failures = Failures::new(0);
        assert_eq!(failures.find(&token(0), at(0)), None);
        failures.record(&token(0), DOWN, false, at(0));
        failures.record(&token(1), ERROR, false, at(400));
        for (now, expected) in [(400, (Some(DOWN), Some(ERROR))), (1000, (None, Some(ERROR))), (1400, (None, None))] {
            assert_eq!((failures.find(&token(0), at(now)), failures.find(&token(1), at(now))), expected, "{now}");
        }
        failures.record(&token(0), ERROR, false, at(2000));
        assert_eq!(failures.find(&token(0), at(2999)), Some(ERROR), "the last one counts");
        assert_eq!(failures.find(&token(2), at(2000)), None);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_it() {
        let mut failures = Failures::new(0);
        failures.record(&token(0), DOWN, false, at(1000));
        assert_eq!(failures.find(&token(0), at(999)), None);
        failures.clear();
        assert_eq!(failures.find(&token(0), at(1500)), None);
    }

    #[test]
    fn strangers_push_out_strangers_only() {
        let mut failures = Failures::new(0);
        for number in 0..4 {
            failures.record(&token(number), DOWN, true, at(number));
        }
        for number in 4..1000 {
            failures.record(&token(number), ERROR, false, at(10));
        }
        let found = |failures: &Failures| -> Vec<u64> {
            (0..1100).filter(|number| failures.find(&token(*number), at(500)).is_some()).collect()
        };
        assert_eq!(found(&failures).len(), WAYS);
        assert_eq!(found(&failures)[..4], [0, 1, 2, 3]);
        // Tokens that were active before evict the others, and then one another.
        for number in 1000..1010 {
            failures.record(&token(number), DOWN, true, at(20));
        }
        assert!(found(&failures).iter().all(|number| *number >= 1000));
        failures.record(&token(4), ERROR, false, at(30));
        assert_eq!(failures.find(&token(4), at(500)), None, "no room");
        assert_eq!(found(&failures).len(), WAYS);
    }

    #[test]
    fn a_token_that_was_good_pushes_out_a_stranger_and_not_its_like() {
        let mut failures = Failures::new(0);
        for number in 0..WAYS as u64 + 3 {
            failures.record(&token(number), DOWN, number < 4 || number >= WAYS as u64, at(number));
        }
        for number in [0, 1, 2, 3, 8, 9, 10] {
            assert_eq!(failures.find(&token(number), at(500)), Some(DOWN), "{number}");
        }
    }

    #[test]
    fn memory_is_what_entries_say() {
        for (entries, expected) in [(0, 1024), (10_000, 10_000), (1_000_000, 65_536)] {
            let mut failures = Failures::new(entries);
            assert_eq!(failures.sets.capacity(), 0, "nothing before the first failure");
            failures.record(&token(0), DOWN, false, at(0));
            assert_eq!(failures.sets.capacity() * WAYS, expected);
            assert!(size_of::<[Failed; WAYS]>() <= WAYS * 24);
        }
    }
}
