//! What may pass, by the bounds that either version documents.

use super::configurations::{MAX_AGE, Promised, RETRIES, SKEW, TIMEOUT};
use super::truth::Truth;

/// An answer of the authorization server, by its number, which is in the facts.
struct Answer {
    token: u64,
    served: u64,
}

/// A good answer of the contract source.
struct Poll {
    tenant: &'static str,
    served: u64,
    arrived: u64,
    /// Nobody else polled meanwhile: of two that do, one's answer does not count.
    is_certain: bool,
}

/// A request that passes, with what its upstream sees.
pub struct Passed<'a> {
    pub token: u64,
    pub path: &'static str,
    pub since: u64,
    pub now: u64,
    /// In milliseconds since the epoch, as the worker's clock has it.
    pub wall: u64,
    pub subject: &'a str,
    pub tier: Option<&'a str>,
}

#[derive(Default)]
pub struct Bounds {
    answers: Vec<Answer>,
    polls: Vec<Poll>,
    polling: Vec<(u32, &'static str, bool)>,
    /// By how much the wall clock has been set back, in all.
    pub set_back: u64,
}

/// How long after a good poll every worker acts on it.
const IN_FORCE: u64 = 1000;
/// The longest that a worker's message takes.
const MESSAGE: u64 = 20;

impl Bounds {
    /// Guarantee 7.
    pub const PATIENCE: u64 = (RETRIES + 1) * TIMEOUT + 1000;

    /// A server answers about this token: the answer's number.
    pub fn serves(&mut self, token: u64, now: u64) -> usize {
        self.answers.push(Answer { token, served: now });
        self.answers.len() - 1
    }

    pub fn polls(&mut self, worker: u32, tenant: &'static str) {
        let mut is_alone = true;
        for (_, _, is_certain) in self.polling.iter_mut().filter(|(_, other, _)| *other == tenant) {
            (*is_certain, is_alone) = (false, false);
        }
        self.polling.push((worker, tenant, is_alone));
    }

    /// A poll is over, with a good answer or none.
    pub fn polled(&mut self, worker: u32, tenant: &'static str, served: Option<u64>, now: u64) {
        let at = self.polling.iter().position(|(polling, ..)| *polling == worker);
        let is_certain = at.is_some_and(|at| self.polling.swap_remove(at).2);
        self.polls.extend(served.map(|served| Poll { tenant, served, arrived: now, is_certain }));
    }

    pub fn is_gone(&mut self, worker: u32) {
        self.polling.retain(|(polling, ..)| *polling != worker);
    }

    /// Holds a request that passes against what was true: whether it passed on what was there before it came.
    pub fn pass(&self, seed: u64, truth: &Truth, promised: &Promised, passed: &Passed<'_>) -> (usize, bool) {
        let (token, now) = (truth.token(passed.token), passed.now);
        let number = passed.subject.strip_prefix("of ").expect("a subject of ours").parse::<usize>().expect("a number");
        let answer = &self.answers[number];
        assert_eq!(answer.token, passed.token, "seed {seed}: facts of another token");
        assert!(token.is_active(answer.served), "seed {seed}: an answer that said no lets token {} in", token.number);
        assert!(token.has_scope(promised.scope), "seed {seed}: a token without the scope passes");
        assert!(passed.wall < token.expires + SKEW, "seed {seed}: an expired token passes");
        let age = now - answer.served;
        let under_way = if passed.since < now { (RETRIES + 1) * TIMEOUT + MESSAGE } else { 0 };
        let bound = (promised.max_ttl + promised.stale_if_error).max(under_way) + self.set_back;
        assert!(age < bound.max(1), "seed {seed}: token {} passes on what was said {age} ms ago", token.number);
        let is_young = passed.path != "/strict" || age <= MAX_AGE + self.set_back || answer.served >= passed.since;
        assert!(is_young, "seed {seed}: facts of {age} ms where none may be older than {MAX_AGE}");
        if passed.path != "/free" {
            self.check_contract(seed, truth, promised, passed);
        }
        (number, answer.served < passed.since)
    }

    fn check_contract(&self, seed: u64, truth: &Truth, promised: &Promised, passed: &Passed<'_>) {
        let (now, tier) = (passed.now, passed.tier.expect("a contract with a tier"));
        let (tenant, row) = tier.split_once(' ').expect("a tier of ours");
        assert_eq!(tenant, promised.tenant, "seed {seed}: a contract of another tenant");
        let polls = || self.polls.iter().filter(|poll| poll.tenant == tenant);
        let in_force = polls().filter(|poll| poll.is_certain && poll.arrived + IN_FORCE <= now).map(|poll| poll.served);
        let first = polls().map(|poll| poll.served).min();
        let first = first.unwrap_or_else(|| panic!("seed {seed}: a contract before any were loaded"));
        let sets = truth.versions(promised.tenant, in_force.max().unwrap_or(first), now);
        let holds = sets.iter().any(|set| set.passes(passed.token, row, passed.wall));
        assert!(holds, "seed {seed}: client c{} holds {tier} at {now}, which is over", passed.token);
        let age = now - polls().map(|poll| poll.arrived).max().expect("a poll");
        let bound = promised.max_staleness + self.set_back;
        assert!(age <= bound, "seed {seed}: contracts count {age} ms after the last poll");
    }
}
