//! The filter's checks, one after the other, as the same functions decide them that the filter decides with.
//!
//! The verdict is the worker's. Where it does not follow from the checks, nothing is told: see [`Trace::agrees`].

use super::check::{Check, Passing};
use super::drive::Drive;
use super::request::Request;
use super::rules::Written;
use super::secrecy::Secrets;
use std::ops::ControlFlow::{self, Break, Continue};
use std::rc::Rc;
use tessera_core::base::headers::HeaderMap;
use tessera_core::engine::effect::Verdict;
use tessera_core::engine::settings::Settings;
use tessera_core::outcome::Outcome;
use tessera_core::provider::Provider;
use tessera_core::token::bearer::Bearer;

/// What decides: an outcome, or nothing that is known.
pub type Decided = Option<Outcome>;
pub type Step<T = ()> = ControlFlow<Decided, T>;

/// The checks of one request, as far as they went.
pub struct Trace<'t, 'a> {
    pub settings: Rc<Settings>,
    pub written: Written<'t>,
    pub request: &'t Request,
    pub head: HeaderMap,
    pub drive: &'t mut Drive<'a>,
    pub secrets: Secrets,
    pub checks: Vec<Check>,
    pub api: Option<String>,
    /// The indices of the API and of the operation.
    pub place: (usize, Option<usize>),
    pub provider: Option<Rc<Provider>>,
    pub client_id: Option<String>,
}

/// What a token was found to be.
pub struct Found {
    pub token: Bearer,
    pub by_dpop: bool,
}

impl Trace<'_, '_> {
    /// Goes through the checks; `None` where what decides is not known.
    pub fn walk(&mut self) -> Decided {
        match self.steps() {
            Break(decided) => decided,
            Continue(()) => Some(Outcome::Allowed),
        }
    }

    fn steps(&mut self) -> Step {
        let guard = self.selection()?;
        let found = self.token(&guard)?;
        let facts = self.source(&guard, &found)?;
        self.judge(&facts, &guard, &found)
    }

    /// Whether the worker came to the same end.
    pub fn agrees(&self, decided: Decided) -> bool {
        let (Some(decided), Some(ending)) = (decided, &self.drive.ending) else {
            // Where the worker knows less than a request from outside would tell it, nothing is decided either.
            return decided.is_none();
        };
        decided == ending.verdict.outcome()
    }

    pub(super) fn note(&mut self, name: &'static str, verdict: Passing, path: Option<String>, detail: &str) {
        let detail = self.secrets.shown(detail);
        self.checks.push(Check { name, verdict, path, detail });
    }

    pub(super) fn ok(&mut self, name: &'static str, path: Option<String>, detail: &str) -> Step {
        self.note(name, Passing::Ok, path, detail);
        Continue(())
    }

    pub(super) fn skipped(&mut self, name: &'static str, path: Option<String>, detail: &str) -> Step {
        self.note(name, Passing::Skipped, path, detail);
        Continue(())
    }

    pub(super) fn failed<T>(&mut self, name: &'static str, path: Option<String>, detail: &str, by: Outcome) -> Step<T> {
        self.note(name, Passing::Failed, path, detail);
        Break(Some(by))
    }

    pub(super) fn unknown<T>(&mut self, name: &'static str, path: Option<String>, detail: &str) -> Step<T> {
        self.note(name, Passing::Unknown, path, detail);
        Break(None)
    }

    /// Notes a check that is over with this result.
    pub(super) fn judged(
        &mut self,
        name: &'static str,
        path: Option<String>,
        detail: &str,
        by: Result<(), Outcome>,
    ) -> Step {
        match by {
            Ok(()) => self.ok(name, path, detail),
            Err(outcome) => self.failed(name, path, detail, outcome),
        }
    }

    /// The path of a rule that holds for the operation.
    pub(super) fn rule(&self, member: &str) -> Option<String> {
        self.written.rule(self.place.0, self.place.1, member)
    }

    pub(super) fn of_provider(&self, provider: &Provider, member: &str) -> Option<String> {
        self.written.provider(provider.slot, member)
    }

    /// With what, and in which words, the worker has refused.
    pub(super) fn refused(&self) -> Option<(Outcome, String)> {
        let ending = self.drive.ending.as_ref()?;
        let Verdict::Refuse(refusal, about) = &ending.verdict else { return None };
        Some((refusal.outcome, about.detail.as_deref().unwrap_or_default().to_owned()))
    }
}
