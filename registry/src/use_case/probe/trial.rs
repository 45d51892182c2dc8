//! What is known while a provider is tried.

use std::time::Instant;

use crate::domain::probe_report::{Findings, ProbeStep};
use crate::domain::provider::{Authorization, DcrSettings, Management};
use crate::use_case::inspector::Inspector;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{Clock, ProofJudge, Randomness};
use crate::use_case::registrar::{Called, Failure, Managed, Registrar};

/// By whom it is tried.
pub struct ProbePorts<'a> {
    pub registrar: &'a dyn Registrar,
    pub judge: &'a dyn ProofJudge,
    pub inspector: &'a dyn Inspector,
    pub clock: &'a dyn Clock,
    pub randomness: &'a dyn Randomness,
}

pub struct Trial<'a> {
    pub ports: &'a ProbePorts<'a>,
    /// Its settings become what was found.
    pub open: OpenProvider,
    pub steps: Vec<ProbeStep>,
    pub found: Findings,
    pub warnings: Vec<String>,
    pub left_behind: Vec<String>,
    /// Ids of clients of which the server says that it has deleted them.
    pub said_to_be_deleted: Vec<String>,
}

impl<'a> Trial<'a> {
    pub fn new(ports: &'a ProbePorts<'a>, open: OpenProvider) -> Self {
        let (steps, warnings, left_behind, said_to_be_deleted) = Default::default();
        Self { ports, open, steps, found: Findings::default(), warnings, left_behind, said_to_be_deleted }
    }

    /// Deletes one of several clients.
    pub async fn remove(&mut self, managed: Managed) {
        let is_managed = self.settings().management != Management::None;
        if is_managed && matches!(self.ports.registrar.delete(&self.open, &managed).await, Called::Done(())) {
            self.said_to_be_deleted.push(managed.client_id);
        } else {
            self.left_behind.push(managed.client_id);
        }
    }

    /// Those of a provider at which clients are registered; any others are not tried.
    pub fn settings(&self) -> DcrSettings {
        self.open.provider.registration.clone().unwrap_or_default()
    }

    pub fn change(&mut self, change: impl FnOnce(&mut DcrSettings)) {
        change(self.open.provider.registration.get_or_insert_default());
    }

    /// Whether the registry's own authorization could manage clients.
    pub fn has_standing_credential(&self) -> bool {
        !matches!(self.settings().authorization, Authorization::None | Authorization::OneTime)
    }

    pub fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub fn begin(&self) -> Instant {
        Instant::now()
    }

    /// Notes a step with what became of it. `detail`: of one that was done.
    pub fn end<T>(
        &mut self,
        step: &'static str,
        begun: Instant,
        called: Called<T>,
        detail: Option<String>,
    ) -> Result<T, Failure> {
        let latest = self.ports.inspector.latest_status();
        let (outcome, ended) = match called {
            Called::Done(done) => ("done", Ok(done)),
            Called::Refused(failure) => ("refused", Err(failure)),
            Called::NotDone(failure, _) => ("not_done", Err(failure)),
            Called::Unknown(failure) => ("unknown", Err(failure)),
        };
        let is_one_call = !["metadata", "parallel"].contains(&step);
        let status = ended.as_ref().map_or_else(|failure| failure.status, |_| latest.filter(|_| is_one_call));
        let detail = ended.as_ref().map_or_else(told, |_| detail);
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.steps.push(ProbeStep { step, outcome, status, ms, detail });
        ended
    }
}

/// What is known of a failure, in one line.
fn told(failure: &Failure) -> Option<String> {
    let parts = [&failure.error, &failure.description].map(|part| part.clone().unwrap_or_default());
    let told = parts.join(": ");
    let told = told.trim_end_matches(": ").trim_start_matches(": ");
    (!told.is_empty()).then(|| told.to_owned())
}
