//! Remembers everything that has happened, and says of each ending whether it may be.

use super::configurations::{Configuration, MAX_AGE, REFRESH, RETRIES, SKEW, TIMEOUT};
use super::history::{Disorder, Outside, Plan};
use super::host::{BACK, MAIL};
use super::truth::{START, Token, Truth, Version};
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

/// What a call has brought.
#[derive(Clone, Copy, Debug)]
pub enum Came {
    /// What was true then.
    Answer {
        served: u64,
        is_active: bool,
    },
    Failure {
        is_retried: bool,
        unusable: bool,
        holds: bool,
    },
}

/// A worker, and the size of the cache by which it shares facts with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    pub queue: u32,
    pub entries: u64,
}

/// What a worker hears from another about a token.
pub struct Heard<'a> {
    pub queue: u32,
    pub token: u64,
    pub completion: &'a Completion,
}

/// A request whose end is judged.
pub struct Request {
    pub queue: u32,
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

/// What all configurations of a history that share facts promise.
struct Least {
    ttl: u64,
    negative_ttl: u64,
    stale_if_error: u64,
    /// Where the keys of their buckets begin.
    buckets: String,
}

/// The last thing that the workers that share facts have learned of a token.
#[derive(Clone, Copy)]
struct Known {
    asked: u64,
    is_active: bool,
}

pub struct Judge {
    seed: u64,
    disorder: Disorder,
    floods: bool,
    source_fails: bool,
    /// By the size of the cache.
    least: BTreeMap<u64, Least>,
    known: BTreeMap<(u64, u64), Known>,
    answers: Vec<Answer>,
    polls: Vec<Poll>,
    /// Polls under way, by worker: whose contracts, and whether nobody else has polled since.
    polling: BTreeMap<u32, (&'static str, bool)>,
    /// When a question about a token last failed in this process, or took so long that it did.
    failed: BTreeMap<u64, u64>,
    /// When it last failed by an answer that is none.
    unusable: BTreeMap<u64, u64>,
    /// When a question was last decided on, by worker and token, and how many calls it has taken,
    asked: BTreeMap<(Who, u64), (u64, u64)>,
    /// and when a worker last heard that one had failed: whether there is a further attempt, and after how many.
    heard: BTreeMap<(u32, u64), (u64, Option<u64>)>,
    /// Until when a worker is to leave the server alone.
    rests: BTreeMap<u32, u64>,
    /// And until when it may, by what it was told when nobody waited for that.
    may_rest: BTreeMap<u32, u64>,
    held: Option<u64>,
    /// Since when there has been somebody to poll for each tenant,
    tenants: BTreeMap<&'static str, u64>,
    /// and when workers have gone.
    gone: Vec<u64>,
    /// By how much the wall clock has been set back, in all; what was to end by it may last so much longer.
    set_back: u64,
    /// And ahead: what was to end by it may end so much earlier.
    set_ahead: u64,
    has_stepped: bool,
}

/// How long after a good poll every worker acts on it.
const IN_FORCE: u64 = 1000;
/// Guarantee: a token whose question failed is not asked about for so long.
const PAUSE: u64 = 1000;
/// The longest pause that a server can ask for.
const LONGEST_HOLD: u64 = 10_000;
/// What servers ask for here.
pub const HOLD: u64 = 1000;
/// How long a request waits at most where every call is answered at once.
const CALM: u64 = 1000;
/// How much later a worker's death may make the next poll: its lease, a tick, and the poll that one of two loses who take
/// over at once.
const TAKEOVER: u64 = 1500 + REFRESH;

impl Judge {
    /// Guarantee 7.
    pub const PATIENCE: u64 = (RETRIES + 1) * TIMEOUT + 1000;

    pub fn new(plan: &Plan, configurations: &[Configuration]) -> Self {
        let replaced = plan.events.iter().filter_map(|(_, event)| match event {
            Outside::Replacement { configuration, .. } => Some(configuration),
            _ => None,
        });
        let mut least: BTreeMap<u64, Least> = BTreeMap::new();
        for configuration in plan.seats.iter().chain(replaced).map(|index| &configurations[*index]) {
            let Configuration { max_ttl: ttl, negative_ttl, stale_if_error, .. } = *configuration;
            let buckets = format!("{}/slots/", configuration.settings.facts_prefix());
            let own = Least { ttl, negative_ttl, stale_if_error, buckets };
            let least = least.entry(configuration.entries).or_insert(own);
            least.ttl = least.ttl.min(ttl);
            least.negative_ttl = least.negative_ttl.min(negative_ttl);
            least.stale_if_error = least.stale_if_error.min(stale_if_error);
        }
        Self {
            seed: plan.seed,
            disorder: plan.disorder,
            floods: plan.floods,
            source_fails: plan.source_failures > 0,
            least,
            known: BTreeMap::new(),
            answers: Vec::new(),
            polls: Vec::new(),
            polling: BTreeMap::new(),
            failed: BTreeMap::new(),
            unusable: BTreeMap::new(),
            asked: BTreeMap::new(),
            heard: BTreeMap::new(),
            rests: BTreeMap::new(),
            may_rest: BTreeMap::new(),
            held: None,
            tenants: BTreeMap::new(),
            gone: Vec::new(),
            set_back: 0,
            set_ahead: 0,
            has_stepped: false,
        }
    }

    /// Those whose contracts somebody polls from now on.
    pub fn there_are(&mut self, tenants: &[&'static str], now: u64) {
        self.tenants.retain(|tenant, _| tenants.contains(tenant));
        for tenant in tenants {
            self.tenants.entry(tenant).or_insert(now);
        }
    }

    /// A server answers about this token: the answer's number.
    pub fn serves(&mut self, token: u64, now: u64) -> usize {
        self.answers.push(Answer { token, served: now });
        self.answers.len() - 1
    }

    /// A call has come back, be it to somebody who waits for it or not.
    pub fn is_over(&mut self, who: Who, asked: &Asked, is_awaited: bool, now: u64) {
        match asked {
            Asked::Token(token) => {
                self.asked.remove(&(who, *token));
                // By a clock that has stepped ahead the question may have failed before its call did.
                if !is_awaited && self.set_ahead > 0 {
                    self.failed.insert(*token, now);
                }
            }
            Asked::Contracts { .. } => drop(self.polling.remove(&who.queue)),
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

    pub fn comes_back(&mut self, who: Who, asked: &Asked, came: Came, now: u64) {
        let queue = who.queue;
        match (asked, came) {
            (Asked::Contracts { tenant, .. }, Came::Answer { served, .. }) => {
                let is_certain = self.polling.get(&queue).is_some_and(|(_, certain)| *certain);
                self.polls.push(Poll { tenant, served, arrived: now, is_certain });
            }
            (Asked::Contracts { .. }, Came::Failure { .. }) => {}
            (Asked::Token(token), Came::Answer { is_active, .. }) => {
                let Some((asked, _)) = self.asked.get(&(who, *token)).copied() else { return };
                let known = self.known.entry((who.entries, *token)).or_insert(Known { asked, is_active });
                if known.asked <= asked {
                    *known = Known { asked, is_active };
                }
            }
            (Asked::Token(token), Came::Failure { is_retried, unusable, holds }) => {
                let calls = self.asked.get(&(who, *token)).map(|(_, calls)| *calls);
                self.failed.insert(*token, now);
                self.heard.insert((queue, *token), (now, calls.filter(|_| is_retried)));
                if unusable {
                    self.unusable.insert(*token, now);
                }
                if holds {
                    self.held = Some(now);
                    self.rests(queue, now + HOLD);
                }
            }
        }
    }

    fn rests(&mut self, queue: u32, until: u64) {
        let rests = self.rests.entry(queue).or_default();
        *rests = until.max(*rests);
    }

    /// A worker may have heard of a token that nobody waits for there. A pause that the server asks for is for all tokens.
    pub fn may_hear(&mut self, queue: u32, completion: &Completion, now: u64) {
        if let Completion::Unavailable(Some(wait)) = completion {
            let until = now + u64::try_from(wait.as_millis()).expect("a time");
            let rests = self.may_rest.entry(queue).or_default();
            *rests = until.max(*rests);
        }
    }

    pub fn hears(&mut self, Heard { queue, token, completion }: Heard<'_>, now: u64) {
        match completion {
            Completion::Unavailable(wait) => {
                if let Some(wait) = wait {
                    self.rests(queue, now + u64::try_from(wait.as_millis()).expect("a time"));
                }
            }
            Completion::Unusable(_) => drop(self.unusable.insert(token, now)),
            Completion::Answered(_) | Completion::AskYourself => return,
        }
        self.failed.insert(token, now);
        self.heard.insert((queue, token), (now, None));
    }

    /// A worker decides to ask about a token.
    pub fn asks(&mut self, who: Who, token: u64, truth: &Truth, now: u64) {
        let seed = self.seed;
        let before = self.heard.remove(&(who.queue, token));
        let mut calls = 1;
        // A clock that steps ends a question before its call, and makes what is young look old.
        if !self.has_stepped {
            assert!(
                !self.asked.contains_key(&(who, token)),
                "seed {seed}: token {token} is asked about twice at a time"
            );
            if let Some((failed, retry)) = before {
                let after = now - failed;
                assert!(
                    after == 0 || after >= PAUSE,
                    "seed {seed}: token {token} is asked about {after} ms after it failed"
                );
                if after == 0 {
                    calls =
                        1 + retry.unwrap_or_else(|| panic!("seed {seed}: token {token} is asked about again at once"));
                    assert!(calls <= 1 + RETRIES, "seed {seed}: {calls} calls for one question");
                }
            }
            let rests = self.rests.get(&who.queue).is_some_and(|until| now < *until);
            assert!(!rests, "seed {seed}: token {token} is asked about, and the server wants to be left alone");
            let reason = self.needs_none(who, token, truth, now).filter(|_| calls == 1);
            assert_eq!(reason, None, "seed {seed}: token {token} is asked about at {now}");
        }
        self.asked.insert((who, token), (now, calls));
    }

    /// Why nobody needs to ask about the token.
    fn needs_none(&self, who: Who, token: u64, truth: &Truth, now: u64) -> Option<&'static str> {
        let mut others = self.asked.keys().filter(|(other, asked)| *asked == token && other.entries == who.entries);
        // A flood leaves no room to say who asks.
        if !self.floods && others.next().is_some() {
            return Some("another worker asks");
        }
        let known = self.known.get(&(who.entries, token))?;
        // Room for those that are not good may be taken by others that are not.
        let is_kept = known.is_active || !self.floods;
        (is_kept && self.is_young(*known, who.entries, truth.token(token), now)).then_some("it is known")
    }

    /// Whether what is known serves everybody, and is not to be renewed yet.
    fn is_young(&self, Known { asked, is_active }: Known, entries: u64, token: &Token, now: u64) -> bool {
        let least = &self.least[&entries];
        let left = token.expires.saturating_sub(START + asked);
        let lasts = if is_active { MAX_AGE.min(least.ttl / 2).min(left / 2) } else { least.negative_ttl * 7 / 10 };
        now - asked < lasts
    }

    /// A worker is gone.
    pub fn is_gone(&mut self, who: Who, now: u64) {
        self.gone.push(now);
        self.polling.remove(&who.queue);
        self.asked.retain(|(asker, _), _| *asker != who);
    }

    pub fn stepped(&mut self, by: i64) {
        self.has_stepped = true;
        self.set_back += u64::try_from(-by).unwrap_or_default();
        self.set_ahead += u64::try_from(by).unwrap_or_default();
    }

    pub fn may_wait(&self, since: u64, now: u64) {
        let is_calm = self.disorder == Disorder::None && !self.floods;
        let longest = if is_calm { CALM } else { Self::PATIENCE + self.set_back };
        assert!(now <= since + longest, "seed {}: a request waits for {} ms", self.seed, now - since);
    }

    pub fn check_store(&self, values: &[(String, Vec<u8>)]) {
        for (key, value) in values {
            let text = String::from_utf8_lossy(value);
            assert!(!key.contains("t0ken") && !text.contains("t0ken"), "seed {}: a token in shared data", self.seed);
            assert!(!key.contains("s3cret") && !text.contains("s3cret"), "seed {}: a secret in shared data", self.seed);
        }
        // As docs/caching.md has it.
        for (entries, Least { buckets, .. }) in &self.least {
            let sizes: Vec<_> = values
                .iter()
                .filter(|(key, _)| key.starts_with(buckets))
                .map(|(_, value)| value.len() as u64)
                .collect();
            let most = entries * 2560 + ((entries / 4).max(64) + entries / 8) * 60;
            let (count, size) = (sizes.len() as u64, sizes.iter().sum::<u64>());
            let fits = count <= entries / 8 && size <= most;
            assert!(fits, "seed {}: {count} buckets with {size} bytes, for {entries} entries", self.seed);
        }
        assert!(values.len() <= 2000, "seed {}: {} keys", self.seed, values.len());
    }

    pub fn ending(&mut self, truth: &Truth, configuration: &Configuration, request: &Request, ending: &Ending) -> What {
        let token = truth.token(request.token);
        let what = self.judge(truth, configuration, request, ending, token);
        // Who has waited in vain makes the next ones not wait.
        if request.since < request.now && (what.outcome == Outcome::ProviderUnavailable.name() || ending.is_stale()) {
            self.failed.insert(request.token, request.now);
        }
        what
    }

    fn judge(
        &self,
        truth: &Truth,
        configuration: &Configuration,
        request: &Request,
        ending: &Ending,
        token: &Token,
    ) -> What {
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
        assert!(has_scopes(token, configuration), "seed {seed}: a token without the scope passes");
        assert!(is_for(token, configuration), "seed {seed}: a token for another audience passes");
        assert!(request.wall < token.expires + SKEW, "seed {seed}: an expired token passes");
        assert!(!is_early(token, request.wall), "seed {seed}: a token passes before its time");
        let age = now - answer.served;
        let stale = if is_stale { configuration.stale_if_error } else { 0 };
        let bound = configuration.max_ttl + stale + self.set_back;
        assert!(age < bound, "seed {seed}: token {} passes on what was said {age} ms ago", token.number);
        let young = request.path != "/strict" || age <= MAX_AGE + self.set_back || answer.served >= request.since;
        assert!(young, "seed {seed}: facts of {age} ms where none may be older than {MAX_AGE}");
        if is_stale {
            assert!(
                self.has_failed(request),
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

    /// Whether the token's own question has failed just now, or its server is to be left alone.
    fn has_failed(&self, request: &Request) -> bool {
        let (token, now) = (request.token, request.now);
        // Also by the time that a question may take, where no answer has come; it is over before that where the clock has
        // stepped ahead.
        let overdue = |at: u64| at + TIMEOUT <= now + self.set_ahead && self.is_recent(at, Self::PATIENCE + PAUSE, now);
        let late = self.asked.iter().any(|((_, asked), (at, _))| *asked == token && overdue(*at));
        let rests = [&self.rests, &self.may_rest]
            .iter()
            .any(|rests| rests.get(&request.queue).is_some_and(|until| now < *until));
        let held = self.has_stepped && self.held.is_some_and(|at| self.is_recent(at, LONGEST_HOLD, now));
        let is_over = request.since + (RETRIES + 1) * TIMEOUT <= now + self.set_ahead;
        self.failed.get(&token).is_some_and(|at| self.is_recent(*at, PAUSE + MAIL, now))
            || late
            || rests
            || held
            || is_over
    }

    fn is_recent(&self, at: u64, within: u64, now: u64) -> bool {
        now <= at + within + self.set_back
    }

    /// Whether the process knew all that was to be known when the request came.
    fn has_facts(&self, configuration: &Configuration, request: &Request, token: &Token) -> bool {
        let (entries, now) = (configuration.entries, request.now);
        let known = self.known.get(&(entries, request.token)).filter(|known| known.is_active);
        let is_young = known.is_some_and(|known| self.is_young(*known, entries, token, now));
        is_young && request.since == now && !self.has_stepped
    }

    /// Whether stale facts of the token were to serve.
    fn has_stale(&self, configuration: &Configuration, request: &Request, token: &Token) -> bool {
        let Some(known) = self.known.get(&(configuration.entries, request.token)) else { return false };
        let least = &self.least[&configuration.entries];
        let lasts = least.ttl * 9 / 10 + least.stale_if_error;
        let is_kept = known.is_active && request.now < known.asked + lasts && request.wall < token.expires;
        is_kept && least.stale_if_error > 0 && request.path != "/strict" && !self.has_stepped
    }

    /// How late the polls of a source that answers may be, if they may not be as late as they like.
    fn latest_poll(&self, now: u64) -> Option<u64> {
        let takeovers = self.gone.iter().filter(|at| now < **at + 3 * TAKEOVER).count() as u64;
        (!self.source_fails && !self.has_stepped).then(|| REFRESH + IN_FORCE + takeovers * TAKEOVER)
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
        if let Some(late) = self.latest_poll(now)
            && self.tenants.get(configuration.tenant).is_some_and(|since| since + late + IN_FORCE <= now)
        {
            floor = floor.max(now.saturating_sub(late));
        }
        Some(truth.versions(configuration.tenant, floor, now))
    }

    fn check_contract(&self, truth: &Truth, configuration: &Configuration, request: &Request, tier: &str) {
        let (seed, now) = (self.seed, request.now);
        let (tenant, row) = tier.split_once(' ').expect("a tier of ours");
        assert_eq!(tenant, configuration.tenant, "seed {seed}: a contract of another tenant");
        let sets = self.sets(truth, configuration, now);
        let sets = sets.unwrap_or_else(|| panic!("seed {seed}: a contract before any were loaded"));
        let holds = sets.iter().any(|set| set.passes(request.token, row, request.wall));
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
        match outcome {
            Outcome::Inactive => {
                // Who waits for an answer gets it when it has come.
                let under_way = if request.since < now { BACK + MAIL } else { 0 };
                let longest = configuration.negative_ttl.max(under_way) + self.set_back;
                token.was_inactive(now.saturating_sub(longest), now)
            }
            Outcome::Expired => request.wall >= token.expires,
            Outcome::NotYetValid => is_early(token, request.wall),
            Outcome::WrongAudience => !is_for(token, configuration),
            Outcome::InsufficientScope => !has_scopes(token, configuration),
            Outcome::NoContract | Outcome::ContractSuspended | Outcome::ContractExpired => {
                let sets = self.sets(truth, configuration, now).unwrap_or_default();
                sets.iter().any(|set| refuses(set, request) == Some(outcome))
            }
            Outcome::ContractsNotLoaded => {
                let polls = self.polls.iter().filter(|poll| poll.tenant == configuration.tenant);
                let last = polls
                    .filter(|poll| poll.is_certain && poll.arrived + IN_FORCE <= now)
                    .map(|poll| poll.served)
                    .max();
                // A step forward may make what is young look old.
                let is_old = last.is_none_or(|last| now - last + IN_FORCE >= configuration.max_staleness);
                let latest = self.latest_poll(now).zip(self.tenants.get(configuration.tenant));
                let is_late = latest.is_none_or(|(late, since)| now < since + late + IN_FORCE);
                self.has_stepped || is_old && is_late
            }
            Outcome::ProviderUnavailable => {
                let has_facts = self.has_facts(configuration, request, token);
                self.has_failed(request) && !has_facts && !self.has_stale(configuration, request, token)
            }
            Outcome::ProviderError => {
                let failed = self.unusable.get(&request.token).is_some_and(|at| self.is_recent(*at, PAUSE + MAIL, now));
                failed && !self.has_facts(configuration, request, token)
            }
            _ => false,
        }
    }
}

fn has_scopes(token: &Token, configuration: &Configuration) -> bool {
    let mut found = configuration.scopes.listed.iter().map(|scope| token.has_scope(scope));
    if configuration.scopes.all { found.all(|has| has) } else { found.any(|has| has) }
}

fn is_for(token: &Token, configuration: &Configuration) -> bool {
    configuration.audience.is_empty() || token.is_for(configuration.audience)
}

fn is_early(token: &Token, wall: u64) -> bool {
    token.begins.is_some_and(|begins| wall + SKEW < begins)
}

/// Why a set lets nobody pass with the token.
fn refuses(set: &Version, request: &Request) -> Option<Outcome> {
    let Some((_, row)) = set.row(request.token) else { return Some(Outcome::NoContract) };
    match row.status {
        "suspended" => Some(Outcome::ContractSuspended),
        "active" if row.has_ended(request.wall) => Some(Outcome::ContractExpired),
        _ => (!row.grants(request.wall)).then_some(Outcome::NoContract),
    }
}
