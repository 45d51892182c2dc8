//! When a token was used last is written down now and then, however many requests it has at the same moment.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::time::Time;

/// A note that could not be written is tried again after this.
const SOON: Duration = Duration::from_secs(10);

/// The tokens, of gateways and of others, whose use is being noted, or was just now.
#[derive(Default)]
pub struct Notes(Mutex<HashMap<String, Time>>);

impl Notes {
    /// Whether nobody else has begun to note the use of this token.
    pub fn begin(&self, token: &str, now: Time) -> bool {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, at| now.since(*at) < SOON);
        if begun.contains_key(token) {
            return false;
        }
        begun.insert(token.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_noted_once_in_a_while() {
        let (notes, at) = (Notes::default(), Time::from_millis);
        assert!(notes.begin("a", at(0)) && notes.begin("b", at(0)) && !notes.begin("a", at(9_999)));
        assert!(notes.begin("a", at(10_000)));
    }
}
