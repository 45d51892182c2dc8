//! What is not introspected at the moment, and why: a token whose introspection has just failed, any token while
//! the authorization server asks for a pause, and renewals while it does not answer.

use super::failures::{Failures, PAUSE, is_pending};
use crate::base::time::Timestamp;
use crate::outcome::Outcome;
use crate::provider::Provider;
use crate::provider::failure::LONGEST_RETRY_AFTER;
use crate::token::digest::Digest;
use std::time::Duration;

/// Time between two log lines about one authorization server's failures.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The pauses of one worker.
#[derive(Debug)]
pub(super) struct Pauses {
    servers: Vec<Server>,
    failures: Failures,
    seen_at: Timestamp,
}

/// One authorization server, as seen by one client.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    /// Wants to be left alone until then (`Retry-After`).
    held_until: Timestamp,
    /// No renewals before this: it did not answer.
    renew_from: Timestamp,
    /// No log line before this.
    next_log: Timestamp,
}

impl Pauses {
    /// None yet, for so many providers and a worker that keeps so many entries.
    pub(super) fn new(providers: usize, entries: usize) -> Self {
        let servers = vec![Server::default(); providers];
        Self { servers, failures: Failures::new(entries), seen_at: Timestamp::default() }
    }

    /// Why the token is not asked about now: how its own question failed within the last second, or because its server
    /// wants to be left alone.
    pub(super) fn reason(&self, provider: &Provider, digest: &Digest, now: Timestamp) -> Option<Outcome> {
        let held = || self.held(provider, now).map(|_| Outcome::ProviderUnavailable);
        self.failures.find(digest, now).or_else(held)
    }

    /// How much longer the server wants to be left alone.
    pub(super) fn held(&self, provider: &Provider, now: Timestamp) -> Option<Duration> {
        let until = self.servers.get(provider.slot)?.held_until;
        is_pending(until, LONGEST_RETRY_AFTER, now).then(|| until.since(now))
    }

    /// Whether tokens may be renewed ahead of time.
    pub(super) fn renews(&self, provider: &Provider, now: Timestamp) -> bool {
        let silent = self.servers.get(provider.slot).is_none_or(|server| is_pending(server.renew_from, PAUSE, now));
        !silent && self.held(provider, now).is_none()
    }

    /// The server wants to be left alone for so long.
    pub(super) fn hold(&mut self, provider: &Provider, wait: Duration, now: Timestamp) {
        let remaining = self.held(provider, now).unwrap_or_default();
        if let Some(server) = self.servers.get_mut(provider.slot) {
            server.held_until = now.plus(wait.min(LONGEST_RETRY_AFTER).max(remaining));
        }
    }

    pub(super) fn silent(&mut self, provider: &Provider, now: Timestamp) {
        if let Some(server) = self.servers.get_mut(provider.slot) {
            server.renew_from = now.plus(PAUSE);
        }
    }

    /// The question about a token failed; see [`Failures::record`].
    pub(super) fn failed(&mut self, digest: &Digest, outcome: Outcome, was_good: bool, now: Timestamp) {
        self.failures.record(digest, outcome, was_good, now);
    }

    /// Whether it is time for a log line about the server; the next one is due after a while.
    pub(super) fn may_log(&mut self, provider: &Provider, now: Timestamp) -> bool {
        let Some(server) = self.servers.get_mut(provider.slot) else { return false };
        let due = !is_pending(server.next_log, LOG_INTERVAL, now);
        if due {
            server.next_log = now.plus(LOG_INTERVAL);
        }
        due
    }

    /// The periodic turn. A clock that was set back would prolong every pause: it ends them all.
    pub(super) fn tend(&mut self, now: Timestamp) {
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

    fn server(slot: usize) -> Provider {
        Provider { slot, ..crate::provider::samples::provider("main") }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_asks_and_never_longer_than_the_longest() {
        let mut pauses = Pauses::new(2, 0);
        assert_eq!(pauses.held(&server(0), at(0)), None);
        pauses.hold(&server(0), secs(3), at(0));
        assert_eq!(pauses.held(&server(0), at(2_500)), Some(Duration::from_millis(500)));
        assert_eq!(pauses.reason(&server(0), &[1; 32], at(2_500)), Some(Outcome::ProviderUnavailable));
        assert_eq!((pauses.held(&server(0), at(3_000)), pauses.held(&server(1), at(0))), (None, None));
        pauses.hold(&server(0), secs(1000), at(5_000));
        pauses.hold(&server(0), secs(1), at(6_000));
        assert_eq!(pauses.held(&server(0), at(6_000)), Some(secs(9)), "the longer one counts");
        pauses.hold(&server(9), secs(1), at(0));
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_no_pause() {
        let mut pauses = Pauses::new(1, 0);
        pauses.tend(at(10_000));
        pauses.hold(&server(0), secs(10), at(10_000));
        assert_eq!(pauses.held(&server(0), at(9_999)), None);
        // A step back that the pause alone does not reveal.
        pauses.tend(at(18_000));
        pauses.failed(&[1; 32], Outcome::ProviderError, false, at(18_000));
        pauses.silent(&server(0), at(18_000));
        pauses.tend(at(17_500));
        assert_eq!(
            (pauses.held(&server(0), at(18_001)), pauses.reason(&server(0), &[1; 32], at(18_001))),
            (None, None)
        );
        assert!(pauses.renews(&server(0), at(18_001)));
    }

    #[test]
    fn a_tokens_own_failure_comes_before_the_servers_wish() {
        let mut pauses = Pauses::new(1, 0);
        pauses.hold(&server(0), secs(10), at(0));
        pauses.failed(&[1; 32], Outcome::ProviderError, false, at(0));
        assert_eq!(pauses.reason(&server(0), &[1; 32], at(999)), Some(Outcome::ProviderError));
        assert_eq!(pauses.reason(&server(0), &[2; 32], at(999)), Some(Outcome::ProviderUnavailable));
        assert_eq!(pauses.reason(&server(0), &[1; 32], at(1_000)), Some(Outcome::ProviderUnavailable));
    }

    #[test]
    fn renewals_pause_for_a_second_and_the_log_for_ten() {
        let mut pauses = Pauses::new(1, 0);
        assert!(pauses.renews(&server(0), at(0)) && pauses.may_log(&server(0), at(0)));
        pauses.silent(&server(0), at(0));
        assert!(!pauses.renews(&server(0), at(999)) && pauses.renews(&server(0), at(1_000)));
        assert!(!pauses.may_log(&server(0), at(9_999)) && pauses.may_log(&server(0), at(10_000)));
    }
}
