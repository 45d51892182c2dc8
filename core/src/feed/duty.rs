//! Which worker polls a document, and when.
//!
//! The worker that holds the lease polls, and keeps it: only its memory ever grows with the document. The others check
//! whether a poll is overdue, and one of them takes over when the holder is gone or dead.
//!
//! While a listener drains there are workers of two configurations. The newer one takes the lease from the older and
//! polls at once if its settings differ, so that they apply from its start; when it is shut down, the older one
//! resumes. One whose polls have never succeeded polls alongside the other if that one is slower, not in its place.

use crate::base::random::Prng;
use crate::base::time::Timestamp;
use crate::feed::lease::{Claimant, Lease};
use crate::feed::schedule::{LEAST_BETWEEN_HELD, LONGEST_BACKOFF, LONGEST_RETRY_AFTER, backoff, interval};
use crate::feed::settings::FeedSettings;
use crate::feed::state::FeedState;
use crate::port::SharedStore;
use std::rc::Rc;
use std::time::Duration;

/// How long a poller that dies at work holds up the others: several times the time between two ticks, at each of which
/// it renews its lease.
pub const LEASE: Duration = Duration::from_secs(1);
/// When a poll is that late and the poller has not been heard of since it was due, it is dead. A little more than the
/// time between two ticks.
const LATE: Duration = Duration::from_millis(350);
/// How long another's poll may be overdue before one that has never succeeded tries again; doubled by each failure.
pub const FIRST_DEFERENCE: Duration = Duration::from_secs(1);
/// Pause of this worker after it could not write to shared data what became of a poll.
const REST: Duration = Duration::from_secs(1);

/// A poll that has succeeded.
#[derive(Clone, Copy, Debug)]
pub struct Success {
    pub started: Timestamp,
    /// The first answer came.
    pub answered: Timestamp,
    /// Everything was asked for.
    pub full: bool,
    /// The server held it, or would have, until there was something to tell (RFC 7240, `wait`).
    pub waits: bool,
    /// It brought news. A server that has some holds no poll, and need not say that it would have.
    pub news: bool,
}

/// One worker's part in polling a document.
pub struct Duty {
    source: Rc<FeedSettings>,
    lease_key: Box<str>,
    worker: u64,
    /// Names the settings.
    pace: u64,
    since: Option<Timestamp>,
    prng: Prng,
    lease: Option<Lease>,
    rests_until: Timestamp,
    deference: Duration,
    /// The server holds polls, as far as it has said.
    waits: bool,
}

impl Duty {
    /// `worker` is unique in the process, and not 0. All who may poll the document in the other's place share
    /// `lease_key`.
    pub fn new(source: Rc<FeedSettings>, lease_key: &str, worker: u64) -> Self {
        Self {
            pace: source.pace(),
            source,
            lease_key: lease_key.into(),
            worker,
            since: None,
            prng: Prng::new(worker),
            lease: None,
            rests_until: Timestamp::default(),
            deference: FIRST_DEFERENCE,
            waits: false,
        }
    }

    /// A number that nobody can guess.
    pub fn number(&mut self) -> u64 {
        self.prng.number()
    }

    /// Whether this is the worker that polls.
    pub fn has_lease(&self) -> bool {
        self.lease.is_some()
    }

    /// Who this is when it asks for the lease; not before the first tick.
    pub fn claimant(&self) -> Option<Claimant> {
        let since = self.since?;
        Some(Claimant { worker: self.worker, configuration: self.pace, since })
    }

    pub fn on_tick(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
    }

    /// The worker goes away: another may poll at once.
    pub fn release(&mut self, store: &dyn SharedStore) {
        if let Some(lease) = self.lease.take() {
            lease.release(store);
        }
    }

    /// False when another worker polls now: then whatever was under way is to be dropped.
    pub fn keep_lease(&mut self, store: &dyn SharedStore, now: Timestamp) -> bool {
        let Some(lease) = &mut self.lease else { return true };
        let left = lease.until().since(now);
        let fresh = left > LEASE / 4 * 3 && left <= LEASE;
        let kept = if fresh { lease.holds(store) } else { lease.renew(store, now, LEASE) };
        if !kept {
            self.lease = None;
        }
        kept
    }

    /// Takes on to poll, if that is this worker's to do now. `state` is what it has last seen.
    pub fn take_on(&mut self, state: Option<&FeedState>, store: &dyn SharedStore, now: Timestamp) -> bool {
        let rests = now < self.rests_until && self.rests_until <= now.plus(REST);
        if rests {
            return false;
        }
        if let Some(lease) = &mut self.lease {
            return !lease.set_yields(false) || lease.renew(store, now, LEASE);
        }
        let Some(claimant) = self.claimant() else { return false };
        let due = state.map(|state| due_at(state, self.source.refresh)).unwrap_or_default();
        let absent_before = if due.plus(LATE) <= now { due } else { Timestamp::default() };
        self.lease = Lease::try_take(store, &self.lease_key, claimant, now, absent_before, LEASE);
        self.lease.is_some()
    }

    /// Whether it is time to poll. What another configuration's poller brought about is no reason to wait, except for
    /// one that may not do better.
    pub fn is_due(&self, state: Option<&FeedState>, now: Timestamp) -> bool {
        let Some(state) = state else { return true };
        let is_own = state.pace == self.pace;
        if !is_own && !state.fails(self.pace) {
            return true;
        }
        let deference = if is_own || state.failures > 0 { Duration::ZERO } else { self.deference };
        now < state.polled_at || due_at(state, self.source.refresh).plus(deference) <= now
    }

    /// Whether it is time for everything; also when the clock was set back, or this has become more frequent.
    pub fn wants_everything(&self, state: &FeedState, now: Timestamp) -> bool {
        let span = self.source.full_reload;
        !(now < state.full_due && state.full_due <= now.plus(span.saturating_add(span / 5)))
    }

    /// What a poll has come to. Where the server holds polls, the next one is sent at once: being held is what takes
    /// the time between them. What takes its time after that, as a large set does, is followed by a rest all the same.
    pub fn succeed(&mut self, state: &mut FeedState, success: Success, now: Timestamp) {
        let Success { started, answered, full, waits, news } = success;
        self.waits = waits || (self.waits && news && !full);
        self.deference = FIRST_DEFERENCE;
        let wait = interval(self.source.refresh, &mut self.prng);
        let full_wait = interval(self.source.full_reload, &mut self.prng);
        state.failures = 0;
        state.record(self.pace, true);
        state.checked_at = now;
        state.polled_at = started;
        let least = LEAST_BETWEEN_HELD.min(wait);
        let (held, lasted) = (answered.since(started), now.since(answered));
        // What takes longer than `refresh` is not followed by the next poll at once.
        let rested = |took: Duration| wait.max(took.saturating_add(wait / 8));
        state.wait = match self.waits {
            true if lasted < least => held.saturating_add(lasted).max(least),
            true => held.saturating_add(rested(lasted)),
            false => rested(now.since(started)),
        };
        if full {
            state.full_due = started.plus(full_wait);
        }
    }

    /// A poll that began at `started` has failed. How long until the next one.
    pub fn fail(
        &mut self,
        state: &mut FeedState,
        started: Timestamp,
        retry_after: Option<Duration>,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Duration {
        // Failures count from the first poll of one that has not polled before.
        let before = if state.knows(self.pace) { state.failures } else { 0 };
        state.failures = before.saturating_add(1);
        state.record(self.pace, false);
        self.waits = false;
        let pause = backoff(state.failures, self.source.refresh, retry_after, &mut self.prng);
        state.polled_at = started;
        state.wait = now.since(started).saturating_add(pause);
        if state.fails(self.pace) {
            self.deference = self.deference.saturating_mul(2).min(LONGEST_BACKOFF);
            if let Some(lease) = &mut self.lease {
                lease.set_yields(true);
                // If it cannot be taken, another worker is polling already.
                lease.renew(store, now, LEASE);
            }
        }
        pause
    }

    /// Whether the next poll does not wait for a tick.
    pub fn goes_on(&self) -> bool {
        self.waits && self.has_lease()
    }

    /// Shared data did not take what became of a poll.
    pub fn rest(&mut self, now: Timestamp) {
        self.rests_until = now.plus(REST);
    }
}

/// When it is time to poll. What the record says is believed within reason only: it is untrusted.
fn due_at(state: &FeedState, refresh: Duration) -> Timestamp {
    let longest = if state.failures == 0 {
        let took = state.checked_at.since(state.polled_at);
        took.saturating_add(refresh.saturating_add(refresh / 5))
    } else {
        LONGEST_RETRY_AFTER * 2
    };
    state.polled_at.plus(state.wait.min(longest))
}
