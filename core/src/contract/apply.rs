//! What follows from the pages of a transfer, slice by slice: they are read, written and brought into force.

use std::time::Duration;

use log::Level;

use crate::base::time::Timestamp;
use crate::contract::action::Action;
use crate::contract::document::Document;
use crate::contract::poller::Poller;
use crate::contract::table::publication::Publication;
use crate::contract::table::root::Root;
use crate::contract::table::slice::{Halt, Progress};
use crate::contract::table::sweep::Sweep;
use crate::contract::transfer::{Comparison, Transfer};
use crate::contract::transfer_error::TransferError;
use crate::contract::work::{Turn, Work};
use crate::feed::duty::Success;
use crate::feed::state::{FeedState, LastGood};

const BUCKETS_PER_SLICE: usize = 64;
/// Buckets looked at in one slice of a sweep.
const SWEPT_PER_SLICE: u32 = 128;

impl Poller {
    pub(super) fn slice(&mut self, turn: &mut Turn<'_>) {
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Reading(transfer, document, next) => self.read(transfer, document, next, turn),
            Work::Writing(transfer, publication) => self.write(transfer, publication, turn),
            Work::Sweeping(mut sweep) => {
                match sweep.step(SWEPT_PER_SLICE, &self.keys, turn.store) {
                    Ok(Progress::More) => self.go_on(Work::Sweeping(sweep), turn),
                    // If superseded, the next snapshot's sweep does it.
                    Ok(Progress::Done) | Err(Halt::Superseded | Halt::Refused) => {}
                }
            }
            work @ (Work::Idle | Work::Asking(..)) => self.work = work,
        }
    }

    fn go_on(&mut self, work: Work, turn: &mut Turn<'_>) {
        self.work = work;
        if !self.yielded {
            self.yielded = true;
            turn.actions.push(Action::Yield);
        }
    }

    fn read(&mut self, mut transfer: Transfer, mut document: Document, next: Option<String>, turn: &mut Turn<'_>) {
        let complete = transfer.read(&mut document, &self.keys, turn.store);
        let next = match complete {
            Ok(false) => return self.go_on(Work::Reading(transfer, document, next), turn),
            Ok(true) => transfer.next_page(next),
            Err(error) => Err(error),
        };
        drop(document);
        match next {
            Ok(Some(page)) => self.ask(transfer, page, turn),
            Ok(None) => self.complete(transfer, turn),
            Err(error) => self.fail(transfer, error, None, turn),
        }
    }

    fn complete(&mut self, mut transfer: Transfer, turn: &mut Turn<'_>) {
        self.counts.skipped += transfer.skipped().count();
        if let Some(line) = transfer.skipped().line() {
            turn.actions.push(Action::Log(Level::Warn, line));
        }
        let draft = match transfer.compare() {
            Comparison::Changed(draft) => draft,
            Comparison::Unchanged => {
                let last_good = transfer.last_good(false);
                return self.keep(&transfer, last_good, turn);
            }
        };
        let first = self.duty.number() >> 1;
        match Publication::claim(draft, &transfer.base, first, &self.keys, turn.store) {
            Ok(publication) => self.write(transfer, publication, turn),
            Err(halt) => self.halted(halt, turn),
        }
    }

    fn write(&mut self, mut transfer: Transfer, mut publication: Publication, turn: &mut Turn<'_>) {
        match publication.write(BUCKETS_PER_SLICE, &self.keys, turn.store) {
            Ok(Progress::More) => return self.go_on(Work::Writing(transfer, publication), turn),
            Ok(Progress::Done) => {}
            Err(halt) => return self.halted(halt, turn),
        }
        let replaces = publication.replaces_everything();
        let last_good = transfer.last_good(true);
        let feed = self.succeeded(&transfer, last_good, true, turn.now);
        match publication.commit(feed, &self.keys, turn.store) {
            Ok(Root { manifest, .. }) => {
                self.counts.changed += 1;
                let line = format!("contracts: {} in force", manifest.rows);
                turn.actions.push(Action::Log(Level::Info, line));
                if replaces {
                    self.go_on(Work::Sweeping(Sweep::of(manifest)), turn);
                }
            }
            Err(halt) => self.halted(halt, turn),
        }
    }

    pub(super) fn keep(&mut self, transfer: &Transfer, last_good: LastGood, turn: &mut Turn<'_>) {
        let feed = self.succeeded(transfer, last_good, false, turn.now);
        let root = Root { feed, ..transfer.base.root.clone() };
        match transfer.base.replace(turn.store, &self.keys.root, &root) {
            Ok(()) => self.counts.unchanged += 1,
            Err(error) => self.halted(error.into(), turn),
        }
    }

    fn succeeded(&mut self, transfer: &Transfer, last_good: LastGood, news: bool, now: Timestamp) -> FeedState {
        let mut feed = transfer.base.root.feed.clone();
        feed.last_good = last_good;
        let Transfer { started, full, waits, .. } = *transfer;
        let answered = transfer.answered.unwrap_or(now);
        self.duty.succeed(&mut feed, Success { started, answered, full, waits, news }, now);
        feed
    }

    pub(super) fn fail(
        &mut self,
        transfer: Transfer,
        error: TransferError,
        retry_after: Option<Duration>,
        turn: &mut Turn<'_>,
    ) {
        let mut root = transfer.base.root.clone();
        let pause = self.duty.fail(&mut root.feed, transfer.started, retry_after, turn.store, turn.now);
        // A full reload that failed is not a failed change.
        if error.start_over && !transfer.full {
            root.feed.ask_for_everything();
        }
        let line = format!("contracts: poll failed, {}; next in {:.1} s", error.reason, pause.as_secs_f64());
        match transfer.base.replace(turn.store, &self.keys.root, &root) {
            Ok(()) => {
                self.counts.failed += 1;
                turn.actions.push(Action::Log(Level::Warn, line));
            }
            Err(error) => self.halted(error.into(), turn),
        }
    }

    /// Shared data did not take what became of the transfer.
    fn halted(&mut self, halt: Halt, turn: &mut Turn<'_>) {
        self.counts.failed += 1;
        self.duty.rest(turn.now);
        let reason = match halt {
            Halt::Superseded => "another worker was faster",
            Halt::Refused => "shared data refused a write",
        };
        let line = format!("contracts: poll dropped, {reason}");
        turn.actions.push(Action::Log(Level::Warn, line));
    }
}
