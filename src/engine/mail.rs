//! What workers tell one another through their queues. Untrusted like everything shared.

use crate::cache::{Digest, Remembered, codec};
use crate::outcome::Outcome;

/// A message as it was read from a queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Mail {
    /// A worker's note to itself: it wants a turn.
    Wake,
    /// The answer to a question that this worker follows.
    Answer(Digest, Told),
}

/// What the leader learned.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// The token's state.
    State(Remembered),
    /// Nothing: requests end with this outcome.
    Failed(Outcome),
    /// More than fits a message: ask again.
    TooMuch,
}

/// [`Mail::Wake`], written.
pub const WAKE: &[u8] = &[0];

/// Largest message.
const MAX_MAIL: usize = codec::MAX_ENTRY;

const ANSWER: u8 = 1;
const UNAVAILABLE: u8 = 2;
const ERROR: u8 = 3;
const TOO_MUCH: u8 = 4;

/// The message that tells followers of `digest` what became of it.
pub fn answer(digest: &Digest, learned: Result<&Remembered, Outcome>) -> Vec<u8> {
    let (kind, rest) = match learned {
        Ok(remembered) => match codec::encode(remembered, digest) {
            bytes if bytes.len() <= MAX_MAIL => (ANSWER, bytes),
            _ => (TOO_MUCH, Vec::new()),
        },
        Err(Outcome::ProviderUnavailable) => (UNAVAILABLE, Vec::new()),
        Err(_) => (ERROR, Vec::new()),
    };
    [&[kind], digest.as_slice(), &rest].concat()
}

/// Reads a message; `None` when it is none of ours.
pub fn read(bytes: &[u8]) -> Option<Mail> {
    if bytes == WAKE {
        return Some(Mail::Wake);
    }
    let (kind, rest) = bytes.split_first()?;
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let told = match *kind {
        ANSWER => Told::State(codec::decode(rest, digest).ok()??),
        UNAVAILABLE => Told::Failed(Outcome::ProviderUnavailable),
        ERROR => Told::Failed(Outcome::ProviderError),
        TOO_MUCH => Told::TooMuch,
        _ => return None,
    };
    Some(Mail::Answer(*digest, told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::token::facts::{Facts, TokenState};
    use proptest::prelude::*;
    use std::rc::Rc;

    fn remembered(scopes: usize) -> Remembered {
        let scope = (0..scopes).map(|number| format!("scope-{number:08}").into()).collect();
        let at = Timestamp::from_millis(5);
        Remembered {
            state: TokenState::Active(Rc::new(Facts { scope, ..Facts::default() })),
            asked_at: at,
            fresh_until: at,
            stale_until: at,
        }
    }

    #[test]
    fn what_is_told_is_what_is_read() {
        let digest = [9; 32];
        let read = |learned| super::read(&answer(&digest, learned));
        let (small, large) = (remembered(1), remembered(10_000));
        assert_eq!(read(Ok(&small)), Some(Mail::Answer(digest, Told::State(small.clone()))));
        assert_eq!(read(Ok(&large)), Some(Mail::Answer(digest, Told::TooMuch)));
        for outcome in [Outcome::ProviderUnavailable, Outcome::ProviderError] {
            assert_eq!(read(Err(outcome)), Some(Mail::Answer(digest, Told::Failed(outcome))));
        }
        assert_eq!(super::read(WAKE), Some(Mail::Wake));
    }

    #[test]
    fn an_answer_past_the_tokens_end_is_told_too() {
        let (digest, now) = ([9; 32], Timestamp::from_secs(100));
        let expired = Facts { expires_at: Some(Timestamp::from_secs(90)), ..Facts::default() };
        let lapsed = Remembered {
            state: TokenState::Active(Rc::new(expired)),
            asked_at: now,
            fresh_until: now,
            stale_until: now,
        };
        assert_eq!(read(&answer(&digest, Ok(&lapsed))), Some(Mail::Answer(digest, Told::State(lapsed))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
