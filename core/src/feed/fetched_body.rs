//! The document in an answer, or why there is none.

use crate::base::http::{Body, HttpAnswer, NoAnswer};
use std::fmt;

/// Most bytes a document may have.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
/// Why an answer is no document. Never quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    Unreachable(NoAnswer),
    Status(u16),
    Coded,
    TooLarge,
    /// What its reader says.
    Unreadable(String),
}

/// The bytes of a document.
///
/// # Errors
/// [`FetchError`] when the answer holds none.
pub(super) fn body(answer: HttpAnswer) -> Result<Vec<u8>, FetchError> {
    match answer.status {
        200 if answer.is_coded() => Err(FetchError::Coded),
        200 => match answer.body {
            Body::Whole(bytes) if bytes.len() <= MAX_DOCUMENT_BYTES => Ok(bytes),
            Body::Whole(_) | Body::TooLarge(_) => Err(FetchError::TooLarge),
        },
        status => Err(FetchError::Status(status)),
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => reason.fmt(f),
            Self::Status(status @ 300..=399) => {
                write!(f, "status {status}: redirects are not followed; configure the address that it leads to")
            }
            Self::Status(status) => write!(f, "status {status} where 200 was expected"),
            Self::Coded => f.write_str("the answer has a content-encoding, though none was asked for"),
            Self::TooLarge => write!(f, "the answer has more than {MAX_DOCUMENT_BYTES} bytes"),
            Self::Unreadable(reason) => f.write_str(reason),
        }
    }
}
