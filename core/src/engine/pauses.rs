//! What is not asked at the moment, and why: a token whose question has just failed, anything where the authorization
//! server wants to be left alone, and renewals while it gives no answers.

use super::failures::{Failures, PAUSE, is_on};
use crate::base::time::Timestamp;
use crate::cache::Digest;
use crate::decision::policy::ProviderIndex;
use crate::outcome::Outcome;
use crate::provider::failure::LONGEST_RETRY_AFTER;
use std::time::Duration;

/// Time between two log lines about one authorization server's failures.
const QUIET: Duration = Duration::from_secs(10);

/// The pauses of one worker.
#[derive(Debug)]
pub struct Pauses {
    servers: Vec<Server>,
    failures: Failures,
    seen_at: Timestamp,
}

/// One authorization server, as one client meets it.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    /// Wants to be left alone until then (`Retry-After`).
    held_until: Timestamp,
    /// No renewals before this: it did not answer.
    renew_from: Timestamp,
    /// No log line before this.
    quiet_until: Timestamp,
}

impl Pauses {
    /// None yet, for so many providers and a worker that keeps so many entries.
    pub fn new(providers: usize, entries: usize) -> Self {
        let servers = vec![Server::default(); providers];
        Self { servers, failures: Failures::new(entries), seen_at: Timestamp::default() }
    }

    /// Why the token is not asked about now: how its own question failed within the last second, or because its server
    /// wants to be left alone.
    pub fn reason(&self, provider: ProviderIndex, digest: &Digest, now: Timestamp) -> Option<Outcome> {
        let held = || self.held(provider, now).map(|_| Outcome::ProviderUnavailable);
        self.failures.find(digest, now).or_else(held)
    }

    /// How much longer the server wants to be left alone.
    pub fn held(&self, ProviderIndex(provider): ProviderIndex, now: Timestamp) -> Option<Duration> {
        let until = self.servers.get(provider)?.held_until;
        is_on(until, LONGEST_RETRY_AFTER, now).then(|| until.since(now))
    }

    /// Whether tokens may be renewed ahead of time.
    pub fn renews(&self, provider: ProviderIndex, now: Timestamp) -> bool {
        let silent = self.servers.get(provider.0).is_none_or(|server| is_on(server.renew_from, PAUSE, now));
        !silent && self.held(provider, now).is_none()
    }

    /// The server wants to be left alone for so long.
    pub fn hold(&mut self, provider: ProviderIndex, wait: Duration, now: Timestamp) {
        let remaining = self.held(provider, now).unwrap_or_default();
        if let Some(server) = self.servers.get_mut(provider.0) {
            server.held_until = now.plus(wait.min(LONGEST_RETRY_AFTER).max(remaining));
        }
    }

    /// The server gave no answer.
    pub fn silent(&mut self, ProviderIndex(provider): ProviderIndex, now: Timestamp) {
        if let Some(server) = self.servers.get_mut(provider) {
            server.renew_from = now.plus(PAUSE);
        }
    }

    /// The question about a token failed; see [`Failures::note`].
    pub fn failed(&mut self, digest: &Digest, outcome: Outcome, was_good: bool, now: Timestamp) {
        self.failures.note(digest, outcome, was_good, now);
    }

    /// Whether it is time for a log line about the server; the next one is due after a while.
    pub fn may_log(&mut self, ProviderIndex(provider): ProviderIndex, now: Timestamp) -> bool {
        let Some(server) = self.servers.get_mut(provider) else { return false };
        let due = !is_on(server.quiet_until, QUIET, now);
        if due {
            server.quiet_until = now.plus(QUIET);
        }
        due
    }

    /// The periodic turn. A clock that was set back would prolong every pause: it ends them all.
    pub fn tend(&mut self, now: Timestamp) {
        if now < self.seen_at {
            self.failures.clear();
            self.servers.fill(Server::default());
        }
        self.seen_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ProviderIndex = ProviderIndex(0);
    const OTHER: ProviderIndex = ProviderIndex(1);

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_asks_and_never_longer_than_the_longest() {
        let mut pauses = Pauses::new(2, 0);
        assert_eq!(pauses.held(SERVER, at(0)), None);
        pauses.hold(SERVER, secs(3), at(0));
        assert_eq!(pauses.held(SERVER, at(2_500)), Some(Duration::from_millis(500)));
        assert_eq!(pauses.reason(SERVER, &[1; 32], at(2_500)), Some(Outcome::ProviderUnavailable));
        assert_eq!((pauses.held(SERVER, at(3_000)), pauses.held(OTHER, at(0))), (None, None));
        pauses.hold(SERVER, secs(1000), at(5_000));
        pauses.hold(SERVER, secs(1), at(6_000));
        assert_eq!(pauses.held(SERVER, at(6_000)), Some(secs(9)), "the longer one counts");
        pauses.hold(ProviderIndex(9), secs(1), at(0));
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_no_pause() {
        let mut pauses = Pauses::new(1, 0);
        pauses.tend(at(10_000));
        pauses.hold(SERVER, secs(10), at(10_000));
        assert_eq!(pauses.held(SERVER, at(9_999)), None);
        // A step back that the pause alone does not show.
        pauses.tend(at(18_000));
        pauses.failed(&[1; 32], Outcome::ProviderError, false, at(18_000));
        pauses.silent(SERVER, at(18_000));
        pauses.tend(at(17_500));
        assert_eq!((pauses.held(SERVER, at(18_001)), pauses.reason(SERVER, &[1; 32], at(18_001))), (None, None));
        assert!(pauses.renews(SERVER, at(18_001)));
    }

    #[test]
    fn a_tokens_own_failure_is_told_before_the_servers_wish() {
        let mut pauses = Pauses::new(1, 0);
        pauses.hold(SERVER, secs(10), at(0));
        pauses.failed(&[1; 32], Outcome::ProviderError, false, at(0));
        assert_eq!(pauses.reason(SERVER, &[1; 32], at(999)), Some(Outcome::ProviderError));
        assert_eq!(pauses.reason(SERVER, &[2; 32], at(999)), Some(Outcome::ProviderUnavailable));
        assert_eq!(pauses.reason(SERVER, &[1; 32], at(1_000)), Some(Outcome::ProviderUnavailable));
    }

    #[test]
    fn renewals_pause_for_a_second_and_the_log_for_ten() {
        let mut pauses = Pauses::new(1, 0);
        assert!(pauses.renews(SERVER, at(0)) && pauses.may_log(SERVER, at(0)));
        pauses.silent(SERVER, at(0));
        assert!(!pauses.renews(SERVER, at(999)) && pauses.renews(SERVER, at(1_000)));
        assert!(!pauses.may_log(SERVER, at(9_999)) && pauses.may_log(SERVER, at(10_000)));
    }
}
