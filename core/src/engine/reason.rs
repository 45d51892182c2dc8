//! Why a request is refused before facts are judged.

use crate::outcome::Outcome;
use std::borrow::Cow;

/// An outcome that is no verdict on facts, and what access logs say of it.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    pub outcome: Outcome,
    pub detail: Option<Cow<'static, str>>,
    /// Whether the token says that it is bound to a key by DPoP.
    pub is_of_dpop: bool,
}

impl Reason {
    pub(super) fn new(outcome: Outcome, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { outcome, detail: Some(detail.into()), is_of_dpop: false }
    }
}

impl From<Outcome> for Reason {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, detail: None, is_of_dpop: false }
    }
}
