//! One worker's part in keeping the contracts up to date: nothing, or all of it.
//!
//! The worker that holds the lease polls, and goes on holding it: only its memory ever grows with the set. The
//! others look whether a poll is overdue, and one of them takes over when the holder has gone or died.
//!
//! While a listener is drained there are workers of two configurations. The newer takes the lease from the older and
//! polls at once if its settings are others, so that they count from its start; when it goes away, the older resumes.
//! One whose polls have never succeeded polls beside the other, when that is slower than it, and not in its place.

use std::rc::Rc;
use std::time::Duration;

use log::Level;

use crate::base::http::{HttpAnswer, HttpResult};
use crate::base::random::Prng;
use crate::base::retry_after::retry_after;
use crate::base::time::Timestamp;
use crate::contract::answer;
use crate::contract::contracts::{Action, CallId, Report};
use crate::contract::document::Document;
use crate::contract::poll::{Failure, Outcome, Poll, Work};
use crate::contract::request;
use crate::contract::schedule::{LONGEST_BACKOFF, LONGEST_RETRY_AFTER, backoff, interval};
use crate::contract::settings::SourceSettings;
use crate::contract::snapshot::Keys;
use crate::contract::snapshot::head::{Base, Head};
use crate::contract::snapshot::publish::{Halt, Progress, Publication, Sweep};
use crate::feed::lease::{Claimant, Lease};
use crate::port::SharedStore;

/// How long a poller that dies at work holds up the others: several times the time between two ticks, at each of which
/// it renews its lease.
pub const LEASE: Duration = Duration::from_secs(1);
/// When a poll is that late and the poller has not been heard of since it was due, it is dead. A little more than the
/// time between two ticks.
const LATE: Duration = Duration::from_millis(350);
/// How long another's poll may be overdue before one that has never succeeded tries again; doubled by each failure.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How much later than its timeout a call is given up.
const CALL_GRACE: Duration = Duration::from_secs(2);
/// Pause of this worker after it could not write to shared data what became of a poll.
const REST: Duration = Duration::from_secs(1);
/// Buckets written in one slice.
const BUCKETS_PER_SLICE: usize = 64;
/// Buckets looked at in one slice of a sweep.
const SWEPT_PER_SLICE: u32 = 128;

/// What there is to work with, for the length of one event.
pub struct Turn<'a> {
    /// Shared data.
    pub store: &'a dyn SharedStore,
    /// The time.
    pub now: Timestamp,
    /// What is to be done outside.
    pub actions: Vec<Action>,
}

/// What a poll that succeeds leaves to the next.
struct Success {
    pace: u64,
    started: Timestamp,
    ended: Timestamp,
    /// From the start of this poll to the next.
    wait: Duration,
    /// When one asks for everything; unless that stays as it was.
    full_due: Option<Timestamp>,
}

impl Success {
    fn enter(self, head: &mut Head) {
        head.failures = 0;
        head.note(self.pace, true);
        head.checked_at = self.ended;
        head.polled_at = self.started;
        head.wait = self.wait;
        head.full_due = self.full_due.unwrap_or(head.full_due);
    }
}

/// See the module.
pub struct Poller {
    source: Rc<SourceSettings>,
    keys: Rc<Keys>,
    worker: u64,
    /// Names the settings.
    pace: u64,
    /// The first tick.
    since: Option<Timestamp>,
    prng: Prng,
    lease: Option<Lease>,
    work: Work,
    last_call: u64,
    continuing: bool,
    rests_until: Timestamp,
    patience: Duration,
    counts: Report,
}

impl Poller {
    /// `worker` is unique in the process, and not 0.
    pub fn new(source: Rc<SourceSettings>, keys: Rc<Keys>, worker: u64) -> Self {
        Self {
            pace: source.pace(),
            source,
            keys,
            worker,
            since: None,
            prng: Prng::new(worker),
            lease: None,
            work: Work::Idle,
            last_call: 0,
            continuing: false,
            rests_until: Timestamp::default(),
            patience: PATIENCE,
            counts: Report::default(),
        }
    }

    /// The counters since this was last asked.
    pub fn take_counts(&mut self) -> Report {
        std::mem::take(&mut self.counts)
    }

    /// Whether this is the worker that polls.
    pub fn has_lease(&self) -> bool {
        self.lease.is_some()
    }

    /// Whether a poll is under way.
    #[cfg(test)]
    pub fn polls(&self) -> bool {
        !matches!(self.work, Work::Idle | Work::Sweeping(_))
    }

    /// Who this is when it asks for the lease; not before the first tick.
    pub fn claimant(&self) -> Option<Claimant> {
        let since = self.since?;
        Some(Claimant { worker: self.worker, configuration: self.pace, since })
    }

    /// Time has passed. `seen` is the head as this worker last saw it.
    pub fn on_tick(&mut self, seen: Option<&Head>, turn: &mut Turn<'_>) {
        self.since.get_or_insert(turn.now);
        if !self.keeps_lease(turn) {
            return;
        }
        match &self.work {
            Work::Idle if self.is_due(seen, turn.now) => self.begin(seen, turn),
            Work::Idle => {}
            Work::Asking(_, _, until) if turn.now < *until => {}
            Work::Asking(..) => {
                if let Work::Asking(poll, ..) = std::mem::replace(&mut self.work, Work::Idle) {
                    self.fail(poll, Failure::unanswered("no answer came"), None, turn);
                }
            }
            // Usually done in `on_yield`; from here only should that have been lost.
            Work::Reading(..) | Work::Writing(..) | Work::Sweeping(..) => self.slice(turn),
        }
    }

    /// A call has ended.
    pub fn on_answer(&mut self, call: CallId, result: HttpResult, turn: &mut Turn<'_>) {
        if !self.keeps_lease(turn) {
            return;
        }
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Asking(poll, awaited, _) if awaited == call => match result {
                HttpResult::Answered(answer) => self.judge(poll, answer, turn),
                HttpResult::Failed => {
                    self.fail(poll, Failure::unanswered("no answer"), None, turn);
                }
            },
            // Given up long ago.
            work => self.work = work,
        }
    }

    /// The event loop has turned.
    pub fn on_yield(&mut self, turn: &mut Turn<'_>) {
        self.continuing = false;
        if self.keeps_lease(turn) {
            self.slice(turn);
        }
    }

    /// The worker goes away: another may poll at once. What is under way is dropped.
    pub fn on_end(&mut self, store: &dyn SharedStore) {
        self.work = Work::Idle;
        if let Some(lease) = self.lease.take() {
            lease.release(store);
        }
    }

    /// False when another worker polls now: then whatever was under way is dropped.
    fn keeps_lease(&mut self, turn: &Turn<'_>) -> bool {
        let Some(lease) = &mut self.lease else {
            return true;
        };
        let left = lease.until().since(turn.now);
        let fresh = left > LEASE / 4 * 3 && left <= LEASE;
        let kept = if fresh { lease.holds(turn.store) } else { lease.renew(turn.store, turn.now, LEASE) };
        if kept {
            return true;
        }
        self.lease = None;
        self.work = Work::Idle;
        false
    }

    fn begin(&mut self, seen: Option<&Head>, turn: &mut Turn<'_>) {
        let resting = turn.now < self.rests_until && self.rests_until <= turn.now.plus(REST);
        if resting || !self.takes_lease(seen, turn) {
            return;
        }
        let base = Base::read(turn.store, &self.keys.head);
        // Another worker may have polled since this one last looked.
        if !self.is_due(Some(&base.head), turn.now) {
            return;
        }
        // After a failure not everything: should that be what fails, changes still come through in between.
        let full = base.head.failures == 0 && self.wants_everything(&base.head, turn.now);
        let since = !full && base.head.generation != 0 && base.head.cursor.is_some();
        let poll = Poll::new(base, since, self.prng.number(), turn.now);
        self.ask_first(poll, !full, turn);
    }

    /// Whether it is time to poll. What another configuration's poller brought about is no reason to wait, except for
    /// one that may not do better.
    fn is_due(&self, head: Option<&Head>, now: Timestamp) -> bool {
        let Some(head) = head else {
            return true;
        };
        let mine = head.settings == self.pace;
        if !mine && !head.fails(self.pace) {
            return true;
        }
        let patience = if mine || head.failures > 0 { Duration::ZERO } else { self.patience };
        now < head.polled_at || due_at(head, self.source.refresh).plus(patience) <= now
    }

    /// Whether it is time for everything; also when the clock was set back, or this has become more frequent.
    fn wants_everything(&self, head: &Head, now: Timestamp) -> bool {
        let span = self.source.full_reload;
        !(now < head.full_due && head.full_due <= now.plus(span.saturating_add(span / 5)))
    }

    /// `seen` is the head.
    fn takes_lease(&mut self, seen: Option<&Head>, turn: &Turn<'_>) -> bool {
        if let Some(lease) = &mut self.lease {
            return !lease.set_yields(false) || lease.renew(turn.store, turn.now, LEASE);
        }
        let Some(claimant) = self.claimant() else {
            return false;
        };
        let due = seen.map(|head| due_at(head, self.source.refresh)).unwrap_or_default();
        let absent_before = if due.plus(LATE) <= turn.now { due } else { Timestamp::default() };
        self.lease = Lease::try_take(turn.store, &self.keys.lease, claimant, turn.now, absent_before, LEASE);
        self.lease.is_some()
    }

    fn ask_first(&mut self, mut poll: Poll, if_changed: bool, turn: &mut Turn<'_>) {
        let head = &poll.base.head;
        let cursor = head.cursor.as_deref().filter(|_| poll.since);
        let path = request::first_page(&self.source, cursor);
        let known = head.generation != 0 && head.page.as_ref().is_some_and(|page| *page.path == path);
        poll.if_changed = known && if_changed;
        poll.full = !poll.since && !poll.if_changed;
        self.ask(poll, path, turn);
    }

    fn ask(&mut self, mut poll: Poll, path: String, turn: &mut Turn<'_>) {
        let etag = poll.base.head.page.as_ref().filter(|_| poll.if_changed).map(|page| &*page.etag);
        let call = request::page(&self.source, &path, etag);
        poll.paths.push(path);
        self.last_call += 1;
        let id = CallId(self.last_call);
        let until = turn.now.plus(self.source.timeout).plus(CALL_GRACE);
        self.work = Work::Asking(poll, id, until);
        turn.actions.push(Action::Call(id, call));
    }

    fn judge(&mut self, poll: Poll, answer: HttpAnswer, turn: &mut Turn<'_>) {
        match answer.status {
            304 if poll.if_changed && answer::is_unchanged(&self.source, &poll, &answer) => {
                self.unchanged(poll, |_, _| {}, turn);
            }
            304 if poll.if_changed => {
                let since = poll.since;
                self.ask_first(poll.restarted(since), false, turn);
            }
            200 => self.open(poll, answer, turn),
            410 if poll.since => self.ask_first(poll.restarted(false), false, turn),
            status => {
                let wait = retry_after(&answer, turn.now, LONGEST_RETRY_AFTER);
                let failure = Failure::unanswered(format!("status {status}"));
                self.fail(poll, failure, wait, turn);
            }
        }
    }

    fn open(&mut self, mut poll: Poll, answer: HttpAnswer, turn: &mut Turn<'_>) {
        poll.if_changed = false;
        match answer::page(&self.source, &mut poll, answer) {
            Ok((document, next)) => {
                self.work = Work::Reading(poll, document, next);
                self.slice(turn);
            }
            Err(failure) => self.fail(poll, failure, None, turn),
        }
    }

    fn slice(&mut self, turn: &mut Turn<'_>) {
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Reading(poll, document, next) => self.read(poll, document, next, turn),
            Work::Writing(poll, publication) => self.write(poll, publication, turn),
            Work::Sweeping(mut sweep) => {
                match sweep.step(SWEPT_PER_SLICE, &self.keys, turn.store) {
                    Ok(Progress::More) => self.go_on(Work::Sweeping(sweep), turn),
                    // Overtaken, the next snapshot's sweep does it.
                    Ok(Progress::Done) | Err(Halt::Overtaken | Halt::Refused) => {}
                }
            }
            work @ (Work::Idle | Work::Asking(..)) => self.work = work,
        }
    }

    fn go_on(&mut self, work: Work, turn: &mut Turn<'_>) {
        self.work = work;
        if !self.continuing {
            self.continuing = true;
            turn.actions.push(Action::Yield);
        }
    }

    fn read(&mut self, mut poll: Poll, mut document: Document, next: Option<String>, turn: &mut Turn<'_>) {
        let complete = poll.read(&mut document, &self.keys, turn.store);
        let next = match complete {
            Ok(false) => return self.go_on(Work::Reading(poll, document, next), turn),
            Ok(true) => poll.next_page(next),
            Err(failure) => Err(failure),
        };
        drop(document);
        match next {
            Ok(Some(page)) => self.ask(poll, page, turn),
            Ok(None) => self.conclude(poll, turn),
            Err(failure) => self.fail(poll, failure, None, turn),
        }
    }

    fn conclude(&mut self, mut poll: Poll, turn: &mut Turn<'_>) {
        self.counts.skipped += poll.skipped.count();
        if let Some(line) = poll.skipped.line() {
            turn.actions.push(Action::Log(Level::Warn, line));
        }
        let draft = match poll.conclude() {
            Outcome::Changed(draft) => draft,
            Outcome::Unchanged => {
                return self.unchanged(poll, |poll, head| poll.settle(head, false), turn);
            }
        };
        let first = self.prng.number() >> 1;
        match Publication::claim(draft, &poll.base, first, &self.keys, turn.store) {
            Ok(publication) => self.write(poll, publication, turn),
            Err(halt) => self.halted(halt, turn),
        }
    }

    fn write(&mut self, mut poll: Poll, mut publication: Publication, turn: &mut Turn<'_>) {
        match publication.write(BUCKETS_PER_SLICE, &self.keys, turn.store) {
            Ok(Progress::More) => return self.go_on(Work::Writing(poll, publication), turn),
            Ok(Progress::Done) => {}
            Err(halt) => return self.halted(halt, turn),
        }
        let replaces = publication.replaces_everything();
        let success = self.succeed(&poll, turn.now);
        let settle = |head: &mut Head| {
            poll.settle(head, true);
            success.enter(head);
        };
        match publication.flip(settle, &self.keys, turn.store) {
            Ok(head) => {
                self.counts.changed += 1;
                let line = format!("contracts: {} in force", head.rows);
                turn.actions.push(Action::Log(Level::Info, line));
                if replaces {
                    self.go_on(Work::Sweeping(Sweep::of(head)), turn);
                }
            }
            Err(halt) => self.halted(halt, turn),
        }
    }

    fn unchanged(&mut self, mut poll: Poll, settle: impl FnOnce(&mut Poll, &mut Head), turn: &mut Turn<'_>) {
        let mut head = poll.base.head.clone();
        settle(&mut poll, &mut head);
        self.succeed(&poll, turn.now).enter(&mut head);
        match poll.base.replace(turn.store, &self.keys.head, &head) {
            Ok(()) => self.counts.unchanged += 1,
            Err(error) => self.halted(error.into(), turn),
        }
    }

    fn fail(&mut self, poll: Poll, failure: Failure, retry_after: Option<Duration>, turn: &mut Turn<'_>) {
        let mut head = poll.base.head.clone();
        // The failures of one that has not polled before are counted from the first.
        let before = if head.knows(self.pace) { head.failures } else { 0 };
        head.failures = before.saturating_add(1);
        head.note(self.pace, false);
        let pause = backoff(head.failures, self.source.refresh, retry_after, &mut self.prng);
        head.polled_at = poll.started;
        head.wait = turn.now.since(poll.started).saturating_add(pause);
        // Where everything was asked for it is no change that came to nothing.
        if failure.start_over && !poll.full {
            head.ask_for_everything();
        }
        let line = format!("contracts: poll failed, {}; next in {:.1} s", failure.reason, pause.as_secs_f64());
        if head.fails(self.pace) {
            self.patience = self.patience.saturating_mul(2).min(LONGEST_BACKOFF);
            if let Some(lease) = &mut self.lease {
                lease.set_yields(true);
                // Where it is not taken, another poller is at work already.
                lease.renew(turn.store, turn.now, LEASE);
            }
        }
        match poll.base.replace(turn.store, &self.keys.head, &head) {
            Ok(()) => {
                self.counts.failed += 1;
                turn.actions.push(Action::Log(Level::Warn, line));
            }
            Err(error) => self.halted(error.into(), turn),
        }
    }

    /// Shared data did not take what became of the poll.
    fn halted(&mut self, halt: Halt, turn: &mut Turn<'_>) {
        self.counts.failed += 1;
        self.rests_until = turn.now.plus(REST);
        let reason = match halt {
            Halt::Overtaken => "another worker was faster",
            Halt::Refused => "shared data refused a write",
        };
        let line = format!("contracts: poll dropped, {reason}");
        turn.actions.push(Action::Log(Level::Warn, line));
    }

    fn succeed(&mut self, poll: &Poll, now: Timestamp) -> Success {
        self.patience = PATIENCE;
        let wait = interval(self.source.refresh, &mut self.prng);
        let full_wait = interval(self.source.full_reload, &mut self.prng);
        Success {
            pace: self.pace,
            started: poll.started,
            ended: now,
            // A poll that takes longer than that is not followed by the next one at once.
            wait: wait.max(now.since(poll.started).saturating_add(wait / 8)),
            full_due: poll.full.then(|| poll.started.plus(full_wait)),
        }
    }
}

/// When it is time to poll. What the record says is believed within reason only: it is untrusted.
fn due_at(head: &Head, refresh: Duration) -> Timestamp {
    let longest = if head.failures == 0 {
        let took = head.checked_at.since(head.polled_at);
        took.saturating_add(refresh.saturating_add(refresh / 5))
    } else {
        LONGEST_RETRY_AFTER * 2
    };
    head.polled_at.plus(head.wait.min(longest))
}
