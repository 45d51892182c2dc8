//! Why an introspection brought no usable answer.

use crate::base::http::NoAnswer;
use crate::base::json::{ObjectError, UnusableMember};
use crate::outcome::Outcome;
use std::fmt;
use std::time::Duration;

/// Longest time that a server can ask to be left alone.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10);

/// A failed introspection. The texts are fixed: they contain nothing from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderFailure {
    Unreachable(NoAnswer),
    /// The server says it cannot answer now.
    Unavailable {
        /// 429, or 500 and above.
        status: u16,
        /// How long a 429 or 503 asks to be left alone; never zero, at most [`LONGEST_RETRY_AFTER`].
        retry_after: Option<Duration>,
    },
    /// A status that is not one of an introspection answer.
    UnexpectedStatus(u16),
    /// The server refuses the gateway's own credentials.
    Unauthorized(u16),
    Coded,
    TooLarge(usize),
    /// Not one JSON object (RFC 8259).
    NotJson,
    GivenTwice,
    /// Not a signed answer, where those are configured.
    NotSigned,
    /// Signed by nobody whose keys are configured.
    BadSignature,
    /// `active` is missing or not a boolean.
    ActiveUnreadable,
    /// This member has a type or value of no use.
    Unreadable(&'static str),
}

impl ProviderFailure {
    /// The outcome for a request that waits for this answer.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Unreachable(_) | Self::Unavailable { .. } => Outcome::ProviderUnavailable,
            _ => Outcome::ProviderError,
        }
    }

    /// Whether asking again at once may help, and is not what the server has asked not to do.
    pub fn is_worth_a_retry(self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unavailable { status: 502..=504, retry_after: None })
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => retry_after,
            _ => None,
        }
    }
}

impl From<ObjectError> for ProviderFailure {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::NotAnObject => Self::NotJson,
            ObjectError::GivenTwice => Self::GivenTwice,
        }
    }
}

impl From<UnusableMember> for ProviderFailure {
    fn from(UnusableMember(name): UnusableMember) -> Self {
        Self::Unreadable(name)
    }
}

impl fmt::Display for ProviderFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => reason.fmt(f),
            Self::Unavailable { status, retry_after: None } => write!(f, "status {status}: it cannot answer now"),
            Self::Unavailable { status, retry_after: Some(wait) } => {
                write!(f, "status {status}: it cannot answer now and asks to be left alone for {} s", wait.as_secs())
            }
            Self::UnexpectedStatus(status) => write!(f, "status {status} is not one of an introspection answer"),
            Self::Unauthorized(status) => {
                write!(f, "status {status}: it refuses the gateway's own credentials; check introspection.client")
            }
            Self::Coded => {
                f.write_str("the answer has a content-encoding, though none was asked for (accept-encoding: identity)")
            }
            Self::TooLarge(bytes) => write!(f, "an answer of {bytes} bytes is over the limit"),
            Self::NotJson => f.write_str("the answer is not a JSON object"),
            Self::GivenTwice => f.write_str("a member is given twice in the answer"),
            Self::NotSigned => f.write_str(
                "the answer is no JWT of type token-introspection+jwt with an accepted alg; \
                 introspection.response is \"jwt\": check what the server signs for this client",
            ),
            Self::BadSignature => f.write_str("the answer is not signed with a key of the issuer"),
            Self::ActiveUnreadable => f.write_str("\"active\" is missing or not a boolean"),
            Self::Unreadable(member) => write!(f, "\"{member}\" has a type or value of no use"),
        }
    }
}
