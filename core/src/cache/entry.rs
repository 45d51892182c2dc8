//! A cached answer.

use std::time::Duration;

use super::lifetime::{Freshness, Lifetime};
use crate::base::time::Timestamp;
use crate::token::facts::TokenState;

/// What the authorization server said about a token, and how long it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub state: TokenState,
    /// From when and until when it serves.
    pub lifetime: Lifetime,
}

impl Remembered {
    /// Facts that may end before the answer with this lifetime does.
    pub fn within_exp(state: TokenState, lifetime: Lifetime) -> Self {
        let lifetime = lifetime.until(end_of(&state));
        Self { state, lifetime }
    }

    /// What the answer is good for at `now`.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        self.lifetime.freshness(now)
    }

    /// How old it is; zero when the clock has gone backwards.
    pub fn age(&self, now: Timestamp) -> Duration {
        self.lifetime.age(now)
    }

    /// Whether it is time to renew it, if it is in use.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        self.lifetime.expires_soon(now)
    }

    /// Whether the token is good: active, whatever its facts will be judged to be.
    pub fn is_active(&self) -> bool {
        matches!(self.state, TokenState::Active(_))
    }
}

/// The moment past which an answer must not serve: `exp`, where there is one.
pub(super) fn end_of(state: &TokenState) -> Timestamp {
    match state {
        TokenState::Active(facts) => facts.expires_at.unwrap_or(Timestamp::MAX),
        TokenState::Inactive => Timestamp::MAX,
    }
}
