//! Why a transfer failed.

use std::fmt;

/// Why a transfer failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TransferError {
    /// For the log; never what the server sent.
    pub reason: String,
    /// The answer could not be used as a delta: everything is asked for next.
    pub start_over: bool,
}

impl TransferError {
    /// The server could not be asked, or did not give an answer.
    pub(super) fn unanswered(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), start_over: false }
    }

    pub(super) fn unusable(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), start_over: true }
    }
}
