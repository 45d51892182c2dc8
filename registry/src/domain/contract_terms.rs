//! What a tier says about the contracts under it, and the dates that follow from it.

use std::time::Duration;

use crate::domain::contract::AccessContract;
use crate::domain::fault::Fault;
use crate::domain::time::Time;

/// Of one tier, as it is when something is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierTerms {
    pub tier: String,
    /// Approval is given by the tier.
    pub automatic: bool,
    /// Who asks may approve.
    pub self_approval: bool,
    /// From the approval.
    pub max_duration: Option<Duration>,
}

/// Dates as a body gives them: `None` for one that is not named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    pub not_before: Option<Option<Time>>,
    pub expires_at: Option<Option<Time>>,
}

impl TierTerms {
    fn latest(&self, now: Time) -> Option<Time> {
        self.max_duration.map(|duration| now.plus(duration))
    }
}

impl AccessContract {
    /// The dates of an approval: at most, and by default, what the tier allows from now.
    ///
    /// # Errors
    /// Dates of the body that go beyond that, or exclude each other.
    pub(super) fn agree(&mut self, dates: &Dates, terms: &TierTerms, now: Time) -> Result<(), Vec<Fault>> {
        let latest = terms.latest(now);
        let own = match (self.expires_at, latest) {
            (Some(own), Some(latest)) => Some(own.min(latest)),
            (own, latest) => own.or(latest),
        };
        let expires_at = match dates.expires_at {
            None => own,
            Some(None) => latest,
            Some(Some(given)) => Some(within(given, latest)?),
        };
        self.set_dates(dates.not_before.unwrap_or(self.not_before), expires_at, dates)
    }

    /// The dates of a request, which its approval may shorten.
    ///
    /// # Errors
    /// Dates that exclude each other.
    pub(super) fn ask(&mut self, dates: &Dates) -> Result<(), Vec<Fault>> {
        self.set_dates(dates.not_before.flatten(), dates.expires_at.flatten(), dates)
    }

    /// Another end, at most what the tier allows from now.
    ///
    /// # Errors
    /// An end beyond that, or before the beginning.
    pub fn set_end(&mut self, expires_at: Option<Time>, terms: &TierTerms, now: Time) -> Result<(), Vec<Fault>> {
        let latest = terms.latest(now);
        let expires_at = match (expires_at, latest) {
            (None, Some(latest)) => return Err(beyond(latest)),
            (given, latest) => given.map(|given| within(given, latest)).transpose()?,
        };
        let dates = Dates { not_before: None, expires_at: Some(expires_at) };
        self.set_dates(self.not_before, expires_at, &dates)
    }

    fn set_dates(&mut self, start: Option<Time>, end: Option<Time>, given: &Dates) -> Result<(), Vec<Fault>> {
        if start.zip(end).is_some_and(|(start, end)| start >= end) {
            let member = if given.expires_at.flatten().is_some() { "/expires_at" } else { "/not_before" };
            return Err(vec![Fault::new(member, "the contract would end before it begins")]);
        }
        (self.not_before, self.expires_at) = (start, end);
        Ok(())
    }
}

fn within(given: Time, latest: Option<Time>) -> Result<Time, Vec<Fault>> {
    match latest {
        Some(latest) if given > latest => Err(beyond(latest)),
        _ => Ok(given),
    }
}

fn beyond(latest: Time) -> Vec<Fault> {
    vec![Fault::new("/expires_at", format!("is beyond the longest duration of the tier, which now ends at {latest}"))]
}
