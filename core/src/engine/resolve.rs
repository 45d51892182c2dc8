//! From a token to its facts: the local cache, the shared cache, an introspection in flight, or a new one.

use super::effect::{Cx, StreamId};
use super::flights::{Full, Question, Waiter};
use super::metrics::{Level, Lookup};
use super::worker::Worker;
use crate::base::time::Timestamp;
use crate::cache::{Freshness, Hit, Remembered};
use crate::outcome::Outcome;
use crate::policy::api::{Choice, Guard};
use crate::policy::rule::Rule;
use crate::provider::Provider;
use crate::token::bearer::Bearer;
use std::rc::Rc;

/// The result of resolving a token.
pub(super) enum Resolution<'a> {
    /// These facts, vouched for by this provider.
    Facts(&'a Rc<Provider>, Remembered),
    /// Nothing, and this provider is not asked at the moment.
    Unanswered {
        provider: &'a Rc<Provider>,
        outcome: Outcome,
        stale: Option<Remembered>,
    },
    Malformed,
    Overloaded,
    Waits,
}

impl Worker {
    /// Resolves the token of a request. If it has to be introspected, the request waits.
    pub(super) fn resolve<'a>(
        &mut self,
        stream: StreamId,
        guard: &'a Guard,
        token: &[u8],
        cx: &mut Cx<'_>,
    ) -> Resolution<'a> {
        let mut was_good = false;
        // The warm path: no other host call than those for the token and the time, no allocation.
        for choice in guard.api.choices.iter() {
            let Some(Hit { remembered, uses }) = self.local.get(choice.key, token) else { continue };
            let remembered = remembered.clone();
            if !is_usable(&remembered, &guard.rule, cx.now) {
                was_good = remembered.is_active();
                break;
            }
            self.metrics.lookup(found_as(&remembered), Level::Worker);
            if self.settings.cache.refresh_ahead
                && uses > 1
                && remembered.expires_soon(cx.now)
                && remembered.is_active()
            {
                self.renew(choice, token, cx);
            }
            return Resolution::Facts(&choice.provider, remembered);
        }
        match Bearer::parse(token) {
            Some(token) => self.resolve_miss(stream, guard, token, was_good, cx),
            None => Resolution::Malformed,
        }
    }

    /// Resolves a token that is not in the local cache, or no longer valid there. `was_good`: it was active before.
    fn resolve_miss<'a>(
        &mut self,
        stream: StreamId,
        guard: &'a Guard,
        token: Bearer,
        mut was_good: bool,
        cx: &mut Cx<'_>,
    ) -> Resolution<'a> {
        let choice = guard.api.choices.choose(&token);
        let Choice { provider, key } = choice;
        let digest = provider.token_name(&token);
        let waiter = Waiter { stream, guard: guard.clone(), since: cx.now };
        if self.flights.contains(&digest) {
            return match self.flights.join(&digest, waiter, *key, was_good) {
                Ok(()) => {
                    self.metrics.lookup(Lookup::Coalesced, Level::Worker);
                    Resolution::Waits
                }
                Err(Full) => Resolution::Overloaded,
            };
        }
        let (shared, seen) = self.shared.read(cx.store, &digest, cx.now);
        was_good |= seen.was_good;
        if let Some(remembered) = &shared
            && is_usable(remembered, &guard.rule, cx.now)
        {
            self.metrics.lookup(found_as(remembered), Level::Shared);
            self.local.insert(*key, token.expose().as_bytes(), remembered.clone());
            return Resolution::Facts(provider, remembered.clone());
        }
        if let Some(outcome) = self.pauses.reason(provider, &digest, cx.now) {
            return Resolution::Unanswered { provider, outcome, stale: shared };
        }
        let Some(endpoint) = self.sources.endpoint(provider) else {
            return Resolution::Unanswered { provider, outcome: Outcome::ProviderUnavailable, stale: shared };
        };
        if let Err(Full) = self.flights.admit(was_good) {
            return Resolution::Overloaded;
        }
        let mut question = Question::new(choice, endpoint, token, was_good, cx.now);
        question.waiters.push(waiter);
        let lookup = self.elect(&digest, question, Some(seen), cx);
        self.metrics.lookup(lookup, Level::Shared);
        Resolution::Waits
    }

    /// Renews the answer about a token in use before it expires. No request waits for it.
    fn renew(&mut self, choice: &Choice, token: &[u8], cx: &mut Cx<'_>) {
        let Choice { provider, key } = choice;
        if !self.pauses.renews(provider, cx.now) {
            return;
        }
        let Some(token) = Bearer::parse(token) else { return };
        let digest = provider.token_name(&token);
        if self.flights.contains(&digest) || self.pauses.reason(provider, &digest, cx.now).is_some() {
            return;
        }
        // Another worker may have renewed it already.
        let (shared, seen) = self.shared.read(cx.store, &digest, cx.now);
        if let Some(remembered) = shared
            && remembered.freshness(cx.now) == Freshness::Fresh
            && !remembered.expires_soon(cx.now)
        {
            self.local.insert(*key, token.expose().as_bytes(), remembered);
            return;
        }
        // If there is no room, nothing is renewed: the entry expires like any other.
        if self.flights.admit_renewal().is_ok()
            && let Some(endpoint) = self.sources.endpoint(provider)
        {
            let question = Question::new(choice, endpoint, token, true, cx.now);
            self.elect(&digest, question, Some(seen), cx);
        }
    }
}

fn is_usable(remembered: &Remembered, rule: &Rule, now: Timestamp) -> bool {
    remembered.freshness(now) == Freshness::Fresh && rule.accepts_age(remembered.age(now))
}

fn found_as(remembered: &Remembered) -> Lookup {
    if remembered.is_active() { Lookup::Hit } else { Lookup::NegativeHit }
}
