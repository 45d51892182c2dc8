//! How long an answer may be used.

use std::time::Duration;

use crate::base::time::Timestamp;

/// The part of an answer's freshness, at its end, in which one in use is renewed: one in this many.
const RENEWAL_PART: u64 = 5;

/// How far the clock may step back before what was learned "in the future" is dropped.
///
/// Such an answer has lost its lifetime: nobody knows how old it is.
const BACKWARDS: Duration = Duration::from_secs(1);

/// From when and until when an answer may be used. The three times are in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When the server was asked. What it says was true at some moment since, so its age counts from here: the time
    /// that it was under way counts too (as in RFC 9111 §4.2.3).
    pub asked_at: Timestamp,
    /// From here on the authorization server is asked again.
    pub fresh_until: Timestamp,
    /// From here on the answer serves no one, even while the server is down. Never past `exp`.
    pub stale_until: Timestamp,
}

/// How an answer may be used at a given moment (RFC 9111 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// It answers only while the authorization server is down.
    Stale,
    Expired,
}

impl Lifetime {
    /// Of an answer that is not to be kept: it is for those who wait for it.
    pub fn none(asked_at: Timestamp) -> Self {
        Self { asked_at, fresh_until: asked_at, stale_until: asked_at }
    }

    /// What the answer is good for at `now`.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        if self.asked_at > now.plus(BACKWARDS) || now >= self.stale_until {
            Freshness::Expired
        } else if now >= self.fresh_until {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// How old the answer is; zero when the clock has gone backwards.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.asked_at)
    }

    /// Whether the last fifth of its freshness has begun: the time to renew an answer in use.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        // In milliseconds: dividing a `Duration` takes several divisions, and this runs on every hit.
        let (start, end) = (self.asked_at.as_millis(), self.fresh_until.as_millis());
        now.as_millis() >= end - end.saturating_sub(start) / RENEWAL_PART
    }

    /// The lifetime with at most `fresh` of freshness, and at most `stale` after it.
    pub fn shorten(&self, fresh: Duration, stale: Duration) -> Self {
        let fresh_until = self.fresh_until.min(self.asked_at.plus(fresh));
        Self { fresh_until, stale_until: self.stale_until.min(fresh_until.plus(stale)), ..*self }
    }

    /// The lifetime, over at `end` at the latest.
    pub fn until(&self, end: Timestamp) -> Self {
        let end = end.max(self.asked_at);
        Self { fresh_until: self.fresh_until.min(end), stale_until: self.stale_until.min(end), ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const LIFETIME: Lifetime = Lifetime {
        asked_at: Timestamp::from_millis(10_000),
        fresh_until: Timestamp::from_millis(20_000),
        stale_until: Timestamp::from_millis(25_000),
    };

    #[test]
    fn is_fresh_then_stale_then_expired() {
        for (now, expected) in [
            (10_000, Freshness::Fresh),
            (19_999, Freshness::Fresh),
            (20_000, Freshness::Stale),
            (24_999, Freshness::Stale),
            (25_000, Freshness::Expired),
            (u64::MAX, Freshness::Expired),
        ] {
            assert_eq!(LIFETIME.freshness(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn is_never_stale_without_a_stale_time() {
        let lifetime = Lifetime { stale_until: at(20_000), ..LIFETIME };
        assert_eq!(lifetime.freshness(at(19_999)), Freshness::Fresh);
        assert_eq!(lifetime.freshness(at(20_000)), Freshness::Expired);
        assert_eq!(Lifetime::none(at(20_000)).freshness(at(20_000)), Freshness::Expired);
    }

    #[test]
    fn a_clock_that_goes_backwards_ends_it() {
        assert_eq!(LIFETIME.freshness(at(9_000)), Freshness::Fresh);
        assert_eq!(LIFETIME.freshness(at(8_999)), Freshness::Expired);
        assert_eq!(LIFETIME.freshness(at(0)), Freshness::Expired);
    }

    #[test]
    fn an_end_may_only_shorten_it() {
        for (end, fresh_until, stale_until) in
            [(0, 10_000, 10_000), (15_000, 15_000, 15_000), (22_000, 20_000, 22_000), (30_000, 20_000, 25_000)]
        {
            let expected = Lifetime { fresh_until: at(fresh_until), stale_until: at(stale_until), ..LIFETIME };
            assert_eq!(LIFETIME.until(at(end)), expected, "{end}");
        }
    }

    #[test]
    fn age_is_never_negative() {
        assert_eq!(LIFETIME.age(at(9_500)), Duration::ZERO);
        assert_eq!(LIFETIME.age(at(12_500)), Duration::from_millis(2_500));
    }

    #[test]
    fn the_last_fifth_is_the_time_to_renew() {
        assert!(!LIFETIME.expires_soon(at(17_999)));
        assert!(LIFETIME.expires_soon(at(18_000)));
        assert!(LIFETIME.expires_soon(at(30_000)));
    }
}
