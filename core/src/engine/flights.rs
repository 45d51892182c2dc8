//! Introspections under way, each with the requests that wait for it: at most one for a token.

use super::effect::{CallId, StreamId};
use crate::base::time::Timestamp;
use crate::cache::Digest;
use crate::decision::policy::{ProviderIndex, RuleIndex};
use crate::token::bearer::Bearer;
use hashbrown::HashMap;
use std::time::Duration;

/// Most tokens that one worker asks about at the same time, as long as one of them was never seen good.
pub const MAX_FLIGHTS: usize = 1024;
/// Most requests that wait in one worker, likewise.
pub const MAX_WAITERS: usize = 8192;
/// The part of both that there is in addition for tokens that were good before: strangers cannot lock them out.
const RESERVE_PART: usize = 4;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The request.
    pub stream: StreamId,
    /// What its token is judged by.
    pub rule: RuleIndex,
    /// Under which key its API knows the answer.
    pub key: u16,
    /// When it began to wait.
    pub since: Timestamp,
}

/// One token that is being asked about.
#[derive(Debug)]
pub struct Flight {
    /// Who is asked.
    pub provider: ProviderIndex,
    /// About what.
    pub token: Bearer,
    /// Under which keys the answer is wanted.
    pub keys: Vec<u16>,
    /// Who waits; nobody does for a renewal ahead of time, or when all have hung up.
    pub waiters: Vec<Waiter>,
    /// When it has to end, whatever happens.
    pub deadline: Timestamp,
    /// How far it is.
    pub phase: Phase,
    /// Whether the token was a good one before.
    pub was_good: bool,
}

/// How far a flight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not yet decided who asks.
    Boarding,
    /// Waits for the root context's turn, which alone may send calls.
    Queued {
        /// Whether other workers may be waiting for it.
        leads: bool,
    },
    /// Waits for this worker's own call.
    Calling {
        /// The call.
        call: CallId,
        /// Calls before it.
        earlier: u32,
        /// When it was sent.
        sent_at: Timestamp,
        /// Whether other workers may be waiting for it.
        leads: bool,
    },
    /// Waits for another worker's call.
    Following {
        /// When that worker counts as dead, unless it has renewed its lease.
        until: Timestamp,
    },
}

/// Why a request cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The flights of one worker.
#[derive(Debug, Default)]
pub struct Flights {
    flights: Map<Digest, Flight>,
    /// Requests that wait, be it only for their end to be carried out.
    streams: Map<StreamId, Digest>,
    calls: Map<CallId, Digest>,
    queued: Vec<Digest>,
}

impl Flights {
    /// Lets a request wait; says whether somebody is asking already. `was_good` says whether its token was a good one
    /// before.
    ///
    /// # Errors
    /// [`Full`] when as many tokens or requests are under way as memory is meant for.
    pub fn board(
        &mut self,
        digest: Digest,
        waiter: Waiter,
        was_good: bool,
        open: impl FnOnce() -> Flight,
    ) -> Result<bool, Full> {
        let was_good = was_good || self.flights.get(&digest).is_some_and(|flight| flight.was_good);
        if self.streams.len() >= most(MAX_WAITERS, was_good) {
            return Err(Full);
        }
        let coalesced = self.open(digest, waiter.key, was_good, open)?;
        if let Some(flight) = self.flights.get_mut(&digest) {
            flight.waiters.push(waiter);
            self.streams.insert(waiter.stream, digest);
        }
        Ok(coalesced)
    }

    /// Opens a flight unless there is one; says whether there was.
    ///
    /// # Errors
    /// [`Full`], as above.
    pub fn open(
        &mut self,
        digest: Digest,
        key: u16,
        was_good: bool,
        open: impl FnOnce() -> Flight,
    ) -> Result<bool, Full> {
        if let Some(flight) = self.flights.get_mut(&digest) {
            if !flight.keys.contains(&key) {
                flight.keys.push(key);
            }
            return Ok(true);
        }
        if self.flights.len() >= most(MAX_FLIGHTS, was_good) {
            return Err(Full);
        }
        self.flights.insert(digest, Flight { was_good, ..open() });
        Ok(false)
    }

    /// Whether the token is being asked about.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.flights.contains_key(digest)
    }

    /// A flight is to be called for in the root context's turn.
    pub fn queue(&mut self, digest: &Digest, leads: bool) {
        if let Some(flight) = self.flights.get_mut(digest) {
            flight.phase = Phase::Queued { leads };
            self.queued.push(*digest);
        }
    }

    /// Another worker asks.
    pub fn follow(&mut self, digest: &Digest, until: Timestamp) {
        if let Some(flight) = self.flights.get_mut(digest) {
            flight.phase = Phase::Following { until };
        }
    }

    /// Whether flights wait for the root context's turn.
    pub fn has_queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// The flights that wait for the root context's turn; they no longer do.
    pub fn take_queued(&mut self) -> Vec<Digest> {
        std::mem::take(&mut self.queued)
    }

    /// A flight.
    pub fn get_mut(&mut self, digest: &Digest) -> Option<&mut Flight> {
        self.flights.get_mut(digest)
    }

    /// The flight that waits for a call, and its digest. The call is over.
    pub fn landed(&mut self, call: CallId) -> Option<Digest> {
        self.calls.remove(&call)
    }

    /// A call has been sent for a flight.
    pub fn calling(&mut self, digest: &Digest, call: CallId, earlier: u32, sent_at: Timestamp, leads: bool) {
        if let Some(flight) = self.flights.get_mut(digest) {
            flight.phase = Phase::Calling { call, earlier, sent_at, leads };
            self.calls.insert(call, *digest);
        }
    }

    /// Ends a flight. Its waiters are to be dismissed, each when its end is carried out.
    pub fn close(&mut self, digest: &Digest) -> Option<Flight> {
        let flight = self.flights.remove(digest)?;
        match flight.phase {
            Phase::Calling { call, .. } => {
                self.calls.remove(&call);
            }
            // It would take off twice if its token were asked about again before the turn.
            Phase::Queued { .. } => self.queued.retain(|queued| queued != digest),
            Phase::Boarding | Phase::Following { .. } => {}
        }
        Some(flight)
    }

    /// The end of a request that waited is about to be carried out; says whether the request is still there.
    pub fn dismiss(&mut self, stream: StreamId) -> bool {
        self.streams.remove(&stream).is_some()
    }

    /// Takes a flight up again with those of its requests that have not been answered.
    pub fn reopen(&mut self, digest: Digest, flight: Flight) {
        self.flights.insert(digest, flight);
    }

    /// A request is gone. Its flight goes on: the answer will be remembered.
    pub fn leave(&mut self, stream: StreamId) {
        // As after nearly every request.
        if self.streams.is_empty() {
            return;
        }
        let Some(digest) = self.streams.remove(&stream) else { return };
        if let Some(flight) = self.flights.get_mut(&digest) {
            flight.waiters.retain(|waiter| waiter.stream != stream);
        }
    }

    /// The digests of all flights in a state that `wanted` picks.
    pub fn select(&self, wanted: impl Fn(&Flight) -> bool) -> Vec<Digest> {
        self.flights.iter().filter(|(_, flight)| wanted(flight)).map(|(digest, _)| *digest).collect()
    }

    /// Whether nothing is held but requests whose end is decided.
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty() && self.calls.is_empty() && self.queued.is_empty()
    }

    /// Whether no request is held.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Calls that have been sent and not answered.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }
}

impl Phase {
    /// Whether other workers may be waiting for this one's call.
    pub fn leads(self) -> bool {
        matches!(self, Self::Queued { leads: true } | Self::Calling { leads: true, .. })
    }
}

impl Flight {
    /// A flight that nobody waits for yet.
    pub fn new(provider: ProviderIndex, token: Bearer, key: u16, deadline: Timestamp) -> Self {
        let (waiters, phase) = (Vec::new(), Phase::Boarding);
        Self { provider, token, keys: vec![key], waiters, deadline, phase, was_good: false }
    }

    /// How long a call may take from now on.
    pub fn time_left(&self, now: Timestamp) -> Duration {
        self.deadline.since(now)
    }
}

/// The most there may be of what strangers may have `limit` of.
const fn most(limit: usize, was_good: bool) -> usize {
    if was_good { limit + limit / RESERVE_PART } else { limit }
}

#[cfg(test)]
mod tests;
