//! Remembers everything that has happened, and says of each ending whether it may be.

use super::configurations::{Configuration, MAX_AGE, REFRESH, RETRIES, SKEW, TIMEOUT};
use super::history::Disorder;
use super::host::MAIL;
use super::truth::{Token, Truth, Version};
use std::collections::BTreeMap;
use tessera_core::decision::decide::Permit;
use tessera_core::engine::effect::{Ending, Verdict};
use tessera_core::engine::message::Completion;
use tessera_core::outcome::Outcome;

/// What a call asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Token(u64),
    Contracts { tenant: &'static str, since: Option<usize> },
}

/// What a worker hears from another about a token.
pub struct Heard<'a> {
    pub queue: u32,
    pub token: u64,
    pub completion: &'a Completion,
}

/// A request whose end is judged.
pub struct Request {
    pub token: u64,
    pub path: &'static str,
    pub since: u64,
    pub now: u64,
    /// In milliseconds since the epoch, as the worker's clock has it.
    pub wall: u64,
}

/// What became of it.
pub struct What {
    pub outcome: &'static str,
    pub from_memory: bool,
}

/// An answer of the authorization server, by its number, which is in the facts.
struct Answer {
    token: u64,
    served: u64,
}

/// A good answer of the contract source as it arrived.
struct Poll {
    tenant: &'static str,
    served: u64,
    arrived: u64,
    /// Nobody else has polled meanwhile: of two that do, one has lost the lease, and its answer does not count.
    is_certain: bool,
}

pub struct Judge {
    seed: u64,
    disorder: Disorder,
    answers: Vec<Answer>,
    polls: Vec<Poll>,
    /// Polls under way, by worker: whose contracts, and whether nobody else has polled since.
    polling: BTreeMap<u32, (&'static str, bool)>,
    /// When a question about a token last failed in this process, or took so long that it did.
    failed: BTreeMap<u64, u64>,
    /// When a question was last decided on, by worker and token,
    asked: BTreeMap<(u32, u64), u64>,
    /// and when a worker last heard that one had failed.
    heard: BTreeMap<(u32, u64), u64>,
    held: Option<u64>,
    /// By how much the wall clock has been set back, in all; what was to end by it may last so much longer.
    set_back: u64,
    /// And ahead: what was to end by it may end so much earlier.
    set_ahead: u64,
    is_disturbed: bool,
    has_stepped: bool,
}

/// How long after a good poll every worker acts on it.
const IN_FORCE: u64 = 1000;
/// Guarantee: a token whose question failed is not asked about for so long.
const PAUSE: u64 = 1000;
/// The longest pause that a server can ask for.
const LONGEST_HOLD: u64 = 10_000;

impl Judge {
    /// Guarantee 7.
    pub const PATIENCE: u64 = (RETRIES + 1) * TIMEOUT + 1000;

    pub fn new(seed: u64, disorder: Disorder) -> Self {
        Self {
            seed,
            disorder,
            answers: Vec::new(),
            polls: Vec::new(),
            polling: BTreeMap::new(),
            failed: BTreeMap::new(),
            asked: BTreeMap::new(),
            heard: BTreeMap::new(),
            held: None,
            set_back: 0,
            set_ahead: 0,
            is_disturbed: false,
            has_stepped: false,
        }
    }

    /// A server answers about this token: the answer's number.
    pub fn serves(&mut self, token: u64, now: u64) -> usize {
        self.answers.push(Answer { token, served: now });
        self.answers.len() - 1
    }

    /// A call has come back, be it to somebody who waits for it or not.
    pub fn is_over(&mut self, queue: u32, asked: &Asked, is_awaited: bool, now: u64) {
        match asked {
            Asked::Token(token) => {
                self.asked.remove(&(queue, *token));
                // By a clock that has stepped ahead the question may have failed before its call did.
                if !is_awaited && self.set_ahead > 0 {
                    self.failed.insert(*token, now);
                }
            }
            Asked::Contracts { .. } => drop(self.polling.remove(&queue)),
        }
    }

    /// A worker decides to poll.
    pub fn polls(&mut self, queue: u32, tenant: &'static str) {
        let mut is_alone = true;
        for (_, certain) in self.polling.values_mut().filter(|(other, _)| *other == tenant) {
            (*certain, is_alone) = (false, false);
        }
        self.polling.insert(queue, (tenant, is_alone));
    }

    pub fn comes_back(&mut self, queue: u32, asked: &Asked, served: Option<u64>, held: bool, now: u64) {
        match (asked, served) {
            (Asked::Contracts { tenant, .. }, Some(served)) => {
                let is_certain = self.polling.get(&queue).is_some_and(|(_, certain)| *certain);
                self.polls.push(Poll { tenant, served, arrived: now, is_certain });
            }
            (Asked::Contracts { .. }, None) => {}
            (Asked::Token(_), Some(_)) => {}
            (Asked::Token(token), None) => {
                self.failed.insert(*token, now);
                self.heard.insert((queue, *token), now);
                if held {
                    self.held = Some(now);
                }
            }
        }
    }

    pub fn hears(&mut self, heard: Heard<'_>, now: u64) {
        if matches!(heard.completion, Completion::Unavailable(_) | Completion::Unusable(_)) {
            self.failed.insert(heard.token, now);
            self.heard.insert((heard.queue, heard.token), now);
        }
    }

    /// A worker decides to ask about a token. What has failed in this moment is tried once more.
    pub fn asks(&mut self, queue: u32, token: u64, is_first: bool, now: u64) {
        // A clock that steps ahead ends a question before its call.
        assert!(is_first || self.has_stepped, "seed {}: token {token} is asked about twice at a time", self.seed);
        if let Some(failed) = self.heard.remove(&(queue, token)).filter(|_| !self.has_stepped) {
            let soon = failed < now && now < failed + PAUSE;
            assert!(!soon, "seed {}: token {token} is asked about {} ms after it failed", self.seed, now - failed);
        }
        self.asked.insert((queue, token), now);
    }

    /// A worker is gone.
    pub fn is_gone(&mut self, queue: u32) {
        self.is_disturbed = true;
        self.polling.remove(&queue);
    }

    pub fn stepped(&mut self, by: i64) {
        (self.is_disturbed, self.has_stepped) = (true, true);
        self.set_back += u64::try_from(-by).unwrap_or_default();
        self.set_ahead += u64::try_from(by).unwrap_or_default();
    }

    pub fn may_wait(&self, since: u64, now: u64) {
        let longest = Self::PATIENCE + self.set_back;
        assert!(now <= since + longest, "seed {}: a request waits for {} ms", self.seed, now - since);
    }

    pub fn check_store(&self, values: &[(String, Vec<u8>)]) {
        for (key, value) in values {
            let text = String::from_utf8_lossy(value);
            assert!(!key.contains("t0ken") && !text.contains("t0ken"), "seed {}: a token in shared data", self.seed);
            assert!(!key.contains("s3cret") && !text.contains("s3cret"), "seed {}: a secret in shared data", self.seed);
            // Sixteen KiB of good entries, four of claims, and what is negative.
            assert!(value.len() <= 64 << 10, "seed {}: {} bytes under {key}", self.seed, value.len());
        }
        assert!(values.len() <= 2000, "seed {}: {} keys", self.seed, values.len());
    }

    pub fn ending(&self, truth: &Truth, configuration: &Configuration, request: &Request, ending: &Ending) -> What {
        let token = &truth.tokens[request.token as usize];
        match &ending.verdict {
            Verdict::Admit(permit) => {
                let from_memory = self.passes(truth, configuration, request, token, permit, ending.is_stale());
                What { outcome: "allowed", from_memory }
            }
            Verdict::Refuse(refusal, _) => {
                let honest = self.is_honest(truth, configuration, request, token, refusal.outcome);
                let (seed, number, now) = (self.seed, request.token, request.now);
                assert!(honest, "seed {seed}: token {number} is {} at {now}", refusal.outcome.name());
                What { outcome: refusal.outcome.name(), from_memory: false }
            }
            other => panic!("seed {}: nothing is public here: {other:?}", self.seed),
        }
    }

    /// Whether facts were used that were there before the request came.
    fn passes(
        &self,
        truth: &Truth,
        configuration: &Configuration,
        request: &Request,
        token: &Token,
        permit: &Permit,
        is_stale: bool,
    ) -> bool {
        let (seed, now) = (self.seed, request.now);
        let subject = permit.facts().subject.as_deref().and_then(|subject| subject.strip_prefix("of "));
        let answer = &self.answers[subject.expect("a subject").parse::<usize>().expect("a number")];
        assert_eq!(answer.token, request.token, "seed {seed}: facts of another token");
        assert!(token.is_active(answer.served), "seed {seed}: an answer that said no lets token {} in", token.number);
        assert!(token.has_scope(configuration.scope), "seed {seed}: a token without the scope passes");
        assert!(request.wall < token.expires + SKEW, "seed {seed}: an expired token passes");
        let age = now - answer.served;
        let waited = request.since < now;
        // Who waits for an answer gets it however late it comes.
        let under_way = if waited { (RETRIES + 1) * TIMEOUT + MAIL } else { 0 };
        let stale = if is_stale { configuration.stale_if_error } else { 0 };
        let bound = (configuration.max_ttl + stale).max(under_way) + self.set_back;
        assert!(age < bound.max(1), "seed {seed}: token {} passes on what was said {age} ms ago", token.number);
        let young = request.path != "/strict" || age <= MAX_AGE + self.set_back || answer.served >= request.since;
        assert!(young, "seed {seed}: facts of {age} ms where none may be older than {MAX_AGE}");
        if is_stale {
            let recent = |at: &u64, within: u64| now <= at + within + self.set_back;
            let own = self.failed.get(&request.token).is_some_and(|at| recent(at, PAUSE + MAIL));
            // Also by the time that a question may take, where no answer has come; it is over before that where the clock
            // has stepped ahead.
            let overdue = |at: u64| at + TIMEOUT <= now + self.set_ahead && recent(&at, Self::PATIENCE + PAUSE);
            let late = self.asked.iter().any(|((_, token), at)| *token == request.token && overdue(*at));
            let held = self.held.is_some_and(|at| recent(&at, LONGEST_HOLD));
            assert!(
                own || late || held,
                "seed {seed}: token {} passes on stale facts, and has not failed",
                token.number
            );
        }
        if request.path != "/free" {
            let tier = permit.contract().and_then(|contract| contract.tier.as_deref());
            self.check_contract(truth, configuration, request, tier.expect("a contract with a tier"));
        }
        answer.served < request.since
    }

    /// The sets that the decision may rest on: none that was out of force when the last poll that has arrived long
    /// enough ago was answered.
    fn sets<'t>(&self, truth: &'t Truth, configuration: &Configuration, now: u64) -> Option<&'t [Version]> {
        let arrived = self.polls.iter().filter(|poll| poll.tenant == configuration.tenant);
        let in_force = arrived
            .clone()
            .filter(|poll| poll.is_certain && poll.arrived + IN_FORCE <= now)
            .map(|poll| poll.served)
            .max();
        let first = arrived.map(|poll| poll.served).min()?;
        let mut floor = in_force.unwrap_or(first);
        if self.disorder == Disorder::None && now >= first + REFRESH + 2 * IN_FORCE {
            // Where nothing is out of order, polls come as they should.
            floor = floor.max(now.saturating_sub(REFRESH + IN_FORCE));
        }
        Some(truth.versions(configuration.tenant, floor, now))
    }

    fn check_contract(&self, truth: &Truth, configuration: &Configuration, request: &Request, tier: &str) {
        let (seed, now) = (self.seed, request.now);
        let (tenant, version) = tier.split_once(' ').expect("a tier of ours");
        assert_eq!(tenant, configuration.tenant, "seed {seed}: a contract of another tenant");
        let row = (version.parse::<u64>().expect("a version"), true);
        let sets = self.sets(truth, configuration, now);
        let sets = sets.unwrap_or_else(|| panic!("seed {seed}: a contract before any were loaded"));
        let holds = sets.iter().any(|set| set.rows.get(&request.token) == Some(&row));
        assert!(holds, "seed {seed}: client c{} holds {tier} at {now}, which is over", request.token);
        self.check_staleness(configuration, now);
    }

    /// Nothing counts that nobody has confirmed for too long.
    fn check_staleness(&self, configuration: &Configuration, now: u64) {
        let last = self.polls.iter().filter(|poll| poll.tenant == configuration.tenant).map(|poll| poll.arrived).max();
        let age = now - last.expect("a poll");
        let bound = configuration.max_staleness + self.set_back;
        assert!(age <= bound, "seed {}: contracts count {age} ms after the last poll", self.seed);
    }

    fn is_honest(
        &self,
        truth: &Truth,
        configuration: &Configuration,
        request: &Request,
        token: &Token,
        outcome: Outcome,
    ) -> bool {
        let now = request.now;
        let fails = matches!(self.disorder, Disorder::Servers | Disorder::Everything);
        let dies = matches!(self.disorder, Disorder::Workers | Disorder::Everything);
        match outcome {
            Outcome::Inactive => {
                let longest = configuration.negative_ttl.max((RETRIES + 1) * TIMEOUT + MAIL) + self.set_back;
                token.was_inactive(now.saturating_sub(longest), now)
            }
            Outcome::Expired => request.wall >= token.expires,
            Outcome::InsufficientScope => !token.has_scope(configuration.scope),
            Outcome::NoContract | Outcome::ContractSuspended => {
                let sets = self.sets(truth, configuration, now).unwrap_or_default();
                sets.iter().any(|set| !set.rows.get(&request.token).is_some_and(|(_, active)| *active))
            }
            Outcome::ContractsNotLoaded => {
                let polls = self.polls.iter().filter(|poll| poll.tenant == configuration.tenant);
                let last = polls
                    .filter(|poll| poll.is_certain && poll.arrived + IN_FORCE <= now)
                    .map(|poll| poll.served)
                    .max();
                // A step forward may make what is young look old.
                self.is_disturbed || last.is_none_or(|last| now - last + IN_FORCE >= configuration.max_staleness)
            }
            Outcome::ProviderUnavailable => fails || dies,
            Outcome::ProviderError => fails,
            _ => false,
        }
    }
}
