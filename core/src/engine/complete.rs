//! The life of a flight: who introspects, and what follows for the requests that wait, here and in other workers.

use super::effect::{Cx, Effect, Ending};
use super::flights::{Flight, Phase, Question, Waiter, deadline};
use super::message::{self, Completion};
use super::metrics::Lookup;
use super::reason::Reason;
use super::worker::Worker;
use crate::cache::{BucketSnapshot, Freshness, Remembered, Role, is_held};
use crate::outcome::Outcome;
use crate::policy::api::Guard;
use crate::proof::Presented;
use crate::token::digest::Digest;
use std::rc::Rc;

/// The result of a question about a token.
pub(super) type Learned = Result<Remembered, Reason>;

impl Worker {
    /// Elects who introspects: this worker, or another one that already does. Returns how the lookup that needs the
    /// answer is counted. `seen` is what that lookup has just read.
    pub(super) fn elect(
        &mut self,
        digest: &Digest,
        mut question: Question,
        seen: Option<BucketSnapshot>,
        cx: &mut Cx<'_>,
    ) -> Lookup {
        match self.shared.join(cx.store, digest, seen, cx.now) {
            Role::Follow { until } => {
                question.waiters.iter_mut().for_each(|waiter| waiter.lookup = Lookup::Coalesced);
                self.flights.insert(digest, question, Phase::Following { until });
                Lookup::Coalesced
            }
            role @ (Role::Lead | Role::Alone) => {
                self.introspect(digest, question, 0, role == Role::Lead, cx);
                Lookup::Miss
            }
        }
    }

    /// The leader that this worker follows has sent the result.
    pub(super) fn on_completed(&mut self, digest: &Digest, completion: Completion, cx: &mut Cx<'_>) {
        let Some(Flight { question, phase: Phase::Following { .. } }) = self.flights.get(digest) else { return };
        let provider = Rc::clone(&question.provider);
        let client = &question.endpoint.introspection.client;
        let learned = match completion {
            Completion::Answered(remembered) if self.sources.trusts(&provider, &remembered) => {
                Ok(self.settings.cache.shorten(remembered))
            }
            Completion::Unavailable(retry_after) => {
                if let Some(wait) = retry_after {
                    self.pauses.hold(&provider, wait, cx.now);
                }
                Err(Outcome::ProviderUnavailable.into())
            }
            Completion::Unusable(mark) if mark == message::mark(client, digest) => Err(Outcome::ProviderError.into()),
            // The leader used another secret, or has other keys, which may be all that was wrong.
            Completion::Answered(_) | Completion::Unusable(_) | Completion::AskYourself
                if self.pauses.held(&provider, cx.now).is_none() =>
            {
                if let Some(question) = self.take(digest) {
                    self.introspect(digest, question, 0, false, cx);
                }
                return;
            }
            Completion::Answered(_) | Completion::Unusable(_) | Completion::AskYourself => {
                Err(Outcome::ProviderUnavailable.into())
            }
        };
        if let Some(question) = self.take(digest) {
            self.apply(digest, question, learned, cx);
        }
    }

    /// A flight is over: stores the result, sends it to the followers, and ends the requests that wait here.
    pub(super) fn complete(
        &mut self,
        digest: &Digest,
        question: Question,
        learned: Learned,
        leads: bool,
        cx: &mut Cx<'_>,
    ) {
        let followers = self.shared.publish(cx.store, digest, learned.as_ref().ok(), leads, cx.now);
        if !followers.is_empty() {
            let provider = &question.provider;
            let message = match &learned {
                Ok(remembered) => message::answered(digest, remembered),
                Err(Reason { outcome: Outcome::ProviderUnavailable, .. }) => {
                    message::unavailable(digest, self.pauses.held(provider, cx.now))
                }
                Err(Reason { outcome: Outcome::InternalError, .. }) => message::ask_yourself(digest),
                Err(_) => message::unusable(digest, message::mark(&question.endpoint.introspection.client, digest)),
            };
            cx.effects.extend(followers.into_iter().map(|queue| Effect::Message(queue, message.clone())));
        }
        self.apply(digest, question, learned, cx);
    }

    /// Caches the result, and ends the requests that wait for it in this worker.
    fn apply(&mut self, digest: &Digest, mut question: Question, learned: Learned, cx: &mut Cx<'_>) {
        let Question { provider, token, .. } = &question;
        let learned = learned.and_then(|answered| self.with_token(provider, token, answered, cx));
        self.store(digest, &question, &learned, cx);
        // Read once for all waiting requests.
        let stale = match learned {
            Err(Reason { outcome: Outcome::ProviderUnavailable, .. })
                if !self.settings.cache.stale_if_error.is_zero() =>
            {
                let stale = self.read_shared(&question.provider, digest, cx).0;
                stale.and_then(|stale| self.with_token(&question.provider, &question.token, stale, cx).ok())
            }
            _ => None,
        };
        let mut unsatisfied = Vec::new();
        for waiter in std::mem::take(&mut question.waiters) {
            let Waiter { stream, guard, since, lookup, by_dpop, .. } = &waiter;
            let evidence = |_| waiter.evidence();
            let presented =
                Presented { token: question.token.expose().as_bytes(), by_dpop: *by_dpop, evidence: &evidence };
            let mut ending = match &learned {
                // An answer that was asked for before the request came counts as cached then.
                Ok(remembered)
                    if remembered.lifetime.asked_at < *since && !guard.rule.accepts_age(remembered.age(cx.now)) =>
                {
                    unsatisfied.push(waiter);
                    continue;
                }
                Ok(remembered) => self.decide(remembered, &question.provider, guard, presented, cx).into(),
                Err(unanswered) => self.end_unanswered(unanswered, stale.as_ref(), &question, guard, presented, cx),
            };
            ending.lookup.get_or_insert(*lookup);
            ending.verdict.is_about(presented);
            cx.effects.push(Effect::End(*stream, ending));
        }
        self.ask_again(digest, Question { waiters: unsatisfied, ..question }, cx);
    }

    /// Stores the result in the local cache, or records the failure.
    fn store(&mut self, digest: &Digest, question: &Question, learned: &Learned, cx: &Cx<'_>) {
        let token = question.token.expose().as_bytes();
        match learned {
            Ok(remembered) => {
                for key in &question.keys {
                    match remembered.freshness(cx.now) {
                        Freshness::Fresh => self.local.insert(*key, token, remembered.clone()),
                        Freshness::Stale | Freshness::Expired => {
                            self.local.remove(*key, token);
                        }
                    }
                }
            }
            // Nobody was asked.
            Err(Reason { outcome: Outcome::InternalError, .. }) => {}
            Err(Reason { outcome, .. }) => self.pauses.failed(digest, *outcome, question.was_good, cx.now),
        }
    }

    fn end_unanswered(
        &mut self,
        reason: &Reason,
        stale: Option<&Remembered>,
        question: &Question,
        guard: &Guard,
        presented: Presented<'_>,
        cx: &Cx<'_>,
    ) -> Ending {
        let mut ending = self.unanswered(reason.outcome, stale, &question.provider, guard, presented, cx);
        // If stale facts were used, the verdict on them gives the details.
        if !ending.is_stale() {
            ending.verdict.is_for(reason);
        }
        ending
    }

    /// Asks again for requests that need a younger answer than the one they waited for.
    fn ask_again(&mut self, digest: &Digest, mut question: Question, cx: &mut Cx<'_>) {
        for waiter in &mut question.waiters {
            waiter.since = waiter.since.min(cx.now);
        }
        let Some(since) = question.waiters.iter().map(|waiter| waiter.since).min() else { return };
        question.deadline = deadline(&question.endpoint.introspection, since);
        if self.pauses.held(&question.provider, cx.now).is_some() {
            self.apply(digest, question, Err(Outcome::ProviderUnavailable.into()), cx);
        } else {
            self.elect(digest, question, None, cx);
        }
    }

    /// The periodic work of the flights: renews claims, replaces dead leaders, ends overdue flights.
    pub(super) fn tend_flights(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now;
        self.pauses.tend(now);
        // A clock that was set back must not postpone a deadline.
        self.flights.shorten_deadlines(|introspection| deadline(introspection, now));
        for digest in self.flights.select(|flight| now >= flight.question.deadline) {
            let leads = self.flights.get(&digest).is_some_and(|flight| flight.phase.leads());
            if let Some(question) = self.take(&digest) {
                self.complete(&digest, question, Err(Outcome::ProviderUnavailable.into()), leads, cx);
            }
        }
        for digest in self.flights.select(|flight| flight.phase.leads()) {
            self.shared.renew(cx.store, &digest, now);
        }
        let abandoned = |flight: &Flight| match flight.phase {
            Phase::Following { until } => !is_held(until, now),
            Phase::Asking { .. } | Phase::Holding(_) => false,
        };
        for digest in self.flights.select(abandoned) {
            let Some(question) = self.take(&digest) else { continue };
            // Another one may have asked instead, of whose answer this one is not told.
            let (shared, seen) = self.read_shared(&question.provider, &digest, cx);
            if let Some(remembered) = shared.filter(|shared| shared.freshness(now) == Freshness::Fresh) {
                self.apply(&digest, question, Ok(remembered), cx);
            } else if self.pauses.held(&question.provider, now).is_some() {
                self.apply(&digest, question, Err(Outcome::ProviderUnavailable.into()), cx);
            } else {
                self.elect(&digest, question, Some(seen), cx);
            }
        }
    }

    /// Takes a question out of flight. If its call is still answered, that answer is ignored.
    pub(super) fn take(&mut self, digest: &Digest) -> Option<Question> {
        let Flight { question, phase } = self.flights.take(digest)?;
        if let Phase::Asking { call, .. } = phase {
            self.calls.take(call);
            self.metrics.in_flight(self.calls.introspections());
        }
        Some(question)
    }
}
