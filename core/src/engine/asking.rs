//! The life of a flight: sent in the root context's turn, answered, retried, told to those who follow.

use super::effect::{CallId, Effect, Ending};
use super::flights::{Flight, Phase, Waiter};
use super::message::{self, Mark, Message, Told};
use super::metrics::{Asked, Lookup};
use super::settings::Provider;
use super::worker::Worker;
use crate::base::http::HttpResult;
use crate::base::time::Timestamp;
use crate::cache::{BucketSnapshot, CacheControl, Digest, Freshness, Lifetime, Remembered, Role, is_held};
use crate::decision::policy::ProviderIndex;
use crate::outcome::Outcome;
use crate::port::SharedStore;
use crate::provider::failure::Failure;
use crate::provider::introspection::response;
use crate::token::facts::TokenState;
use std::rc::Rc;
use std::time::Duration;

/// How a flight ends: what is known of the token now, or the outcome of those who wait.
type Learned = Result<Remembered, Outcome>;

impl Worker {
    /// The root context's turn: calls that wait for it are sent.
    pub fn on_turn(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.send_queued(now, &mut effects);
        effects
    }

    fn send_queued(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        for digest in self.flights.take_queued() {
            if let Some(Flight { phase: Phase::Queued { leads }, .. }) = self.flights.get_mut(&digest) {
                let leads = *leads;
                self.call(&digest, 0, leads, now, effects);
            }
        }
    }

    /// Decides who asks: this worker, in the root context's next turn, or another one that does already. What that
    /// makes of the look-up that needs the answer. `seen` is what that look-up has just read.
    pub(super) fn depart(
        &mut self,
        digest: &Digest,
        seen: Option<BucketSnapshot>,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Lookup {
        match self.slots.join(store, digest, seen, now) {
            Role::Follow { until } => {
                self.flights.follow(digest, until);
                Lookup::Coalesced
            }
            role @ (Role::Lead | Role::Alone) => {
                self.flights.queue(digest, role == Role::Lead);
                Lookup::Miss
            }
        }
    }

    /// A message has come: a note of this worker to itself, or the word of another one.
    pub fn on_message(&mut self, message: &[u8], store: &dyn SharedStore, now: Timestamp) -> Vec<Effect> {
        match message::read(message) {
            Some(Message::Wake) => self.on_turn(now),
            Some(Message::Answer(digest, told)) => self.on_answer(digest, told, store, now),
            None => Vec::new(),
        }
    }

    fn on_answer(&mut self, digest: Digest, told: Told, store: &dyn SharedStore, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(Flight { phase: Phase::Following { .. }, provider, .. }) = self.flights.get_mut(&digest) else {
            return effects;
        };
        let provider = *provider;
        let learned = match told {
            Told::State(remembered) => Ok(self.settings.cache.shorten(remembered)),
            Told::Unavailable(retry_after) => {
                if let Some(wait) = retry_after {
                    self.pauses.hold(provider, wait, now);
                }
                Err(Outcome::ProviderUnavailable)
            }
            Told::Error(mark) if mark == self.mark(provider, &digest) => Err(Outcome::ProviderError),
            // Who asked has another secret, which may be all that was wrong.
            Told::Error(_) | Told::TooMuch => {
                if self.pauses.held(provider, now).is_none() {
                    self.call(&digest, 0, false, now, &mut effects);
                    return effects;
                }
                Err(Outcome::ProviderUnavailable)
            }
        };
        self.land(&digest, learned, store, now, &mut effects);
        effects
    }

    fn mark(&self, ProviderIndex(provider): ProviderIndex, digest: &Digest) -> Mark {
        let provider = self.settings.providers.get(provider);
        provider.map(|provider| message::mark(&provider.endpoint.client, digest)).unwrap_or_default()
    }

    fn call(&mut self, digest: &Digest, earlier: u32, leads: bool, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(flight) = self.flights.get_mut(digest) else { return };
        let Some(provider) = self.settings.providers.get(flight.provider.0) else { return };
        let timeout = provider.endpoint.timeout.min(flight.time_left(now)).max(Duration::from_millis(1));
        let call = provider.endpoint.call(&flight.token, timeout);
        let id = self.next_call();
        self.flights.calling(digest, id, earlier, now, leads);
        self.metrics.in_flight(self.flights.calls());
        effects.push(Effect::Call(id, call));
    }

    /// A call has ended.
    pub fn on_result(
        &mut self,
        call: CallId,
        result: HttpResult,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(digest) = self.flights.landed(call) else {
            return self.on_contract_result(call, result, store, now);
        };
        let settings = Rc::clone(&self.settings);
        let Some(Flight { provider: index, deadline, phase: Phase::Calling { earlier, sent_at, leads, .. }, .. }) =
            self.flights.get_mut(&digest)
        else {
            return effects;
        };
        let (index, earlier, leads) = (*index, *earlier, *leads);
        let (took, in_time) = (now.since(*sent_at), now < *deadline);
        let asked_at = now.min(*sent_at);
        let Some(provider) = settings.providers.get(index.0) else { return effects };
        let read = response::read(&result, &provider.claims, provider.endpoint.sends_own_token(), now);
        self.metrics.asked(index, asked(&read), took);
        self.metrics.in_flight(self.flights.calls());
        let mut why = None;
        let learned = match read {
            Err(failure)
                if failure.is_worth_a_retry()
                    && earlier < provider.endpoint.retries
                    && in_time
                    && self.pauses.held(index, now).is_none() =>
            {
                self.call(&digest, earlier + 1, leads, now, &mut effects);
                return effects;
            }
            Err(failure) => {
                why = Some(failure);
                Err(self.note_failure(index, provider, failure, now, &mut effects))
            }
            Ok(state) => Ok(self.remembered(state, &result, asked_at)),
        };
        self.finish(&digest, learned, leads, store, now, &mut effects);
        if let Some(failure) = why {
            for effect in &mut effects {
                // What serves nevertheless is judged, and says itself why not.
                if let Effect::End(_, ending) = effect
                    && !ending.stale
                {
                    ending.verdict.explain(|about| about.detail = Some(failure.to_string().into()));
                }
            }
        }
        effects
    }

    /// The answer with its lifetime; one that is not to be kept has none.
    fn remembered(&mut self, state: TokenState, result: &HttpResult, asked_at: Timestamp) -> Remembered {
        let cache_control = match result {
            HttpResult::Answered(answer) => CacheControl::of(answer),
            HttpResult::Failed => CacheControl::default(),
        };
        let seed = self.next_seed();
        let lifetime = self.settings.cache.lifetime(&state, cache_control, asked_at, seed);
        let none = Lifetime::none(asked_at);
        Remembered { state, lifetime: lifetime.unwrap_or(none) }
    }

    fn note_failure(
        &mut self,
        index: ProviderIndex,
        provider: &Provider,
        failure: Failure,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let outcome = failure.outcome();
        if failure == Failure::Unreachable {
            self.pauses.silent(index, now);
        }
        if let Some(wait) = failure.retry_after() {
            self.pauses.hold(index, wait, now);
        }
        if self.pauses.may_log(index, now) {
            let stale = match (outcome, self.settings.cache.stale_if_error.is_zero()) {
                (Outcome::ProviderUnavailable, false) => "; tokens known from before pass until stale_if_error ends",
                _ => "",
            };
            let line = format!("provider {:?}: introspection failed: {failure}{stale}", provider.name);
            effects.push(Effect::Log(log::Level::Warn, line));
        }
        outcome
    }

    /// Ends a flight, shares what was learned and tells those who follow it.
    fn finish(
        &mut self,
        digest: &Digest,
        learned: Learned,
        leads: bool,
        store: &dyn SharedStore,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let followers = self.slots.publish(store, digest, learned.as_ref().ok(), leads, now);
        if !followers.is_empty()
            && let Some(provider) = self.flights.get_mut(digest).map(|flight| flight.provider)
        {
            let message = match &learned {
                Ok(remembered) => message::answer(digest, remembered),
                Err(Outcome::ProviderUnavailable) => message::unavailable(digest, self.pauses.held(provider, now)),
                Err(_) => message::error(digest, self.mark(provider, digest)),
            };
            effects.extend(followers.into_iter().map(|queue| Effect::Message(queue, message.clone())));
        }
        self.land(digest, learned, store, now, effects);
    }

    /// Ends a flight in this worker.
    fn land(
        &mut self,
        digest: &Digest,
        learned: Learned,
        store: &dyn SharedStore,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(mut flight) = self.flights.close(digest) else { return };
        self.metrics.in_flight(self.flights.calls());
        let token = flight.token.expose().as_bytes();
        match &learned {
            Ok(remembered) => {
                for key in &flight.keys {
                    match remembered.freshness(now) {
                        Freshness::Fresh => self.known.insert(*key, token, remembered.clone()),
                        Freshness::Stale | Freshness::Expired => {
                            self.known.remove(*key, token);
                        }
                    }
                }
            }
            Err(outcome) => self.pauses.failed(digest, *outcome, flight.was_good, now),
        }
        // Read once for all who wait.
        let stale = match learned {
            Err(Outcome::ProviderUnavailable) if !self.settings.cache.stale_if_error.is_zero() => {
                self.slots.read(store, digest, now).0
            }
            _ => None,
        };
        let mut unsatisfied = Vec::new();
        for waiter in std::mem::take(&mut flight.waiters) {
            let mut ending = match &learned {
                // An answer to a question from before the request counts as one that was known then.
                Ok(remembered)
                    if remembered.lifetime.asked_at < waiter.since
                        && !self.is_young_enough(remembered, waiter.rule, now) =>
                {
                    unsatisfied.push(Waiter { since: waiter.since.min(now), ..waiter });
                    continue;
                }
                Ok(remembered) => {
                    let verdict = self.judge(remembered, flight.provider, waiter.rule, store, now);
                    Ending { verdict, stale: false }
                }
                Err(outcome) => self.unanswered(*outcome, stale.as_ref(), flight.provider, waiter.rule, store, now),
            };
            ending.verdict.explain(|about| about.set_token(flight.token.expose().as_bytes()));
            effects.push(Effect::End(waiter.stream, ending));
        }
        self.ask_again(digest, Flight { waiters: unsatisfied, ..flight }, store, now, effects);
    }

    /// Asks once more for requests that need a younger answer than the one they have waited for.
    fn ask_again(
        &mut self,
        digest: &Digest,
        flight: Flight,
        store: &dyn SharedStore,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(since) = flight.waiters.iter().map(|waiter| waiter.since).min() else { return };
        let deadline = self.deadline(flight.provider, since);
        let provider = flight.provider;
        self.flights.reopen(*digest, Flight { deadline, phase: Phase::Boarding, ..flight });
        if self.pauses.held(provider, now).is_some() {
            self.land(digest, Err(Outcome::ProviderUnavailable), store, now, effects);
            return;
        }
        self.depart(digest, None, store, now);
        self.send_queued(now, effects);
    }

    /// The periodic turn: leases are renewed, dead leaders replaced, overdue flights ended.
    pub(super) fn tend_flights(&mut self, store: &dyn SharedStore, now: Timestamp, effects: &mut Vec<Effect>) {
        self.pauses.tend(now);
        // A clock that was set back puts off no end: none ends later than one that takes off now.
        for digest in self.flights.select(|flight| flight.deadline > self.deadline(flight.provider, now)) {
            let Some(provider) = self.flights.get_mut(&digest).map(|flight| flight.provider) else { continue };
            let latest = self.deadline(provider, now);
            if let Some(flight) = self.flights.get_mut(&digest) {
                flight.deadline = latest;
            }
        }
        for digest in self.flights.select(|flight| now >= flight.deadline) {
            let leads = self.flights.get_mut(&digest).is_some_and(|flight| flight.phase.leads());
            self.finish(&digest, Err(Outcome::ProviderUnavailable), leads, store, now, effects);
        }
        for digest in self.flights.select(|flight| flight.phase.leads()) {
            self.slots.renew(store, &digest, now);
        }
        let abandoned = |flight: &Flight| match flight.phase {
            Phase::Following { until } => !is_held(until, now),
            _ => false,
        };
        for digest in self.flights.select(abandoned) {
            let provider = self.flights.get_mut(&digest).map(|flight| flight.provider);
            match provider.and_then(|provider| self.pauses.held(provider, now)) {
                Some(_) => self.land(&digest, Err(Outcome::ProviderUnavailable), store, now, effects),
                None => {
                    self.depart(&digest, None, store, now);
                }
            }
        }
        // Also what was queued in a turn that has not come.
        self.send_queued(now, effects);
    }
}

fn asked(read: &Result<TokenState, Failure>) -> Asked {
    match read {
        Ok(TokenState::Active(_)) => Asked::Active,
        Ok(TokenState::Inactive) => Asked::Inactive,
        Err(failure) if failure.outcome() == Outcome::ProviderUnavailable => Asked::Unavailable,
        Err(_) => Asked::Error,
    }
}
