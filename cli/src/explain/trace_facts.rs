//! The checks on facts: what the token must be, and what the operation asks of it.

use super::drive::Drive;
use super::host::SystemRandomness;
use super::trace::{Found, Step, Trace};
use std::borrow::Cow;
use std::ops::ControlFlow::Continue;
use std::rc::Rc;
use tessera_core::base::date;
use tessera_core::base::time::Timestamp;
use tessera_core::contract::contract::Status;
use tessera_core::contract::contracts::Holding;
use tessera_core::decision::decide;
use tessera_core::engine::calls::Subject;
use tessera_core::outcome::Outcome;
use tessera_core::policy::api::Guard;
use tessera_core::policy::rule::ContractRule;
use tessera_core::policy::scopes::ScopeRule;
use tessera_core::port::RequestHead;
use tessera_core::port::memory::MemoryStore;
use tessera_core::proof::certificate::CertificateSource;
use tessera_core::proof::evidence::Evidence;
use tessera_core::proof::replay::UsedProofs;
use tessera_core::proof::{Checker, Presented, Unproved};
use tessera_core::provider::Provider;
use tessera_core::token::confirmation::Confirmation;
use tessera_core::token::facts::Facts;
use tessera_signatures::AwsLc;

impl Trace<'_, '_> {
    /// Every check on facts, in the order of the filter.
    pub(super) fn judge(&mut self, facts: &Facts, guard: &Guard, found: &Found) -> Step {
        let Some(provider) = self.provider.clone() else { return self.unknown("facts", None, "no provider") };
        self.check_facts(facts, &provider)?;
        self.claims(facts, guard)?;
        self.proof(facts, &provider, found)?;
        self.scopes(facts, guard)?;
        self.contract(facts, guard, &provider)
    }

    /// `expiry`, `not_before`, `issuer`, `audience` and `token_type`.
    pub(super) fn check_facts(&mut self, facts: &Facts, provider: &Provider) -> Step {
        let (checks, now) = (&provider.checks, self.drive.now);
        let skew = self.of_provider(provider, "clock_skew");
        match facts.expires_at {
            None => self.skipped("expiry", None, "no end is known")?,
            Some(end) => {
                let detail = format!("exp {}, now {}, clock_skew {:?}", when(end), when(now), checks.clock_skew);
                self.judged("expiry", skew.clone(), &detail, decide::expiry(facts, checks, now))?;
            }
        }
        match facts.not_before {
            None => self.skipped("not_before", None, "no beginning is known")?,
            Some(start) => {
                let detail = format!("nbf {}, now {}, clock_skew {:?}", when(start), when(now), checks.clock_skew);
                self.judged("not_before", skew, &detail, decide::not_before(facts, checks, now))?;
            }
        }
        let path = self.of_provider(provider, "issuer");
        match (&checks.issuer, &facts.issuer) {
            (None, _) => self.skipped("issuer", None, "none is configured")?,
            (Some(_), None) => self.skipped("issuer", path, "nothing is said of it")?,
            (Some(expected), Some(issuer)) => {
                let detail = format!("iss {issuer:?}, configured {expected:?}");
                self.judged("issuer", path, &detail, decide::issuer(facts, checks))?;
            }
        }
        let path = self.of_provider(provider, "audiences");
        match checks.audiences.is_empty() {
            true => self.skipped("audience", None, "none is configured")?,
            false => {
                let detail = format!("aud {}, one of {}", list(&facts.audience), list(&checks.audiences));
                self.judged("audience", path, &detail, decide::audience(facts, checks))?;
            }
        }
        let detail =
            if facts.other_kind { "said to be another kind of token" } else { "not said to be another kind of token" };
        self.judged("token_type", None, detail, decide::token_type(facts))
    }

    fn claims(&mut self, facts: &Facts, guard: &Guard) -> Step {
        let rules = &guard.rule.claims;
        if rules.is_empty() {
            return self.skipped("claims", None, "none are asked for");
        }
        let path = self.rule("claims");
        match rules.iter().find(|rule| !rule.is_met_by(&facts.said)) {
            Some(unmet) => {
                let detail =
                    format!("{} says none of the {} values that are asked for", unmet.pointer, unmet.values.len());
                self.failed("claims", path, &detail, Outcome::WrongClaims)
            }
            None => {
                let pointers: Vec<&str> = rules.iter().map(|rule| &*rule.pointer).collect();
                self.ok("claims", path, &format!("{} say what is asked for", pointers.join(", ")))
            }
        }
    }

    fn proof(&mut self, facts: &Facts, provider: &Provider, found: &Found) -> Step {
        let confirmation = facts.confirmation.as_deref();
        let (settings, head) = (Rc::clone(&self.settings), self.head.clone());
        let certificates = settings.proof.certificates;
        if provider.checks.ignore_key_binding {
            return self.skipped("proof", self.of_provider(provider, "ignore_key_binding"), "not asked for");
        }
        let by_dpop = found.by_dpop;
        let evidence = |wants: bool| Cow::Owned(Evidence::of(&head, certificates, by_dpop, wants));
        let presented = Presented { token: found.token.expose().as_bytes(), by_dpop, evidence: &evidence };
        if presented.suffices(confirmation) {
            return self.skipped("proof", None, "the token is bound to nothing");
        }
        let is_of_certificate = matches!(confirmation, Some(Confirmation::Of { certificate: Some(_), .. }));
        if is_of_certificate && certificates == CertificateSource::Connection {
            return self.unknown(
                "proof",
                None,
                "the token is bound to a certificate of the connection, which cannot be given",
            );
        }
        let is_of_key = confirmation.is_some_and(Confirmation::is_of_key);
        if is_of_key && by_dpop && head.first("dpop").is_some() && !self.request.says_how_it_came() {
            return self.unknown(
                "proof",
                None,
                "whether the request came by TLS is not given: a whole URL, or x-forwarded-proto",
            );
        }
        let checker = Checker {
            settings: &settings.proof,
            used: &UsedProofs::new(settings.proof.dpop.entries),
            verifier: &self.drive.verifier,
            signatures: &AwsLc,
            store: &MemoryStore::default(),
            random: &SystemRandomness,
            clock_skew: provider.checks.clock_skew,
            now: self.drive.now,
        };
        let bound = match (is_of_key, is_of_certificate) {
            (true, true) => "bound to a key and a certificate",
            (true, false) => "bound to a key",
            (false, true) => "bound to a certificate",
            (false, false) => "bound to no key that can be proved here",
        };
        match checker.check(confirmation, presented) {
            Ok(()) => self.ok("proof", None, &format!("the token is {bound}, and that is proved")),
            Err(unproved) => {
                self.failed("proof", None, &format!("the token is {bound}: {unproved}"), outcome_of(unproved))
            }
        }
    }

    fn scopes(&mut self, facts: &Facts, guard: &Guard) -> Step {
        let rule = &guard.rule.scopes;
        let wanted = match rule {
            ScopeRule::None => return self.skipped("scopes", None, "none are asked for"),
            ScopeRule::All(wanted) => format!("all of {}", list(wanted)),
            ScopeRule::Any(wanted) => format!("any of {}", list(wanted)),
        };
        let detail = format!("scope {}, {wanted}", list(&facts.scope));
        let by = if rule.is_met_by(&facts.scope) { Ok(()) } else { Err(Outcome::InsufficientScope) };
        self.judged("scopes", self.rule("scopes"), &detail, by)
    }

    fn contract(&mut self, facts: &Facts, guard: &Guard, provider: &Provider) -> Step {
        let path = self.rule("contract");
        if guard.rule.contract == ContractRule::None {
            return self.skipped("contract", path, "none is asked for");
        }
        let (client, now) = (facts.client_id.as_deref(), self.drive.now);
        let cx = Drive::cx(&self.drive.store, now);
        let holding = self.drive.worker.holding(&guard.api, provider, client, &cx);
        let pair = format!("({}, {})", guard.api.id, client.unwrap_or("no client"));
        if holding == Holding::NotLoaded
            && self.drive.has_asked_for_contracts()
            && self.drive.lacks(Subject::Contracts).is_some()
        {
            let reason = self.drive.lacks(Subject::Contracts).unwrap_or_default().to_owned();
            return self.unknown("contract", path, &format!("{pair}: {reason}"));
        }
        let state = match &holding {
            Holding::Held(contract) => {
                let status = match contract.status {
                    Status::Active => "is active",
                    Status::Pending => "is pending",
                    Status::Suspended => "is suspended",
                    Status::Revoked => "is revoked",
                    Status::Unknown => "has a status that is not known",
                };
                let times = [("begins", contract.not_before), ("ends", contract.expires_at)];
                let times = times.into_iter().filter_map(|(word, time)| Some(format!(", {word} {}", when(time?))));
                let tier = contract.tier.as_deref().map(|tier| format!(", tier {tier}")).unwrap_or_default();
                format!("{status}{}{tier}", times.collect::<String>())
            }
            Holding::None => "is none of the contracts".to_owned(),
            Holding::NotLoaded => match self.drive.log.last() {
                Some(line) => format!("is not known, contracts are not loaded or too old: {line}"),
                None => "is not known, contracts are not loaded or too old".to_owned(),
            },
        };
        let detail = format!("{pair} {state}");
        match (decide::granting(holding, now), guard.rule.contract) {
            (Err(outcome), ContractRule::Required) => self.failed("contract", path, &detail, outcome),
            (Err(_), _) => {
                self.ok("contract", path, &format!("{detail}; optional"))?;
                Continue(())
            }
            (Ok(_), _) => self.ok("contract", path, &detail),
        }
    }
}

fn outcome_of(unproved: Unproved) -> Outcome {
    match unproved {
        Unproved::Missing => Outcome::ProofMissing,
        Unproved::Unknown => Outcome::InternalError,
        _ => Outcome::ProofInvalid,
    }
}

fn list(texts: &[Box<str>]) -> String {
    if texts.is_empty() { "none".to_owned() } else { format!("{:?}", texts.join(" ")) }
}

/// A time in words; of one after the year 9999, which has no date, the seconds since 1970.
fn when(at: Timestamp) -> String {
    date::written(at).map_or_else(|| (at.as_millis() / 1000).to_string(), |date| date.replace(".000Z", "Z"))
}
