//! The documents of authorization servers: fetched, put in force, waited for.

use super::calls::Purpose;
use super::effect::{Cx, Effect};
use super::flights::{Full, Parked, Waiter};
use super::metrics::Polled;
use super::reason::Reason;
use super::resolve::{Arrival, Remembering, Resolution, found_as};
use super::sources::{ServerDocument, Wanted};
use super::worker::Worker;
use crate::base::http::{HttpCall, HttpResult};
use crate::feed::fetched_body::FetchError;
use crate::feed::fresh_document::Fetched;
use crate::jose::jwk_set::KeySet;
use crate::outcome::Outcome;
use crate::proof::Presented;
use crate::provider::Provider;
use crate::provider::metadata::Metadata;
use std::rc::Rc;
use std::time::Duration;

/// Time beyond the limits of the fetches after which a request no longer waits for them.
const GRACE: Duration = Duration::from_millis(500);

/// Most requests that are resumed in one turn: each may cost a verification, and the event loop has other work.
const RESUMED_AT_ONCE: usize = 128;

impl Worker {
    /// A token whose key is not known: the request waits for newer keys, if they are to be had.
    pub(super) fn await_keys<'a>(
        &mut self,
        provider: &'a Rc<Provider>,
        arrival: Arrival,
        cx: &mut Cx<'_>,
    ) -> Resolution<'a> {
        let source = self.sources.get_mut(provider.slot);
        let wanted = source.map(|source| source.want_keys(arrival.has_waited, cx.now));
        self.park(provider, wanted, arrival, cx)
    }

    /// A token whose server is to be asked, but whose address is not known: the request waits for the metadata.
    pub(super) fn await_endpoint<'a>(
        &mut self,
        provider: &'a Rc<Provider>,
        arrival: Arrival,
        cx: &mut Cx<'_>,
    ) -> Resolution<'a> {
        let wanted = self.sources.get_mut(provider.slot).map(|source| source.want_endpoint(cx.now));
        self.park(provider, wanted, arrival, cx)
    }

    fn park<'a>(
        &mut self,
        provider: &'a Rc<Provider>,
        wanted: Option<Wanted>,
        arrival: Arrival,
        cx: &mut Cx<'_>,
    ) -> Resolution<'a> {
        let (document, call) = match wanted {
            Some(Wanted::UnderWay(document, call)) => (document, call),
            Some(Wanted::Lacking { is_outage: false }) => {
                let reason = Reason::new(Outcome::BadSignature, "the issuer has no key of this kid and alg");
                return Resolution::Refused(Some(provider), reason);
            }
            Some(Wanted::Lacking { is_outage: true }) | None => {
                let reason = Reason::new(Outcome::ProviderUnavailable, "its keys or metadata could not be fetched");
                return Resolution::Refused(Some(provider), reason);
            }
        };
        if let Some(call) = call {
            self.fetch(provider.slot, document, call, cx);
        }
        let Arrival { token, waiter, .. } = arrival;
        let deadline = waiter.since.plus(self.sources.patience(provider)).plus(GRACE);
        let round = self.resuming.round;
        match self.flights.park(Parked { provider: Rc::clone(provider), token, waiter, deadline, round }) {
            Ok(()) => Resolution::Waits,
            Err(Full) => Resolution::Overloaded,
        }
    }

    pub(super) fn fetch(&mut self, slot: usize, document: ServerDocument, call: HttpCall, cx: &mut Cx<'_>) {
        let purpose = Purpose::Fetch(slot, document);
        cx.effects.push(Effect::Call(self.calls.open(purpose), call));
    }

    /// The periodic work: fetches what is due, and ends who has waited too long.
    pub(super) fn tend_documents(&mut self, cx: &mut Cx<'_>) {
        for (slot, document, call) in self.sources.poll(cx.now) {
            self.fetch(slot, document, call, cx);
        }
        let ages = self.sources.key_ages(cx.now);
        let ages: Vec<_> =
            ages.map(|(provider, age)| (format!("tessera_keys_age_s.provider.{}", provider.name), age)).collect();
        for (name, age) in ages {
            self.metrics.gauge(name, age.as_secs());
        }
        // A clock that was set back must not postpone a deadline.
        for slot in 0..self.settings.providers.len() {
            let Some(provider) = self.settings.providers.get(slot).map(Rc::clone) else { continue };
            let latest = cx.now.plus(self.sources.patience(&provider)).plus(GRACE);
            let now = cx.now;
            let overdue = self.flights.unpark(usize::MAX, |parked| {
                parked.provider.slot == slot && (now >= parked.deadline || parked.deadline > latest)
            });
            for parked in overdue {
                let reason = Reason::new(Outcome::ProviderUnavailable, "its keys or metadata were not fetched in time");
                self.end_parked(&parked, Resolution::Refused(Some(&provider), reason), cx);
            }
        }
    }

    /// A fetch has ended.
    pub(super) fn on_fetched(&mut self, slot: usize, document: ServerDocument, result: HttpResult, cx: &mut Cx<'_>) {
        match document {
            ServerDocument::Metadata => self.on_metadata(slot, result, cx),
            ServerDocument::Keys => self.on_keys(slot, result, cx),
        }
    }

    fn on_metadata(&mut self, slot: usize, result: HttpResult, cx: &mut Cx<'_>) {
        let Some(source) = self.sources.get_mut(slot) else { return };
        let provider = Rc::clone(source.provider());
        let issuer = provider.checks.issuer.as_deref().unwrap_or_default();
        let Some(metadata) = &mut source.metadata else { return };
        let read = |bytes: &[u8]| Metadata::read(bytes, issuer).map_err(|error| error.to_string());
        match metadata.on_result(result, cx.now, read) {
            Fetched::Elsewhere(call) => return self.fetch(slot, ServerDocument::Metadata, call, cx),
            Fetched::Changed(_) => {
                for problem in source.adopt_metadata() {
                    let line = format!("provider {:?}: its metadata is in force, but {problem}", provider.name);
                    cx.effects.push(Effect::Log(log::Level::Warn, line));
                }
                // The keys may be elsewhere now.
                if let Some(call) = source.keys.as_mut().and_then(|keys| keys.poll(cx.now)) {
                    self.fetch(slot, ServerDocument::Keys, call, cx);
                }
            }
            Fetched::Unchanged => {}
            Fetched::Failed(error) => self.log_failure(&provider, ServerDocument::Metadata, &error, cx),
        }
        self.resume_parked(&provider, cx);
    }

    fn on_keys(&mut self, slot: usize, result: HttpResult, cx: &mut Cx<'_>) {
        let Some(source) = self.sources.get_mut(slot) else { return };
        let provider = Rc::clone(source.provider());
        let Some(keys) = &mut source.keys else { return };
        let read = |bytes: &[u8]| match KeySet::read(bytes) {
            Ok(keys) if keys.is_empty() => {
                Err(format!("it holds no key that is of use here; {} were left out", keys.skipped()))
            }
            read => read.map_err(|error| error.to_string()),
        };
        let polled = match keys.on_result(result, cx.now, read) {
            Fetched::Elsewhere(call) => return self.fetch(slot, ServerDocument::Keys, call, cx),
            Fetched::Changed(older) => {
                let newer = keys.content().map(Rc::clone).unwrap_or_default();
                self.adopt_keys(&provider, older.as_deref(), &newer, cx);
                Polled::Changed
            }
            Fetched::Unchanged => Polled::Unchanged,
            Fetched::Failed(error) => {
                self.log_failure(&provider, ServerDocument::Keys, &error, cx);
                Polled::Failed
            }
        };
        self.metrics.key_fetch(&provider, polled);
        self.resume_parked(&provider, cx);
    }

    /// What a key that is gone has verified is forgotten.
    fn adopt_keys(&mut self, provider: &Provider, older: Option<&KeySet>, newer: &KeySet, cx: &mut Cx<'_>) {
        if older.is_some_and(|older| !older.is_within(newer)) {
            let choices = self.settings.policy.apis().iter().flat_map(|api| api.choices.iter());
            let keys = choices.filter(|choice| choice.provider.slot == provider.slot).map(|choice| choice.key);
            self.local.forget(&keys.collect::<Vec<_>>());
        }
        let skipped = match newer.skipped() {
            0 => String::new(),
            skipped => format!("; {skipped} others are of no use here and were left out"),
        };
        let line = format!("provider {:?}: {} keys are in force{skipped}", provider.name, newer.len());
        cx.effects.push(Effect::Log(log::Level::Info, line));
    }

    fn log_failure(&mut self, provider: &Provider, document: ServerDocument, error: &FetchError, cx: &mut Cx<'_>) {
        if self.pauses.may_log(provider, cx.now) {
            let line = format!(
                "provider {:?}: its {} could not be fetched: {error}; what was good before stays in force",
                provider.name,
                document.name()
            );
            cx.effects.push(Effect::Log(log::Level::Warn, line));
        }
    }

    /// Something has changed for those who wait for this provider: each is resolved again.
    fn resume_parked(&mut self, provider: &Rc<Provider>, cx: &mut Cx<'_>) {
        self.read_held_answers(provider.slot, cx);
        self.resuming.round += 1;
        if !self.resuming.slots.contains(&provider.slot) {
            self.resuming.slots.push(provider.slot);
        }
        self.resume_some(cx);
    }

    /// Resumes as many as one turn may. Those who begin to wait again meanwhile are not among them.
    pub(super) fn resume_some(&mut self, cx: &mut Cx<'_>) {
        let Some(slot) = self.resuming.slots.first().copied() else { return };
        let round = self.resuming.round;
        let is_due = |parked: &Parked| parked.provider.slot == slot && parked.round < round;
        let due = self.flights.unpark(RESUMED_AT_ONCE, is_due);
        if due.len() < RESUMED_AT_ONCE {
            self.resuming.slots.remove(0);
        }
        for parked in due {
            self.resume(&parked, cx);
        }
        let yields = cx.effects.iter().any(|effect| matches!(effect, Effect::Yield));
        if !self.resuming.slots.is_empty() && !yields {
            cx.effects.push(Effect::Yield);
        }
    }

    fn resume(&mut self, parked: &Parked, cx: &mut Cx<'_>) {
        let guard = parked.waiter.guard.clone();
        let (token, waiter) = (parked.token.clone(), parked.waiter.clone());
        let resolution = match self.resolve_known(&guard, token.expose().as_bytes(), cx) {
            Remembering::Facts(provider, remembered) => {
                let lookup = found_as(&remembered);
                Resolution::Facts(provider, remembered, lookup)
            }
            Remembering::Not { was_good } => {
                self.resolve_miss(&guard, Arrival { token, waiter, was_good, has_waited: true }, cx)
            }
        };
        self.end_parked(parked, resolution, cx);
    }

    /// Ends a request that has waited, unless it goes on waiting.
    fn end_parked(&mut self, parked: &Parked, resolution: Resolution<'_>, cx: &mut Cx<'_>) {
        let Waiter { guard, by_dpop, .. } = &parked.waiter;
        let evidence = |_| parked.waiter.evidence();
        let presented = Presented { token: parked.token.expose().as_bytes(), by_dpop: *by_dpop, evidence: &evidence };
        if let Some(ending) = self.conclude(resolution, guard, presented, cx) {
            cx.effects.push(Effect::End(parked.waiter.stream, ending));
        }
    }
}
