//! One worker's part in keeping the contracts up to date: transfers of the document, and bringing them into force.

use std::rc::Rc;
use std::time::Duration;

use crate::base::http::{HttpAnswer, HttpResult};
use crate::base::retry_after::retry_after;
use crate::contract::action::{Action, PageCall, Report};
use crate::contract::document::Document;
use crate::contract::table::keys::Keys;
use crate::contract::table::root::{Base, Root};
use crate::contract::transfer::{MAX_BYTES, Transfer};
use crate::contract::transfer_error::TransferError;
use crate::contract::work::{Turn, Work};
use crate::feed::duty::Duty;
#[cfg(test)]
use crate::feed::lease::Claimant;
use crate::feed::page::{self, Page};
use crate::feed::request;
use crate::feed::schedule::LONGEST_RETRY_AFTER;
use crate::feed::settings::FeedSettings;
use crate::feed::state::FeedState;
use crate::port::SharedStore;

/// How much later than its timeout a call is given up.
const CALL_GRACE: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Poller {
    source: Rc<FeedSettings>,
    last_call: u64,
    pub(super) keys: Rc<Keys>,
    pub(super) duty: Duty,
    pub(super) work: Work,
    pub(super) yielded: bool,
    pub(super) counts: Report,
}

impl Poller {
    /// `worker` is unique in the process, and not 0.
    pub(super) fn new(source: Rc<FeedSettings>, keys: Rc<Keys>, worker: u64) -> Self {
        Self {
            duty: Duty::new(Rc::clone(&source), &keys.lease, worker),
            source,
            keys,
            work: Work::Idle,
            last_call: 0,
            yielded: false,
            counts: Report::default(),
        }
    }

    /// The counters since this was last asked.
    pub(super) fn take_counts(&mut self) -> Report {
        std::mem::take(&mut self.counts)
    }

    /// Whether this is the worker that polls.
    pub(super) fn has_lease(&self) -> bool {
        self.duty.has_lease()
    }

    #[cfg(test)]
    pub(super) fn polls(&self) -> bool {
        !matches!(self.work, Work::Idle | Work::Sweeping(_))
    }

    /// Who this is when it asks for the lease.
    #[cfg(test)]
    pub(super) fn claimant(&self) -> Option<Claimant> {
        self.duty.claimant()
    }

    /// Time has passed. `seen` is the root as this worker last saw it.
    pub(super) fn on_tick(&mut self, seen: Option<&Root>, turn: &mut Turn<'_>) {
        self.duty.on_tick(turn.now);
        if !self.keeps_lease(turn) {
            return;
        }
        let seen = seen.map(|root| &root.feed);
        match &self.work {
            Work::Idle if self.duty.is_due(seen, turn.now) => self.begin(seen, turn),
            Work::Idle => {}
            // It goes on from what is no longer there, as after a repair: nothing that it brings could be taken.
            Work::Asking(transfer, ..) if seen.is_some_and(|seen| !transfer.goes_on_from(seen)) => {
                self.work = Work::Idle;
                self.begin(seen, turn);
            }
            Work::Asking(_, _, until) if turn.now < *until => {}
            Work::Asking(..) => {
                if let Work::Asking(transfer, ..) = std::mem::replace(&mut self.work, Work::Idle) {
                    self.fail(transfer, TransferError::unanswered("no answer came"), None, turn);
                }
            }
            // Usually done in `on_yield`; here only if that was lost.
            Work::Reading(..) | Work::Writing(..) | Work::Sweeping(..) => self.slice(turn),
        }
    }

    pub(super) fn on_answer(&mut self, call: PageCall, result: HttpResult, turn: &mut Turn<'_>) {
        if !self.keeps_lease(turn) {
            return;
        }
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Asking(transfer, awaited, _) if awaited == call => match result {
                HttpResult::Answered(answer) => self.receive(transfer, answer, turn),
                HttpResult::Failed(reason) => {
                    self.fail(transfer, TransferError::unanswered(reason.to_string()), None, turn);
                }
            },
            // It was given up long ago.
            work => self.work = work,
        }
        self.go_on_polling(turn);
    }

    pub(super) fn on_yield(&mut self, turn: &mut Turn<'_>) {
        self.yielded = false;
        if self.keeps_lease(turn) {
            self.slice(turn);
            self.go_on_polling(turn);
        }
    }

    /// Sends the next poll, if one has just ended and it is time for the next one already.
    fn go_on_polling(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.work, Work::Idle) && self.duty.goes_on() {
            self.begin(None, turn);
        }
    }

    /// The worker goes away: another may poll at once. What is under way is dropped.
    pub(super) fn on_end(&mut self, store: &dyn SharedStore) {
        self.work = Work::Idle;
        self.duty.release(store);
    }

    /// False when another worker polls now: then whatever was under way is dropped.
    fn keeps_lease(&mut self, turn: &Turn<'_>) -> bool {
        let kept = self.duty.keep_lease(turn.store, turn.now);
        if !kept {
            self.work = Work::Idle;
        }
        kept
    }

    fn begin(&mut self, seen: Option<&FeedState>, turn: &mut Turn<'_>) {
        if !self.duty.take_on(seen, turn.store, turn.now) {
            return;
        }
        let base = Base::read(turn.store, &self.keys.root);
        let Root { manifest, feed } = &base.root;
        // Another worker may have polled since this one last looked.
        if !self.duty.is_due(Some(feed), turn.now) {
            return;
        }
        // Not a full one after a failure: if full reloads fail, changes still arrive in between.
        let full = feed.failures == 0 && self.duty.wants_everything(feed, turn.now);
        let since = !full && manifest.generation != 0 && feed.last_good.cursor.is_some();
        let transfer = Transfer::new(base, since, self.duty.number(), turn.now);
        self.ask_first(transfer, !full, turn);
    }

    fn ask_first(&mut self, mut transfer: Transfer, conditional: bool, turn: &mut Turn<'_>) {
        let path = transfer.begin(&self.source, conditional);
        self.ask(transfer, path, turn);
    }

    pub(super) fn ask(&mut self, mut transfer: Transfer, path: String, turn: &mut Turn<'_>) {
        let request = request::page(&self.source, &path, transfer.mode(), MAX_BYTES);
        transfer.paths.push(path);
        self.last_call += 1;
        let call = PageCall(self.last_call);
        let until = turn.now.plus(self.source.timeout).plus(CALL_GRACE);
        self.work = Work::Asking(transfer, call, until);
        turn.actions.push(Action::Call(call, request));
    }

    fn receive(&mut self, mut transfer: Transfer, answer: HttpAnswer, turn: &mut Turn<'_>) {
        transfer.answered.get_or_insert(turn.now);
        transfer.waits |= page::waits(&self.source, &answer);
        match answer.status {
            304 if transfer.conditional && page::is_unchanged(&self.source, transfer.path(), &answer) => {
                let last_good = transfer.base.root.feed.last_good.clone();
                self.keep(&transfer, last_good, turn);
            }
            304 if transfer.conditional => {
                let since = transfer.since;
                self.ask_first(transfer.restarted(since), false, turn);
            }
            200 => self.open(transfer, answer, turn),
            410 if transfer.since => self.ask_first(transfer.restarted(false), false, turn),
            status => {
                let wait = retry_after(&answer, turn.now, LONGEST_RETRY_AFTER);
                self.fail(transfer, TransferError::unanswered(format!("status {status}")), wait, turn);
            }
        }
    }

    fn open(&mut self, mut transfer: Transfer, answer: HttpAnswer, turn: &mut Turn<'_>) {
        let page = Page::of(&self.source, transfer.path(), answer).map_err(TransferError::unusable);
        let page = page.and_then(|mut page| transfer.page_came(&mut page).map(|()| page));
        match page {
            Ok(Page { body, next, .. }) => {
                self.work = Work::Reading(transfer, Document::new(body), next);
                self.slice(turn);
            }
            Err(error) => self.fail(transfer, error, None, turn),
        }
    }
}
