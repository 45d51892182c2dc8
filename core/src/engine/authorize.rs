//! From a request to its ending: rule, token, facts, verdict.

use super::about::About;
use super::effect::{Cx, Disposition, Ending, StreamId, Verdict};
use super::metrics::{Level, Lookup};
use super::resolve::Resolution;
use super::worker::Worker;
use crate::cache::Remembered;
use crate::decision::decide::decide;
use crate::outcome::Outcome;
use crate::policy::api::Guard;
use crate::policy::selection::{Selection, Target};
use crate::port::RequestHead;
use crate::proof::evidence::Evidence;
use crate::proof::{Checker, Presented, Unproved};
use crate::provider::Provider;
use crate::reply::{Refusal, Reply, metadata};
use crate::token::extract::{Candidate, TokenError, extract, is_by_dpop};
use crate::token::facts::{Facts, TokenState};
use std::borrow::Cow;
use std::rc::Rc;

impl Worker {
    /// Authorizes a request, or makes it wait until its token is resolved.
    pub(super) fn authorize(&mut self, stream: StreamId, head: &impl RequestHead, cx: &mut Cx<'_>) -> Disposition {
        if let Some(target) = self.settings.resources.target(head)
            && let Some(reply) = self.describe(target, head)
        {
            return Disposition::Ended(Verdict::Describe(reply).into());
        }
        let verdict = match self.select(head) {
            Selection::Guarded(guard) => return self.authorize_token(stream, &guard, head, cx),
            Selection::Public(api) => {
                self.metrics.request(Outcome::Public, Some(&api));
                Verdict::AdmitWithout(Outcome::Public, api)
            }
            Selection::Unmatched => {
                self.metrics.request(Outcome::Unmatched, None);
                Verdict::AdmitUnmatched
            }
            Selection::Unknown => self.refuse(None, Outcome::UnknownApi),
            Selection::Ambiguous => self.refuse_invalid(None, "ambiguous host, path or method"),
        };
        Disposition::Ended(verdict.into())
    }

    /// The reply to a request for the metadata of a resource: without a token, and whatever the rules say. `None` where
    /// there is no such resource.
    fn describe(&mut self, target: &[u8], head: &impl RequestHead) -> Option<Reply> {
        let (api, document) = self.settings.resources.at(head.first(":authority").unwrap_or_default(), target)?;
        self.metrics.request(Outcome::ResourceMetadata, Some(api));
        Some(metadata::reply(head.first(":method").unwrap_or_default(), document))
    }

    fn select(&self, head: &impl RequestHead) -> Selection {
        if let Some(selection) = self.settings.policy.always() {
            return selection;
        }
        let reads = self.settings.policy.reads();
        let read = |wanted: bool, name| wanted.then(|| head.first(name)).flatten().unwrap_or_default();
        self.settings.policy.select(Target {
            method: read(reads.method, ":method"),
            authority: read(reads.authority, ":authority"),
            path: read(reads.path, ":path"),
        })
    }

    fn authorize_token(
        &mut self,
        stream: StreamId,
        guard: &Guard,
        head: &impl RequestHead,
        cx: &mut Cx<'_>,
    ) -> Disposition {
        let settings = Rc::clone(&self.settings);
        let Candidate { token, by_dpop } = match extract(&settings.token, head) {
            Ok(token) => token,
            Err(fault) => {
                let mut verdict = self.without_token(guard, fault);
                if let Verdict::Refuse(refusal, _) = &mut verdict {
                    refusal.is_of_dpop = is_by_dpop(&settings.token.sources, head);
                }
                return Disposition::Ended(verdict.into());
            }
        };
        let certificates = settings.proof.certificates;
        let evidence = |wants_certificate| Cow::Owned(Evidence::of(head, certificates, by_dpop, wants_certificate));
        let presented = Presented { token: &token, by_dpop, evidence: &evidence };
        let resolution = self.resolve(stream, guard, presented, cx);
        self.conclude(resolution, guard, presented, cx).map_or(Disposition::Waits, Disposition::Ended)
    }

    /// How a request ends; `None` while it waits.
    pub(super) fn conclude(
        &mut self,
        resolution: Resolution<'_>,
        guard: &Guard,
        presented: Presented<'_>,
        cx: &Cx<'_>,
    ) -> Option<Ending> {
        let mut ending = match resolution {
            Resolution::Facts(provider, remembered, lookup) => {
                let verdict = self.decide(&remembered, provider, guard, presented, cx);
                Ending { verdict, lookup: Some(lookup) }
            }
            Resolution::Unanswered { provider, outcome, stale } => {
                let mut ending = self.unanswered(outcome, stale.as_ref(), provider, guard, presented, cx);
                if !ending.is_stale() {
                    self.metrics.lookup(Lookup::Coalesced, Level::Worker);
                    ending.lookup = Some(Lookup::Coalesced);
                }
                ending
            }
            Resolution::Malformed => self.refuse_invalid(Some(guard), "not a b64token").into(),
            Resolution::Overloaded => self.refuse(Some(guard), Outcome::Overloaded).into(),
            Resolution::Refused(provider, reason) => {
                let mut verdict = self.refuse(Some(guard), reason.outcome);
                verdict.explain(|about| about.provider = provider.cloned());
                verdict.is_for(&reason);
                verdict.into()
            }
            Resolution::Waits => return None,
        };
        ending.verdict.is_about(presented);
        Some(ending)
    }

    /// The verdict on a request without a usable token.
    fn without_token(&mut self, guard: &Guard, error: TokenError) -> Verdict {
        let waived = guard.waives_token();
        match error {
            TokenError::Missing if waived => {
                self.metrics.request(Outcome::Anonymous, Some(&guard.api));
                Verdict::AdmitWithout(Outcome::Anonymous, Rc::clone(&guard.api))
            }
            TokenError::Missing => self.refuse(Some(guard), Outcome::MissingToken),
            TokenError::Doubtful if !waived => self.refuse(Some(guard), Outcome::MissingToken),
            error => self.refuse_invalid(Some(guard), error.text()),
        }
    }

    /// The verdict on facts; counts the request.
    pub(super) fn decide(
        &mut self,
        remembered: &Remembered,
        provider: &Rc<Provider>,
        guard: &Guard,
        presented: Presented<'_>,
        cx: &Cx<'_>,
    ) -> Verdict {
        let mut proved = None;
        let checker = Checker {
            settings: &self.settings.proof,
            used: &self.used_proofs,
            verifier: &self.verifier,
            signatures: cx.signatures,
            store: cx.store,
            random: cx.random,
            clock_skew: provider.checks.clock_skew,
            now: cx.now,
        };
        let prove = |facts: &Facts| {
            let confirmation = facts.confirmation.as_deref();
            if presented.suffices(confirmation) {
                return Ok(());
            }
            let found = checker.check(confirmation, presented);
            proved = Some(found);
            found.map_err(outcome_of)
        };
        let contracts = &mut self.contracts;
        let holding = |client: Option<&str>| contracts.find(&guard.api.id, &provider.name, client, cx.store, cx.now);
        let decided = decide(&remembered.state, provider, guard, cx.now, prove, holding);
        if let Some(found) = proved {
            self.metrics.proof(found);
        }
        match decided {
            Ok(permit) => {
                self.metrics.request(Outcome::Allowed, Some(&guard.api));
                Verdict::Admit(permit)
            }
            Err(outcome) => {
                let mut verdict = self.refuse(Some(guard), outcome);
                verdict.explain(|about| {
                    about.provider = Some(Rc::clone(provider));
                    about.set_facts(&remembered.state, outcome);
                });
                if let Verdict::Refuse(refusal, about) = &mut verdict {
                    refusal.is_of_dpop = is_of_key(&remembered.state);
                    if let Some(Err(unproved)) = proved {
                        refusal.is_of_proof = unproved.is_of_proof();
                        about.detail = Some(unproved.to_string().into());
                    }
                }
                verdict
            }
        }
    }

    /// How a request ends whose token cannot be introspected. During an outage stale facts may be used. They are those
    /// of the shared cache: this worker's own entry may be one that another worker has learned to be void since.
    pub(super) fn unanswered(
        &mut self,
        outcome: Outcome,
        stale: Option<&Remembered>,
        provider: &Rc<Provider>,
        guard: &Guard,
        presented: Presented<'_>,
        cx: &Cx<'_>,
    ) -> Ending {
        let is_outage = outcome == Outcome::ProviderUnavailable;
        if let Some(remembered) = stale
            && is_outage
            && !self.settings.cache.stale_if_error.is_zero()
            && guard.rule.accepts_age(remembered.age(cx.now))
        {
            self.metrics.lookup(Lookup::Stale, Level::Shared);
            let verdict = self.decide(remembered, provider, guard, presented, cx);
            return Ending { verdict, lookup: Some(Lookup::Stale) };
        }
        let mut verdict = self.refuse(Some(guard), outcome);
        if let Verdict::Refuse(refusal, about) = &mut verdict {
            about.provider = Some(Rc::clone(provider));
            refusal.retry_after = is_outage.then(|| self.pauses.held(provider, cx.now)).flatten();
        }
        verdict.into()
    }

    fn refuse(&mut self, guard: Option<&Guard>, outcome: Outcome) -> Verdict {
        let api = guard.map(|guard| &guard.api);
        self.metrics.request(outcome, api.map(AsRef::as_ref));
        // More scopes would not supply a missing claim.
        let rule = guard.filter(|_| outcome != Outcome::WrongClaims).map(|guard| &guard.rule);
        let scope = rule.map(|rule| rule.scopes.wanted()).unwrap_or_default();
        let resource = api.and_then(|api| api.resource.as_ref());
        let resource_metadata = resource.map(|resource| Rc::clone(resource.identifier.metadata_url()));
        let refusal = Refusal { scope, resource_metadata, ..Refusal::new(outcome) };
        Verdict::Refuse(refusal, Box::new(About { api: api.cloned(), ..About::default() }))
    }

    /// An invalid request, and what is wrong with it.
    fn refuse_invalid(&mut self, guard: Option<&Guard>, detail: &'static str) -> Verdict {
        let mut verdict = self.refuse(guard, Outcome::InvalidRequest);
        verdict.explain(|about| about.detail = Some(detail.into()));
        verdict
    }
}

fn outcome_of(unproved: Unproved) -> Outcome {
    match unproved {
        Unproved::Missing => Outcome::ProofMissing,
        Unproved::Unknown => Outcome::InternalError,
        _ => Outcome::ProofInvalid,
    }
}

/// Whether the token is bound to a key by DPoP.
fn is_of_key(state: &TokenState) -> bool {
    let TokenState::Active(facts) = state else { return false };
    facts.is_of_key()
}
