//! How long an answer is remembered.

use std::time::Duration;

use super::cache_control::CacheControl;
use super::entry::{Freshness, Remembered};
use crate::base::random::Prng;
use crate::base::time::{Timestamp, millis};
use crate::token::facts::TokenState;

/// How far the clock may step back before what was learned "in the future" is dropped.
///
/// Such an answer has lost its lifetime: nobody can tell how old it is.
const BACKWARDS: Duration = Duration::from_secs(1);

/// The largest part of a lifetime that jitter takes away: one in this many.
const JITTER_PART: u128 = 10;

/// The `cache` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Good answers kept, by each worker and by the process; 0 keeps nothing.
    pub entries: usize,
    /// Longest life of a good answer.
    pub max_ttl: Duration,
    /// Longest life of a negative answer; zero keeps none.
    pub negative_ttl: Duration,
    /// How long past its freshness a good answer may serve while the authorization server is down.
    pub stale_if_error: Duration,
    /// Whether hot entries are renewed shortly before they lapse.
    pub refresh_ahead: bool,
    /// Whether `Cache-Control` of an answer shortens its life. Most servers say `no-store` in every answer and mean
    /// the caches of a browser; RFC 7662 §4 leaves it to the resource server what to keep.
    pub respect_cache_control: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            entries: 10_000,
            max_ttl: Duration::from_secs(300),
            negative_ttl: Duration::from_secs(10),
            stale_if_error: Duration::ZERO,
            refresh_ahead: true,
            respect_cache_control: false,
        }
    }
}

/// Until when an answer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// From here on the authorization server is asked again.
    pub fresh_until: Timestamp,
    /// From here on the answer serves no one, even while the server is down. Never before `fresh_until`, never past
    /// `exp`.
    pub stale_until: Timestamp,
}

impl Lifetime {
    /// What an answer to what was asked at `asked_at` is good for at `now`.
    pub fn freshness(self, asked_at: Timestamp, now: Timestamp) -> Freshness {
        if asked_at > now.plus(BACKWARDS) || now >= self.stale_until {
            Freshness::Lapsed
        } else if now >= self.fresh_until {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }
}

impl Settings {
    /// Negative answers kept beside the good ones: a quarter of `entries`, at least 64; none when nothing is kept.
    pub fn negative_entries(&self) -> usize {
        match self.entries {
            0 => 0,
            entries => (entries / 4).max(64),
        }
    }

    /// The lifetime of an answer to what was asked at `asked_at`; `None` when it is not to be kept.
    ///
    /// A good answer lives for `max_ttl` and never past `exp`, a negative one for `negative_ttl`; `Cache-Control`, where
    /// it is respected, may only shorten that. `seed` (any number that differs between answers and workers) then takes up to a tenth away,
    /// so that what was learned together does not lapse together. Negative answers are never served stale.
    pub fn lifetime(
        &self,
        state: &TokenState,
        cache_control: CacheControl,
        asked_at: Timestamp,
        seed: u64,
    ) -> Option<Lifetime> {
        let cache_control = if self.respect_cache_control { cache_control } else { CacheControl::default() };
        if self.entries == 0 || cache_control.no_store {
            return None;
        }
        let limit = match cache_control.max_age {
            Some(max_age) => self.ttl(state).min(max_age),
            None => self.ttl(state),
        };
        let end = end_of(state);
        let life = shortened(limit.min(end.since(asked_at)), seed);
        if life.is_zero() {
            return None;
        }
        let fresh_until = asked_at.plus(life);
        let stale = match cache_control.must_revalidate {
            true => Duration::ZERO,
            false => self.stale(state),
        };
        Some(Lifetime { fresh_until, stale_until: fresh_until.plus(stale).min(end) })
    }

    /// An answer from shared data, cut to what these settings allow: whoever stored it may have had longer ones.
    pub fn cut(&self, mut remembered: Remembered) -> Remembered {
        let asked = remembered.asked_at;
        let state = &remembered.state;
        let fresh = remembered.fresh_until.min(asked.plus(self.ttl(state)));
        let stale = remembered.stale_until.min(fresh.plus(self.stale(state)));
        remembered.fresh_until = fresh;
        remembered.stale_until = stale;
        remembered
    }

    fn ttl(&self, state: &TokenState) -> Duration {
        match state {
            TokenState::Active(_) => self.max_ttl,
            TokenState::Inactive => self.negative_ttl,
        }
    }

    fn stale(&self, state: &TokenState) -> Duration {
        match state {
            TokenState::Active(_) => self.stale_if_error,
            TokenState::Inactive => Duration::ZERO,
        }
    }
}

/// The moment past which an answer must not serve: `exp`, where there is one.
pub(super) fn end_of(state: &TokenState) -> Timestamp {
    match state {
        TokenState::Active(facts) => facts.expires_at.unwrap_or(Timestamp::MAX),
        TokenState::Inactive => Timestamp::MAX,
    }
}

/// `life` in whole milliseconds, less a part of up to a tenth that `seed` picks.
fn shortened(life: Duration, seed: u64) -> Duration {
    let life = millis(life);
    let cut = u128::from(life) * u128::from(Prng::new(seed).number()) / (JITTER_PART << u64::BITS);
    Duration::from_millis(life.saturating_sub(u64::try_from(cut).unwrap_or(0)))
}

#[cfg(test)]
mod tests;
