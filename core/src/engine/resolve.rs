//! From a token to its facts: the local cache, its signature, the shared cache, an introspection in flight, or a new
//! one.

use super::effect::{Cx, StreamId};
use super::flights::{Full, Question, Waiter};
use super::metrics::{Level, Lookup};
use super::reason::Reason;
use super::verify::{Verified, completed};
use super::worker::Worker;
use crate::base::time::Timestamp;
use crate::cache::{BucketSnapshot, Freshness, Hit, Remembered};
use crate::outcome::Outcome;
use crate::policy::api::{Choice, Guard, Unvouched};
use crate::policy::rule::Rule;
use crate::proof::Presented;
use crate::proof::evidence::Evidence;
use crate::provider::Provider;
use crate::token::bearer::Bearer;
use crate::token::digest::Digest;
use crate::token::facts::Facts;
use std::rc::Rc;

/// The result of resolving a token.
pub(super) enum Resolution<'a> {
    /// These facts, vouched for by this provider.
    Facts(&'a Rc<Provider>, Remembered, Lookup),
    /// Nothing, and this provider is not asked at the moment.
    Unanswered {
        provider: &'a Rc<Provider>,
        outcome: Outcome,
        stale: Option<Remembered>,
    },
    /// For what the token is, or because nobody can tell; by this provider, if it has one.
    Refused(Option<&'a Rc<Provider>>, Reason),
    Malformed,
    Overloaded,
    Waits,
}

/// What the local cache says of a token.
pub(super) enum Remembering<'a> {
    /// These facts, vouched for by this provider, and usable.
    Facts(&'a Rc<Provider>, Remembered),
    /// Nothing usable. `was_good`: it was active before.
    Not { was_good: bool },
}

/// A request with a token that this worker does not know.
pub(super) struct Arrival {
    pub token: Bearer,
    pub waiter: Waiter,
    /// Whether the token was a good one before.
    pub was_good: bool,
    /// Whether the request has waited for keys or metadata already.
    pub has_waited: bool,
}

impl Worker {
    /// Resolves the token of a request. If it has to be introspected, the request waits.
    pub(super) fn resolve<'a>(
        &mut self,
        stream: StreamId,
        guard: &'a Guard,
        presented: Presented<'_>,
        cx: &mut Cx<'_>,
    ) -> Resolution<'a> {
        let token = presented.token;
        let was_good = match self.resolve_known(guard, token, cx) {
            Remembering::Facts(provider, remembered) => {
                let lookup = found_as(&remembered);
                return Resolution::Facts(provider, remembered, lookup);
            }
            Remembering::Not { was_good } => was_good,
        };
        match Bearer::parse(token) {
            Some(token) => {
                let evidence = self.kept(presented);
                let (since, lookup, by_dpop) = (cx.now, Lookup::Miss, presented.by_dpop);
                let waiter = Waiter { stream, guard: guard.clone(), since, lookup, by_dpop, evidence };
                self.resolve_miss(guard, Arrival { token, waiter, was_good, has_waited: false }, cx)
            }
            None => Resolution::Malformed,
        }
    }

    /// What a request that may have to wait keeps of what came with its token.
    fn kept(&self, presented: Presented<'_>) -> Option<Rc<Evidence>> {
        let evidence = self.settings.enforces_proofs().then(|| (presented.evidence)(true))?;
        (!evidence.is_none()).then(|| Rc::new(evidence.into_owned()))
    }

    /// The warm path: no other host call than those for the token and the time, no allocation.
    #[inline(always)]
    pub(super) fn resolve_known<'a>(&mut self, guard: &'a Guard, token: &[u8], cx: &mut Cx<'_>) -> Remembering<'a> {
        for choice in guard.api.choices.iter() {
            let Some(Hit { remembered, uses }) = self.local.get(choice.key, token) else { continue };
            let remembered = remembered.clone();
            if !is_usable(&remembered, &guard.rule, cx.now) {
                return Remembering::Not { was_good: remembered.is_active() };
            }
            self.metrics.lookup(found_as(&remembered), Level::Worker);
            if self.settings.cache.refresh_ahead
                && uses > 1
                && remembered.expires_soon(cx.now)
                && remembered.is_active()
            {
                self.renew(choice, token, cx);
            }
            return Remembering::Facts(&choice.provider, remembered);
        }
        Remembering::Not { was_good: false }
    }

    /// Resolves a token that is not in the local cache, or no longer valid there: whoever vouches for it.
    pub(super) fn resolve_miss<'a>(&mut self, guard: &'a Guard, arrival: Arrival, cx: &mut Cx<'_>) -> Resolution<'a> {
        let (choice, jwt) = match guard.api.choices.choose(&arrival.token) {
            Ok(chosen) => chosen,
            Err(Unvouched::WrongIssuer) => return Resolution::Refused(None, Outcome::WrongIssuer.into()),
            Err(Unvouched::NotJwt) => {
                let reason = Reason::new(Outcome::MalformedToken, "not a JWT that names its issuer");
                return Resolution::Refused(None, reason);
            }
        };
        let Some(jwt) = jwt else { return self.resolve_by_asking(choice, guard, arrival, None, cx) };
        match self.verify(&choice.provider, jwt, &arrival.token, cx) {
            Verified::Facts(facts) if jwt.introspects => {
                self.resolve_by_asking(choice, guard, arrival, Some(facts), cx)
            }
            Verified::Facts(facts) => {
                let remembered = self.remember_verified(facts, cx);
                if remembered.freshness(cx.now) == Freshness::Fresh {
                    self.local.insert(choice.key, arrival.token.expose().as_bytes(), remembered.clone());
                }
                self.metrics.lookup(Lookup::Miss, Level::Worker);
                Resolution::Facts(&choice.provider, remembered, Lookup::Miss)
            }
            Verified::Refused(reason) => Resolution::Refused(Some(&choice.provider), reason),
            Verified::KeyUnknown => self.await_keys(&choice.provider, arrival, cx),
        }
    }

    /// Resolves a token about which the authorization server is asked, unless somebody knows. `verified` is what the
    /// token itself says, where that counts.
    fn resolve_by_asking<'a>(
        &mut self,
        choice: &'a Choice,
        guard: &Guard,
        arrival: Arrival,
        verified: Option<Facts>,
        cx: &mut Cx<'_>,
    ) -> Resolution<'a> {
        let Choice { provider, key } = choice;
        let digest = provider.token_name(&arrival.token);
        if self.flights.contains(&digest) {
            let waiter = Waiter { lookup: Lookup::Coalesced, ..arrival.waiter };
            return match self.flights.join(&digest, waiter, *key, arrival.was_good) {
                Ok(()) => {
                    self.metrics.lookup(Lookup::Coalesced, Level::Worker);
                    Resolution::Waits
                }
                Err(Full) => Resolution::Overloaded,
            };
        }
        let (shared, seen) = self.read_shared(provider, &digest, cx);
        let was_good = arrival.was_good || seen.was_good;
        let shared = shared.map(|remembered| completed(remembered, verified));
        if let Some(remembered) = &shared
            && is_usable(remembered, &guard.rule, cx.now)
        {
            let lookup = found_as(remembered);
            self.metrics.lookup(lookup, Level::Shared);
            self.local.insert(*key, arrival.token.expose().as_bytes(), remembered.clone());
            return Resolution::Facts(provider, remembered.clone(), lookup);
        }
        if let Some(outcome) = self.pauses.reason(provider, &digest, cx.now) {
            return Resolution::Unanswered { provider, outcome, stale: shared };
        }
        let Some(endpoint) = self.sources.endpoint(provider).map(Rc::clone) else {
            return match self.await_endpoint(provider, arrival, cx) {
                Resolution::Refused(_, Reason { outcome: outcome @ Outcome::ProviderUnavailable, .. }) => {
                    Resolution::Unanswered { provider, outcome, stale: shared }
                }
                resolution => resolution,
            };
        };
        if let Err(Full) = self.flights.admit(was_good) {
            return Resolution::Overloaded;
        }
        let mut question = Question::new(choice, &endpoint, arrival.token, was_good, cx.now);
        question.waiters.push(arrival.waiter);
        let lookup = self.elect(&digest, question, Some(seen), cx);
        self.metrics.lookup(lookup, Level::Shared);
        Resolution::Waits
    }

    /// What the process knows of a token, if that counts here.
    pub(super) fn read_shared(
        &self,
        provider: &Provider,
        digest: &Digest,
        cx: &Cx<'_>,
    ) -> (Option<Remembered>, BucketSnapshot) {
        let (shared, seen) = self.shared.read(cx.store, digest, cx.now);
        (shared.filter(|remembered| self.sources.trusts(provider, remembered)), seen)
    }

    /// Renews the answer about a token in use before it expires. No request waits for it.
    fn renew(&mut self, choice: &Choice, token: &[u8], cx: &mut Cx<'_>) {
        let Choice { provider, key } = choice;
        // A token that is only verified costs no time worth saving. It is told by its shape alone: this happens often.
        let is_like_a_jwt = || token.iter().filter(|byte| **byte == b'.').count() == 2;
        if provider.jwt.as_ref().is_some_and(|jwt| !jwt.introspects) && is_like_a_jwt() {
            return;
        }
        let Some(endpoint) = self.sources.endpoint(provider).map(Rc::clone) else { return };
        if !self.pauses.renews(provider, cx.now) {
            return;
        }
        let Some(token) = Bearer::parse(token) else { return };
        let digest = provider.token_name(&token);
        if self.flights.contains(&digest) || self.pauses.reason(provider, &digest, cx.now).is_some() {
            return;
        }
        // Another worker may have renewed it already.
        let (shared, seen) = self.read_shared(provider, &digest, cx);
        if let Some(remembered) = shared
            && remembered.freshness(cx.now) == Freshness::Fresh
            && !remembered.expires_soon(cx.now)
        {
            if let Ok(remembered) = self.with_token(provider, &token, remembered, cx) {
                self.local.insert(*key, token.expose().as_bytes(), remembered);
            }
            return;
        }
        // If there is no room, nothing is renewed: the entry expires like any other.
        if self.flights.admit_renewal().is_ok() {
            let question = Question::new(choice, &endpoint, token, true, cx.now);
            self.elect(&digest, question, Some(seen), cx);
        }
    }
}

fn is_usable(remembered: &Remembered, rule: &Rule, now: Timestamp) -> bool {
    remembered.freshness(now) == Freshness::Fresh && rule.accepts_age(remembered.age(now))
}

pub(super) fn found_as(remembered: &Remembered) -> Lookup {
    if remembered.is_active() { Lookup::Hit } else { Lookup::NegativeHit }
}
