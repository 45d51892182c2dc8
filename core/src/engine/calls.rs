//! The calls in flight, and what each is for.

use super::effect::CallId;
use super::sources::ServerDocument;
use crate::contract::action;
use crate::token::digest::Digest;
use hashbrown::HashMap;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Introspection of this token, for a flight.
    Introspect(Digest),
    Contracts(action::PageCall),
    /// This document of the provider in this slot.
    Fetch(usize, ServerDocument),
}

/// What a call is about, for who looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Token,
    Contracts,
    Keys,
    Metadata,
}

impl Purpose {
    pub(super) fn subject(self) -> Subject {
        match self {
            Self::Introspect(_) => Subject::Token,
            Self::Contracts(_) => Subject::Contracts,
            Self::Fetch(_, ServerDocument::Keys) => Subject::Keys,
            Self::Fetch(_, ServerDocument::Metadata) => Subject::Metadata,
        }
    }
}

/// The calls of one worker.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    purposes: HashMap<CallId, Purpose, foldhash::fast::RandomState>,
    introspections: usize,
}

impl Calls {
    /// A call for this purpose is about to be sent.
    pub(super) fn open(&mut self, purpose: Purpose) -> CallId {
        self.last += 1;
        let call = CallId(self.last);
        self.introspections += usize::from(matches!(purpose, Purpose::Introspect(_)));
        self.purposes.insert(call, purpose);
        call
    }

    /// The call is over, or nobody waits for it any more. `None` if that was so before.
    pub(super) fn take(&mut self, call: CallId) -> Option<Purpose> {
        let purpose = self.purposes.remove(&call)?;
        self.introspections -= usize::from(matches!(purpose, Purpose::Introspect(_)));
        Some(purpose)
    }

    pub(super) fn purpose(&self, call: CallId) -> Option<Purpose> {
        self.purposes.get(&call).copied()
    }

    pub(super) fn introspections(&self) -> usize {
        self.introspections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_over_once_and_only_introspections_are_counted() {
        let mut calls = Calls::default();
        let one = calls.open(Purpose::Introspect([1; 32]));
        let page = calls.open(Purpose::Contracts(action::PageCall(7)));
        assert_eq!(calls.introspections(), 1);
        assert_eq!(calls.take(page), Some(Purpose::Contracts(action::PageCall(7))));
        assert_eq!(calls.take(page), None);
        assert_eq!(calls.introspections(), 1);
        assert_eq!(calls.take(one), Some(Purpose::Introspect([1; 32])));
        assert_eq!((calls.take(one), calls.introspections()), (None, 0));
        assert_ne!(calls.open(Purpose::Introspect([1; 32])), one, "numbers are not used again");
    }
}
