//! The tokens being introspected, each with the requests that wait for it: at most one question per token.

use super::effect::{CallId, StreamId};
use super::metrics::Lookup;
use crate::base::http::HttpResult;
use crate::base::time::Timestamp;
use crate::policy::api::{Choice, Guard};
use crate::proof::evidence::Evidence;
use crate::provider::Provider;
use crate::provider::introspection::request::{Endpoint, Introspection};
use crate::token::bearer::Bearer;
use crate::token::digest::Digest;
use hashbrown::HashMap;
use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

/// Most tokens that one worker asks about at the same time, as long as one of them was never seen good.
pub(super) const MAX_FLIGHTS: usize = 1024;
/// Most requests that wait in one worker, likewise.
pub(super) const MAX_WAITERS: usize = 8192;
/// Most of these that wait for keys or metadata: other tokens must not be locked out meanwhile.
const MAX_PARKED: usize = MAX_WAITERS / 2;
/// The part of both that there is in addition for tokens that were good before: strangers cannot lock them out.
const RESERVE_PART: usize = 4;
/// Time beyond an authorization server's total timeout after which a flight ends, whatever has become of its call.
/// Ticks come later than that by up to their period; together they stay within one second.
const GRACE: Duration = Duration::from_millis(500);

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A request that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub stream: StreamId,
    pub guard: Guard,
    pub since: Timestamp,
    /// How its token was looked up: first asked about for it, or for another.
    pub lookup: Lookup,
    /// Whether its token came by the scheme `DPoP`.
    pub by_dpop: bool,
    /// What came with the token, if that proves anything.
    pub evidence: Option<Rc<Evidence>>,
}

/// A request that waits until the keys, or the address, of its provider are known.
#[derive(Debug)]
pub(super) struct Parked {
    pub provider: Rc<Provider>,
    pub token: Bearer,
    pub waiter: Waiter,
    /// When it has to end, whatever happens.
    pub deadline: Timestamp,
    /// How often requests had been resumed when it began to wait.
    pub round: u64,
}

/// Who is being resumed.
#[derive(Debug, Default)]
pub(super) struct Resuming {
    /// How often it was begun.
    pub round: u64,
    /// The providers that some still wait for who are to be resumed.
    pub slots: Vec<usize>,
}

/// What is asked, and for whom.
#[derive(Debug)]
pub(super) struct Question {
    pub provider: Rc<Provider>,
    pub endpoint: Rc<Endpoint>,
    pub token: Bearer,
    /// Under which keys of the local cache the answer is wanted.
    pub keys: Vec<u16>,
    /// Who waits; nobody does for a renewal ahead of time, or when all have hung up.
    pub waiters: Vec<Waiter>,
    /// When it has to end, whatever happens.
    pub deadline: Timestamp,
    /// Whether the token was a good one before.
    pub was_good: bool,
}

/// A question in flight.
#[derive(Debug)]
pub(super) struct Flight {
    pub question: Question,
    pub phase: Phase,
}

/// What a call about a token brought, and what is to be known of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub result: HttpResult,
    /// Calls before it.
    pub earlier: u32,
    pub sent_at: Timestamp,
    /// Whether other workers may be waiting for it.
    pub leads: bool,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Asking {
        call: CallId,
        earlier: u32,
        sent_at: Timestamp,
        /// Whether other workers may be waiting for it.
        leads: bool,
    },
    /// The answer is here, and held until its key is fetched.
    Holding(Box<Arrived>),
    Following {
        /// When that worker counts as dead, unless it has renewed its lease.
        until: Timestamp,
    },
}

/// Why a request cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The flights of one worker.
#[derive(Debug, Default)]
pub(super) struct Flights {
    flights: Map<Digest, Flight>,
    parked: Vec<Parked>,
    /// Requests that wait, be it only for their end to be carried out; each with the token of its flight, if it is in
    /// one.
    streams: Map<StreamId, Option<Digest>>,
}

impl Flights {
    /// Whether there is room for one more question and its first waiter. `was_good` says whether the token was a good
    /// one before.
    ///
    /// # Errors
    /// [`Full`] when as many tokens or requests are under way as memory is meant for.
    pub(super) fn admit(&self, was_good: bool) -> Result<(), Full> {
        let fits = self.flights.len() < most(MAX_FLIGHTS, was_good) && self.streams.len() < most(MAX_WAITERS, was_good);
        fits.then_some(()).ok_or(Full)
    }

    /// As [`Self::admit`], for a question that nobody waits for.
    ///
    /// # Errors
    /// [`Full`], as above.
    pub(super) fn admit_renewal(&self) -> Result<(), Full> {
        (self.flights.len() < most(MAX_FLIGHTS, true)).then_some(()).ok_or(Full)
    }

    /// Lets a request wait for a question under way; the answer is wanted under `key`, too. `was_good` says whether its
    /// token was a good one before.
    ///
    /// # Errors
    /// [`Full`], as above.
    pub(super) fn join(&mut self, digest: &Digest, waiter: Waiter, key: u16, was_good: bool) -> Result<(), Full> {
        let Some(Flight { question, .. }) = self.flights.get_mut(digest) else { return Ok(()) };
        if self.streams.len() >= most(MAX_WAITERS, was_good || question.was_good) {
            return Err(Full);
        }
        if !question.keys.contains(&key) {
            question.keys.push(key);
        }
        self.streams.insert(waiter.stream, Some(*digest));
        question.waiters.push(waiter);
        Ok(())
    }

    /// A question is asked by this worker or by another one. Its waiters wait.
    pub(super) fn insert(&mut self, digest: &Digest, question: Question, phase: Phase) {
        self.streams.extend(question.waiters.iter().map(|waiter| (waiter.stream, Some(*digest))));
        self.flights.insert(*digest, Flight { question, phase });
    }

    /// Whether the token is being asked about.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.flights.contains_key(digest)
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<&Flight> {
        self.flights.get(digest)
    }

    /// Ends a flight. Each of its waiters counts as waiting until its end is carried out.
    pub(super) fn take(&mut self, digest: &Digest) -> Option<Flight> {
        self.flights.remove(digest)
    }

    /// The end of a request that waited is about to be carried out; says whether the request is still there.
    pub(super) fn release(&mut self, stream: StreamId) -> bool {
        self.streams.remove(&stream).is_some()
    }

    /// The requests that wait for a question, or for keys or an address; not those whose end is to be carried out.
    pub(super) fn waiting(&self) -> impl Iterator<Item = StreamId> {
        let asking = self.flights.values().flat_map(|flight| &flight.question.waiters);
        asking.chain(self.parked.iter().map(|parked| &parked.waiter)).map(|waiter| waiter.stream)
    }

    /// A request is gone. Its flight goes on: the answer will be cached.
    pub(super) fn leave(&mut self, stream: StreamId) {
        // The common case after a request.
        if self.streams.is_empty() {
            return;
        }
        match self.streams.remove(&stream) {
            Some(Some(digest)) => {
                if let Some(flight) = self.flights.get_mut(&digest) {
                    flight.question.waiters.retain(|waiter| waiter.stream != stream);
                }
            }
            Some(None) => self.parked.retain(|parked| parked.waiter.stream != stream),
            None => {}
        }
    }

    /// Lets a request wait for its provider's keys or address.
    ///
    /// # Errors
    /// [`Full`] when as many requests wait as memory is meant for.
    pub(super) fn park(&mut self, parked: Parked) -> Result<(), Full> {
        let stream = parked.waiter.stream;
        // One that has waited has its place.
        let is_full = self.parked.len() >= MAX_PARKED || self.streams.len() >= MAX_WAITERS;
        if is_full && !self.streams.contains_key(&stream) {
            return Err(Full);
        }
        self.streams.insert(stream, None);
        self.parked.push(parked);
        Ok(())
    }

    /// Those who wait so and are `wanted`, in the order in which they came, and no more than `most`. Each counts as
    /// waiting until its end is carried out.
    pub(super) fn unpark(&mut self, most: usize, wanted: impl Fn(&Parked) -> bool) -> Vec<Parked> {
        self.parked.extract_if(.., |parked| wanted(parked)).take(most).collect()
    }

    /// Puts no end off: none comes later than `latest` says.
    pub(super) fn shorten_deadlines(&mut self, latest: impl Fn(&Introspection) -> Timestamp) {
        for Flight { question, .. } in self.flights.values_mut() {
            question.deadline = question.deadline.min(latest(&question.endpoint.introspection));
        }
    }

    /// The digests of all flights that `wanted` picks.
    pub(super) fn select(&self, wanted: impl Fn(&Flight) -> bool) -> Vec<Digest> {
        self.flights.iter().filter(|(_, flight)| wanted(flight)).map(|(digest, _)| *digest).collect()
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }
}

impl Phase {
    /// Whether other workers may be waiting for this one's call.
    pub(super) fn leads(&self) -> bool {
        match self {
            Self::Asking { leads, .. } => *leads,
            Self::Holding(arrived) => arrived.leads,
            Self::Following { .. } => false,
        }
    }
}

impl Question {
    /// A question that nobody waits for yet.
    pub(super) fn new(choice: &Choice, endpoint: &Rc<Endpoint>, token: Bearer, was_good: bool, now: Timestamp) -> Self {
        let Choice { provider, key } = choice;
        let (provider, keys) = (Rc::clone(provider), vec![*key]);
        let (endpoint, deadline) = (Rc::clone(endpoint), deadline(&endpoint.introspection, now));
        Self { provider, endpoint, token, keys, waiters: Vec::new(), deadline, was_good }
    }

    /// How long a call may take from now on.
    pub(super) fn time_left(&self, now: Timestamp) -> Duration {
        self.deadline.since(now)
    }
}

impl Waiter {
    pub(super) fn evidence(&self) -> Cow<'_, Evidence> {
        match &self.evidence {
            Some(evidence) => Cow::Borrowed(evidence),
            None => Cow::Owned(Evidence::default()),
        }
    }
}

/// The deadline of a question that is asked now.
pub(super) fn deadline(introspection: &Introspection, now: Timestamp) -> Timestamp {
    now.plus(introspection.total_timeout()).plus(GRACE)
}

/// The most there may be of what strangers may have `limit` of.
const fn most(limit: usize, was_good: bool) -> usize {
    if was_good { limit + limit / RESERVE_PART } else { limit }
}

#[cfg(test)]
mod tests;
