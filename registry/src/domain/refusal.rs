//! Why a request ends without what it asked for: each is a problem type of the API.

use crate::domain::fault::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, or the caller may not know that there is.
    NotFound,
    /// The caller may see it, but not do this.
    Forbidden,
    /// Nobody decides on a request of his own.
    OwnRequest,
    /// The query has these faults.
    InvalidQuery(Vec<Fault>),
    /// The body has these faults.
    Invalid(Vec<Fault>),
    /// Such a thing exists already.
    Exists(&'static str),
    /// Something that has not ended depends on it.
    InUse(&'static str),
    /// Which limit.
    LimitReached(&'static str),
    /// The provider cannot do this.
    NotSupported(&'static str),
    /// The state does not allow it, but these actions.
    Transition {
        current: &'static str,
        allowed: Vec<&'static str>,
    },
    SecretGone,
    PreconditionRequired,
    PreconditionFailed,
    /// The database cannot be asked now.
    Unavailable,
    /// This provider cannot be asked now.
    ProviderUnavailable(String),
    /// Another change was in the way; nothing has happened, and the same may succeed at once.
    Collided,
    /// A fault of ours; what happened is in the log.
    Internal,
}

impl Refusal {
    /// One fault of the body.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(pointer, detail)])
    }
}
