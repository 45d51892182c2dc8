//! One remembered answer.

use std::time::Duration;

use super::ttl::Lifetime;
use crate::base::time::Timestamp;
use crate::token::facts::TokenState;

/// The part of an entry's freshness, at its end, in which a hot entry is renewed: one in this many.
const RENEWAL_PART: u64 = 5;

/// What the authorization server said of a token, and how long that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The answer.
    pub state: TokenState,
    /// When the server was asked. What it says held at some moment since, so its age counts from here: the time that it
    /// was under way counts too (as in RFC 9111 §4.2.3).
    pub asked_at: Timestamp,
    /// From here on the authorization server is asked again.
    pub fresh_until: Timestamp,
    /// From here on it serves no one. Never before `fresh_until`, never past `exp`.
    pub stale_until: Timestamp,
}

/// What an entry is good for at a given moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It answers.
    Fresh,
    /// It answers only while the authorization server is down.
    Stale,
    /// It answers nothing.
    Lapsed,
}

impl Remembered {
    /// An answer to what was asked at `asked_at`.
    pub fn new(state: TokenState, asked_at: Timestamp, lifetime: Lifetime) -> Self {
        Self { state, asked_at, fresh_until: lifetime.fresh_until, stale_until: lifetime.stale_until }
    }

    /// What the entry is good for at `now`.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let lifetime = Lifetime { fresh_until: self.fresh_until, stale_until: self.stale_until };
        lifetime.freshness(self.asked_at, now)
    }

    /// How old the answer is; zero when the clock has gone backwards.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.asked_at)
    }

    /// Whether the last fifth of its freshness has begun: the time to renew an entry in use.
    pub fn lapses_soon(&self, now: Timestamp) -> bool {
        // In plain milliseconds: to divide a `Duration` takes several divisions, and every hit asks.
        let (start, end) = (self.asked_at.as_millis(), self.fresh_until.as_millis());
        now.as_millis() >= end - end.saturating_sub(start) / RENEWAL_PART
    }

    /// Whether the token is good: active, whatever its facts will be judged to be.
    pub fn is_active(&self) -> bool {
        matches!(self.state, TokenState::Active(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn entry() -> Remembered {
        Remembered {
            state: TokenState::Inactive,
            asked_at: at(10_000),
            fresh_until: at(20_000),
            stale_until: at(25_000),
        }
    }

    #[test]
    fn is_fresh_then_stale_then_lapsed() {
        for (now, expected) in [
            (10_000, Freshness::Fresh),
            (19_999, Freshness::Fresh),
            (20_000, Freshness::Stale),
            (24_999, Freshness::Stale),
            (25_000, Freshness::Lapsed),
            (u64::MAX, Freshness::Lapsed),
        ] {
            assert_eq!(entry().freshness(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn is_never_stale_without_a_stale_time() {
        let entry = Remembered { stale_until: at(20_000), ..entry() };
        assert_eq!(entry.freshness(at(19_999)), Freshness::Fresh);
        assert_eq!(entry.freshness(at(20_000)), Freshness::Lapsed);
    }

    #[test]
    fn a_clock_that_goes_backwards_ends_it() {
        assert_eq!(entry().freshness(at(9_000)), Freshness::Fresh);
        assert_eq!(entry().freshness(at(8_999)), Freshness::Lapsed);
        assert_eq!(entry().freshness(at(0)), Freshness::Lapsed);
    }

    #[test]
    fn age_is_never_negative() {
        assert_eq!(entry().age(at(9_500)), Duration::ZERO);
        assert_eq!(entry().age(at(12_500)), Duration::from_millis(2_500));
    }

    #[test]
    fn the_last_fifth_is_the_time_to_renew() {
        assert!(!entry().lapses_soon(at(17_999)));
        assert!(entry().lapses_soon(at(18_000)));
        assert!(entry().lapses_soon(at(30_000)));
    }
}
