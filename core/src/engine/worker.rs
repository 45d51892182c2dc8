//! One worker: what it knows, what it is asking, and how its requests end.

use super::about::About;
use super::effect::{CallId, Ending, Step, StreamId, Verdict};
use super::flights::{Flight, Flights, Full, Waiter};
use super::metrics::{Level, Lookup, Metrics};
use super::pauses::Pauses;
use super::settings::{Choice, Settings};
use crate::base::time::Timestamp;
use crate::cache::{Freshness, LocalCache, Remembered, SharedCache};
use crate::contract::contracts::{self, Contracts};
use crate::decision::decide::decide;
use crate::decision::policy::{ApiIndex, ProviderIndex, Rule, RuleIndex, Selection, Target};
use crate::outcome::Outcome;
use crate::port::RequestHead;
use crate::port::SharedStore;
use crate::reply::Refusal;
use crate::token::bearer::Bearer;
use crate::token::extract::{Fault, extract};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Time beyond an authorization server's patience after which a flight ends, whatever has become of its call. Ticks
/// come later than that by up to their period; together they stay within one second.
const GRACE: Duration = Duration::from_millis(500);

/// What tells this worker from the others of its process.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Unique among the workers, and not to be guessed.
    pub number: u64,
    /// Its queue, through which others reach it.
    pub queue: u32,
}

/// One worker's state. Every event brings the time and the store along.
pub struct Worker {
    pub(super) settings: Rc<Settings>,
    pub(super) known: LocalCache,
    pub(super) slots: SharedCache,
    pub(super) flights: Flights,
    pub(super) contracts: Contracts,
    pub(super) metrics: Metrics,
    pub(super) pauses: Pauses,
    last_call: u64,
    /// Calls of the contract source, by the engine's number for them.
    pub(super) contract_calls: BTreeMap<CallId, contracts::CallId>,

    seed: u64,
}

impl Worker {
    /// A worker that knows nothing yet.
    pub fn new(settings: Rc<Settings>, identity: Identity) -> Self {
        Self {
            known: LocalCache::new(&settings.cache, identity.number),
            slots: SharedCache::new(&settings.facts_prefix(), &settings.cache, identity.number, identity.queue),
            flights: Flights::default(),
            contracts: Contracts::new(Rc::clone(&settings.contracts), &settings.contracts_prefix(), identity.number),
            metrics: Metrics::new(&settings),
            pauses: Pauses::new(settings.providers.len(), settings.cache.entries),
            last_call: 0,
            contract_calls: BTreeMap::new(),
            seed: identity.number,
            settings,
        }
    }

    /// What is configured.
    pub fn settings(&self) -> &Rc<Settings> {
        &self.settings
    }

    /// What has been counted.
    pub fn metrics(&mut self) -> &mut Metrics {
        &mut self.metrics
    }

    /// Whether [`Self::on_turn`] has something to do.
    pub fn has_calls_to_send(&self) -> bool {
        self.flights.has_queued()
    }

    /// A request has arrived.
    pub fn on_request(
        &mut self,
        stream: StreamId,
        head: &impl RequestHead,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Step {
        match self.select(head) {
            Selection::Guarded(rule) => self.guard(stream, rule, head, store, now),
            Selection::Public(api) => {
                self.metrics.request(Outcome::Public, Some(api));
                Step::ended(Verdict::AdmitPublic(api))
            }
            Selection::Unmatched => {
                self.metrics.request(Outcome::Unmatched, None);
                Step::ended(Verdict::AdmitUnmatched)
            }
            Selection::Unknown => self.refuse(None, Outcome::UnknownApi),
            Selection::Ambiguous => self.refuse_for(None, "ambiguous host, path or method"),
        }
    }

    /// A request is gone: answered, or its caller hung up.
    pub fn on_stream_gone(&mut self, stream: StreamId) {
        self.flights.leave(stream);
    }

    /// The end of a request that waited is about to be carried out. Whether it is still there: the host knows the
    /// context of one that is gone a while longer, but must not be asked to end it.
    pub fn dismiss(&mut self, stream: StreamId) -> bool {
        self.flights.dismiss(stream)
    }

    /// A request that was to wait, or to pass, cannot: the host failed.
    pub fn on_host_failure(&mut self, stream: StreamId, api: Option<ApiIndex>) -> Refusal {
        self.flights.leave(stream);
        self.metrics.request(Outcome::InternalError, api);
        Refusal::new(Outcome::InternalError)
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

    fn guard(
        &mut self,
        stream: StreamId,
        rule: RuleIndex,
        head: &impl RequestHead,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Step {
        let settings = Rc::clone(&self.settings);
        let found = match extract(&settings.token, head) {
            Ok(found) => found,
            Err(Fault::Missing) if settings.policy.waives_token(rule) => {
                self.metrics.request(Outcome::Anonymous, Some(rule.api));
                return Step::ended(Verdict::AdmitPublic(rule.api));
            }
            Err(fault)
                if fault == Fault::Missing || fault == Fault::Doubtful && !settings.policy.waives_token(rule) =>
            {
                return self.refuse(Some(rule), Outcome::MissingToken);
            }
            Err(fault) => return self.refuse_for(Some(rule), fault.text()),
        };
        let mut step = self.judge_token(stream, rule, &found, store, now);
        if let Step::Ended(ending) = &mut step {
            ending.verdict.explain(|about| about.set_token(&found));
        }
        step
    }

    fn judge_token(
        &mut self,
        stream: StreamId,
        rule: RuleIndex,
        found: &[u8],
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Step {
        let settings = Rc::clone(&self.settings);
        let mut was_good = false;
        // The warm path: no other host call than those for the token and the time, no allocation.
        for choice in settings.choices(rule.api) {
            let Some(hit) = self.known.get(choice.key, found) else { continue };
            let (remembered, uses) = (hit.remembered.clone(), hit.uses);
            if !self.is_usable(&remembered, rule, now) {
                was_good = remembered.is_active();
                break;
            }
            self.metrics.lookup(found_as(&remembered), Level::Worker);
            if settings.cache.refresh_ahead && uses > 1 && remembered.expires_soon(now) && remembered.is_active() {
                self.renew(*choice, found, store, now);
            }
            return Step::ended(self.judge(&remembered, choice.provider, rule, store, now));
        }
        let Some(token) = Bearer::parse(found) else {
            return self.refuse_for(Some(rule), "not a b64token");
        };
        self.look_further(stream, rule, token, was_good, store, now)
    }

    /// A token that this worker does not know, or no longer: it may know that it was a good one.
    fn look_further(
        &mut self,
        stream: StreamId,
        rule: RuleIndex,
        token: Bearer,
        mut was_good: bool,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Step {
        let settings = &self.settings;
        let choice = settings.choose(rule.api, &token);
        let digest = choice.and_then(|choice| settings.token_name(choice.provider, &token));
        let (Some(choice), Some(digest)) = (choice, digest) else {
            return self.refuse(Some(rule), Outcome::InternalError);
        };
        let mut seen = None;
        if !self.flights.contains(&digest) {
            let (shared, set) = self.slots.read(store, &digest, now);
            was_good |= set.was_good;
            seen = Some(set);
            if let Some(remembered) = &shared
                && self.is_usable(remembered, rule, now)
            {
                self.metrics.lookup(found_as(remembered), Level::Shared);
                self.known.insert(choice.key, token.expose().as_bytes(), remembered.clone());
                return Step::ended(self.judge(remembered, choice.provider, rule, store, now));
            }
            if let Some(outcome) = self.pauses.reason(choice.provider, &digest, now) {
                let ending = self.unanswered(outcome, shared.as_ref(), choice.provider, rule, store, now);
                if !ending.stale {
                    self.metrics.lookup(Lookup::Coalesced, Level::Worker);
                }
                return Step::Ended(ending);
            }
        }
        let waiter = Waiter { stream, rule, key: choice.key, since: now };
        let deadline = self.deadline(choice.provider, now);
        match self.flights.board(digest, waiter, was_good, || Flight::new(choice.provider, token, choice.key, deadline))
        {
            Ok(true) => self.metrics.lookup(Lookup::Coalesced, Level::Worker),
            Ok(false) => {
                let lookup = self.depart(&digest, seen, store, now);
                self.metrics.lookup(lookup, Level::Shared);
            }
            Err(Full) => return self.refuse(Some(rule), Outcome::Overloaded),
        }
        Step::Waits
    }

    /// Renews what is known of a token in use before it lapses. Nobody waits for it.
    fn renew(&mut self, choice: Choice, token: &[u8], store: &dyn SharedStore, now: Timestamp) {
        if !self.pauses.renews(choice.provider, now) {
            return;
        }
        let Some(token) = Bearer::parse(token) else { return };
        let Some(digest) = self.settings.token_name(choice.provider, &token) else { return };
        if self.flights.contains(&digest) || self.pauses.reason(choice.provider, &digest, now).is_some() {
            return;
        }
        // Another worker may have renewed it already.
        let (shared, seen) = self.slots.read(store, &digest, now);
        if let Some(remembered) = shared
            && remembered.freshness(now) == Freshness::Fresh
            && !remembered.expires_soon(now)
        {
            self.known.insert(choice.key, token.expose().as_bytes(), remembered);
            return;
        }
        let deadline = self.deadline(choice.provider, now);
        // A full house renews nothing: the entry lapses and is asked for as any other.
        let open = || Flight::new(choice.provider, token, choice.key, deadline);
        if self.flights.open(digest, choice.key, true, open).is_ok() {
            self.depart(&digest, Some(seen), store, now);
        }
    }

    /// The verdict on facts; counts the request.
    pub(super) fn judge(
        &mut self,
        remembered: &Remembered,
        provider: ProviderIndex,
        rule: RuleIndex,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Verdict {
        let settings = &self.settings;
        let (Some(vouching), Some((api, terms))) = (settings.providers.get(provider.0), settings.policy.rule(rule))
        else {
            return self.refusal(Some(rule), Outcome::InternalError);
        };
        let contracts = &mut self.contracts;
        let holding = |client: Option<&str>| contracts.find(&api.id, &vouching.name, client, store, now);
        match decide(&remembered.state, (provider, &vouching.checks), (rule.api, terms), now, holding) {
            Ok(permit) => {
                self.metrics.request(Outcome::Allowed, Some(rule.api));
                Verdict::Admit(permit)
            }
            Err(outcome) => {
                let mut verdict = self.refusal(Some(rule), outcome);
                verdict.explain(|about| {
                    about.provider = Some(provider);
                    about.set_facts(&remembered.state, outcome);
                });
                verdict
            }
        }
    }

    /// The end of a request whose token cannot be asked about. During an outage facts past their freshness may serve.
    /// They are the shared level's: this worker's own entry may be one that another worker has learned to be void since.
    pub(super) fn unanswered(
        &mut self,
        outcome: Outcome,
        stale: Option<&Remembered>,
        provider: ProviderIndex,
        rule: RuleIndex,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Ending {
        let is_outage = outcome == Outcome::ProviderUnavailable;
        if let Some(remembered) = stale
            && is_outage
            && !self.settings.cache.stale_if_error.is_zero()
            && self.is_young_enough(remembered, rule, now)
        {
            self.metrics.lookup(Lookup::Stale, Level::Shared);
            return Ending { verdict: self.judge(remembered, provider, rule, store, now), stale: true };
        }
        let mut verdict = self.refusal(Some(rule), outcome);
        if let Verdict::Refuse(refusal, about) = &mut verdict {
            about.provider = Some(provider);
            refusal.retry_after = is_outage.then(|| self.pauses.held(provider, now)).flatten();
        }
        Ending { verdict, stale: false }
    }

    pub(super) fn refusal(&mut self, rule: Option<RuleIndex>, outcome: Outcome) -> Verdict {
        let api = rule.map(|rule| rule.api);
        self.metrics.request(outcome, api);
        // A claim that is missing is none that more scopes would bring.
        let rule = rule.filter(|_| outcome != Outcome::WrongClaims);
        let scope = rule.and_then(|rule| self.settings.policy.rule(rule)).map(|(_, rule)| rule.scopes.wanted());
        let refusal = Refusal { scope: scope.unwrap_or_default(), ..Refusal::new(outcome) };
        Verdict::Refuse(refusal, Box::new(About { api, ..About::default() }))
    }

    /// An invalid request, and what is wrong with it.
    fn refuse_for(&mut self, rule: Option<RuleIndex>, detail: &'static str) -> Step {
        let mut verdict = self.refusal(rule, Outcome::InvalidRequest);
        verdict.explain(|about| about.detail = Some(detail.into()));
        Step::ended(verdict)
    }

    fn refuse(&mut self, rule: Option<RuleIndex>, outcome: Outcome) -> Step {
        Step::ended(self.refusal(rule, outcome))
    }

    fn is_usable(&self, remembered: &Remembered, rule: RuleIndex, now: Timestamp) -> bool {
        remembered.freshness(now) == Freshness::Fresh && self.is_young_enough(remembered, rule, now)
    }

    pub(super) fn is_young_enough(&self, remembered: &Remembered, rule: RuleIndex, now: Timestamp) -> bool {
        let max_age = self.settings.policy.rule(rule).and_then(|(_, Rule { max_age, .. })| *max_age);
        max_age.is_none_or(|max_age| remembered.age(now) <= max_age)
    }

    pub(super) fn deadline(&self, provider: ProviderIndex, now: Timestamp) -> Timestamp {
        let patience = self.settings.providers.get(provider.0).map(|provider| provider.endpoint.patience());
        now.plus(patience.unwrap_or_default()).plus(GRACE)
    }

    /// A number for a call that is to be sent.
    pub(super) fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }

    /// A number that differs from call to call and from worker to worker.
    pub(super) fn next_seed(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(1);
        self.seed
    }
}

impl Step {
    fn ended(verdict: Verdict) -> Self {
        Self::Ended(Ending { verdict, stale: false })
    }
}

impl Fault {
    fn text(self) -> &'static str {
        match self {
            Self::Missing => "no access token",
            Self::Repeated => "an access token in two places",
            Self::Misplaced | Self::Doubtful => "what an upstream could take for another access token",
            Self::Empty => "an empty access token",
            Self::TooLong => "an access token that is too long",
        }
    }
}

fn found_as(remembered: &Remembered) -> Lookup {
    if remembered.is_active() { Lookup::Hit } else { Lookup::NegativeHit }
}
