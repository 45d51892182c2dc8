//! Why an authorization server's answer tells nothing of a token.

use crate::outcome::Outcome;
use std::fmt;

/// A failed introspection. The texts are fixed: nothing of an answer's content is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not reached, lost or too late.
    Unreachable,
    /// The server says it cannot answer now.
    Unavailable(u16),
    /// A status that is no introspection answer.
    UnexpectedStatus(u16),
    /// The server refuses the gateway's own credentials.
    Unauthorized(u16),
    /// More bytes than the limit.
    TooLarge(usize),
    /// Not one JSON object (RFC 8259).
    NotJson,
    /// A member appears twice.
    Duplicate,
    /// `active` is missing or not a boolean.
    ActiveUnreadable,
    /// This member has a type or value of no use.
    Unreadable(&'static str),
}

impl Failure {
    /// The outcome for a request that waits for this answer.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Unreachable | Self::Unavailable(_) => Outcome::ProviderUnavailable,
            _ => Outcome::ProviderError,
        }
    }

    /// Whether asking again at once may help.
    pub fn is_worth_a_retry(self) -> bool {
        matches!(self, Self::Unreachable | Self::Unavailable(429 | 502 | 503 | 504))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("no answer: not reached, connection lost or timed out"),
            Self::Unavailable(status) => write!(f, "status {status}: it cannot answer now"),
            Self::UnexpectedStatus(status) => write!(f, "status {status} is no introspection answer"),
            Self::Unauthorized(status) => {
                write!(f, "status {status}: it refuses the gateway's own credentials; check introspection.client")
            }
            Self::TooLarge(bytes) => write!(f, "an answer of {bytes} bytes is over the limit"),
            Self::NotJson => f.write_str("the answer is not a JSON object"),
            Self::Duplicate => f.write_str("a member appears twice in the answer"),
            Self::ActiveUnreadable => f.write_str("\"active\" is missing or not a boolean"),
            Self::Unreadable(member) => write!(f, "\"{member}\" has a type or value of no use"),
        }
    }
}
