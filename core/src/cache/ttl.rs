//! How long an answer is cached: from the settings, the server's `Cache-Control`, and `exp`.

use std::time::Duration;

use super::cache_control::CacheControl;
use super::entry::{Remembered, end_of};
use super::lifetime::Lifetime;
use super::settings::CacheSettings;
use crate::base::random::Prng;
use crate::base::time::{Timestamp, millis};
use crate::token::facts::TokenState;

/// The largest part of a lifetime that jitter takes away: one in this many.
const JITTER_PART: u128 = 10;

impl CacheSettings {
    /// The lifetime of an answer to what was asked at `asked_at`; `None` when it is not to be kept.
    ///
    /// A good answer lives for `max_ttl` and never past `exp`, a negative one for `negative_ttl`; `Cache-Control`,
    /// where it is respected, may only shorten that. `seed` (any number that differs between answers and workers) then
    /// takes up to a tenth away, so that what was learned together does not expire together. Negative answers are never
    /// served stale.
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
        let life = jittered(limit.min(end.since(asked_at)), seed);
        if life.is_zero() {
            return None;
        }
        let fresh_until = asked_at.plus(life);
        let stale = match cache_control.must_revalidate {
            true => Duration::ZERO,
            false => self.stale(state),
        };
        Some(Lifetime { asked_at, fresh_until, stale_until: fresh_until.plus(stale).min(end) })
    }

    /// An answer from another worker with the lifetime that these settings allow: that one may have had longer ones.
    pub fn shorten(&self, remembered: Remembered) -> Remembered {
        let Remembered { state, lifetime } = remembered;
        let lifetime = lifetime.shorten(self.ttl(&state), self.stale(&state));
        Remembered { state, lifetime }
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

/// `life` in whole milliseconds, less a part of up to a tenth that `seed` picks.
fn jittered(life: Duration, seed: u64) -> Duration {
    let life = millis(life);
    let part = u128::from(life) * u128::from(Prng::new(seed).number()) / (JITTER_PART << u64::BITS);
    Duration::from_millis(life.saturating_sub(u64::try_from(part).unwrap_or(0)))
}

#[cfg(test)]
mod tests;
