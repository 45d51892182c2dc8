//! Access tokens of which the authorization server has just said that they are nobody's here: it is not asked about them
//! again for a moment. They are known by their SHA-256 only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

type TokenDigest = [u8; 32];

/// Those of the latest moment; the oldest go first where there are too many.
pub struct Inactive {
    kept_for: Duration,
    most: usize,
    known: Mutex<LatestTokens>,
}

#[derive(Default)]
struct LatestTokens {
    until: HashMap<TokenDigest, Instant>,
    order: VecDeque<TokenDigest>,
}

impl Inactive {
    pub fn new(kept_for: Duration, most: usize) -> Self {
        Self { kept_for, most, known: Mutex::default() }
    }

    pub fn has(&self, token: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.until.get(&digest(token)).is_some_and(|until| Instant::now() < *until)
    }

    pub fn add(&self, token: &str) {
        let (token, now) = (digest(token), Instant::now());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(oldest) = known.order.front().copied()
            && (known.order.len() >= self.most || known.until.get(&oldest).is_none_or(|until| *until <= now))
        {
            known.order.pop_front();
            known.until.remove(&oldest);
        }
        if known.until.insert(token, now + self.kept_for).is_none() {
            known.order.push_back(token);
        }
    }
}

fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_for_a_moment() {
        let inactive = Inactive::new(Duration::from_secs(3600), 2);
        for token in ["a", "b", "b", "c"] {
            inactive.add(token);
        }
        assert_eq!(["a", "b", "c", "d"].map(|token| inactive.has(token)), [false, true, true, false]);
        let short = Inactive::new(Duration::ZERO, 100);
        for token in ["a", "b"] {
            short.add(token);
            assert!(!short.has(token));
        }
        assert_eq!(short.known.lock().unwrap().order.len(), 1, "what is over is forgotten");
    }
}
