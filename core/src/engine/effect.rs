//! What the engine asks its host to do, and how requests end.

use super::about::About;
use super::metrics::Lookup;
use super::reason::Reason;
use crate::base::http::HttpCall;
use crate::base::time::Timestamp;
use crate::decision::decide::Permit;
use crate::outcome::Outcome;
use crate::policy::api::Api;
use crate::port::{Random, SharedStore, Signatures};
use crate::proof::Presented;
use crate::reply::{Refusal, Reply};
use std::rc::Rc;

/// A request, as the host numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// A call that the engine has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// How a request ends.
#[derive(Debug)]
pub enum Verdict {
    Admit(Permit),
    /// It passes without an identity, under this API: the operation is public, or there is no token and none is
    /// required.
    AdmitWithout(Outcome, Rc<Api>),
    /// It passes without an identity, outside every API.
    AdmitUnmatched,
    /// The filter itself is asked, for the metadata of a resource.
    Describe(Reply),
    Refuse(Refusal, Box<About>),
}

impl Verdict {
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Admit(_) => Outcome::Allowed,
            Self::AdmitWithout(outcome, _) => *outcome,
            Self::AdmitUnmatched => Outcome::Unmatched,
            Self::Describe(_) => Outcome::ResourceMetadata,
            Self::Refuse(refusal, _) => refusal.outcome,
        }
    }

    /// Says of a refusal with which token it was; does nothing for a request that passes.
    pub fn is_about(&mut self, presented: Presented<'_>) {
        if let Self::Refuse(refusal, about) = self {
            about.set_token(presented.token);
            refusal.is_of_dpop |= presented.by_dpop;
        }
    }

    /// Says of a refusal why it was before facts were judged; does nothing for a request that passes.
    pub(super) fn is_for(&mut self, reason: &Reason) {
        if let Self::Refuse(refusal, about) = self {
            about.detail.clone_from(&reason.detail);
            refusal.is_of_dpop |= reason.is_of_dpop;
        }
    }

    /// Adds details to a refusal; does nothing for a request that passes.
    pub fn explain(&mut self, explain: impl FnOnce(&mut About)) {
        if let Self::Refuse(_, about) = self {
            explain(about);
        }
    }
}

/// A verdict, and how the token that it is about was looked up, if it was.
#[derive(Debug)]
pub struct Ending {
    pub verdict: Verdict,
    pub lookup: Option<Lookup>,
}

impl Ending {
    /// Whether stale facts were used, because the authorization server cannot be asked.
    pub fn is_stale(&self) -> bool {
        self.lookup == Some(Lookup::Stale)
    }

    /// How the token was looked up, for an access log: nothing if it was known.
    pub fn cache(&self) -> Option<&'static str> {
        self.lookup.filter(|lookup| !matches!(lookup, Lookup::Hit | Lookup::NegativeHit)).map(Lookup::name)
    }
}

/// The result of a request's headers.
#[derive(Debug)]
pub enum Disposition {
    Ended(Ending),
    Waits,
}

impl From<Verdict> for Ending {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, lookup: None }
    }
}

/// Something for the host to do.
#[derive(Debug)]
pub enum Effect {
    /// Send a call; its result goes to [`super::worker::Worker::on_call_result`].
    Call(CallId, HttpCall),
    /// End a waiting request; one that is gone is skipped.
    End(StreamId, Ending),
    /// Put a message into another worker's queue.
    Message(u32, Vec<u8>),
    /// Give way to the event loop, then call [`super::worker::Worker::on_yield`] and do nothing else.
    Yield,
    Log(log::Level, String),
}

/// The context of an event, and its effects.
pub struct Cx<'a> {
    /// What the workers of the process share.
    pub store: &'a dyn SharedStore,
    pub signatures: &'a dyn Signatures,
    pub random: &'a dyn Random,
    pub now: Timestamp,
    /// What the host is to do, in order.
    pub effects: Vec<Effect>,
}

impl<'a> Cx<'a> {
    pub fn new(
        store: &'a dyn SharedStore,
        signatures: &'a dyn Signatures,
        random: &'a dyn Random,
        now: Timestamp,
    ) -> Self {
        Self { store, signatures, random, now, effects: Vec::new() }
    }
}
