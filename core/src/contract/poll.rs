//! One poll of the source: what has been asked for and what has come so far.

use std::hash::{DefaultHasher, Hasher};

use crate::base::time::Timestamp;
use crate::contract::contracts::CallId;
use crate::contract::document::{Document, Kind, Step};
use crate::contract::entry::Entry;
use crate::contract::row::{Identity, Row, RowError};
use crate::contract::skipped::Skipped;
use crate::contract::snapshot::Keys;
use crate::contract::snapshot::draft::{Applied, Damaged, Draft};
use crate::contract::snapshot::head::{Base, Head, Page};
use crate::contract::snapshot::publish::{Publication, Sweep};
use crate::contract::snapshot::view::load;
use crate::port::SharedStore;

/// Most pages of one answer.
pub const MAX_PAGES: usize = 2000;
/// Most bytes of one answer, all pages together.
pub const MAX_BYTES: usize = 512 << 20;
/// Longest validator that is kept for the next poll.
const MAX_ETAG: usize = 8 << 10;
/// Contracts read in one slice,
const ENTRIES_PER_SLICE: usize = 256;
/// and bytes after which it ends earlier.
const BYTES_PER_SLICE: usize = 64 << 10;

/// What the poller is doing.
#[derive(Debug)]
pub enum Work {
    /// Nothing, until the next poll is due.
    Idle,
    /// Waiting for a page until that time.
    Asking(Poll, CallId, Timestamp),
    /// Reading a page; the next one's address is known already.
    Reading(Poll, Document, Option<String>),
    /// Writing a new generation.
    Writing(Poll, Publication),
    /// Clearing the last one.
    Sweeping(Sweep),
}

/// Why a poll came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For the log; never what the server sent.
    pub reason: String,
    /// The answer could not be used as a delta: everything is asked for next.
    pub start_over: bool,
}

impl Failure {
    /// The server could not be asked, or did not give an answer.
    pub fn unanswered(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), start_over: false }
    }

    /// The answer is of no use.
    pub fn unusable(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), start_over: true }
    }
}

/// A poll under way.
#[derive(Debug)]
pub struct Poll {
    /// When it began.
    pub started: Timestamp,
    /// What was in force then.
    pub base: Base,
    /// Asked for changes since the cursor of `base`.
    pub since: bool,
    /// The page that is awaited was asked for only if it has changed.
    pub if_changed: bool,
    /// Everything was asked for, in any case.
    pub full: bool,
    /// All pages asked for, in order.
    pub paths: Vec<String>,
    bytes: usize,
    kind: Option<Kind>,
    draft: Option<Draft>,
    seed: u64,
    cursor: Option<Box<str>>,
    validator: Option<Page>,
    hasher: DefaultHasher,
    /// A change was lost, or hides others: only the whole set tells what is in force.
    lost_change: bool,
    /// What could not be read.
    pub skipped: Skipped,
}

/// What a complete answer means.
#[derive(Debug)]
pub enum Outcome {
    /// Just what is in force.
    Unchanged,
    /// This.
    Changed(Draft),
}

impl Poll {
    /// Nothing has been asked yet. `seed` keys all hashes of a first set; those that follow keep it, so that documents
    /// can be compared and nobody can prepare two that pass for the same.
    pub fn new(base: Base, since: bool, seed: u64, started: Timestamp) -> Self {
        let seed = if base.head.generation == 0 { seed } else { base.head.seed };
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(seed);
        Self {
            started,
            base,
            since,
            if_changed: false,
            full: false,
            paths: Vec::new(),
            bytes: 0,
            kind: None,
            draft: None,
            seed,
            cursor: None,
            validator: None,
            hasher,
            lost_change: false,
            skipped: Skipped::default(),
        }
    }

    /// The same poll from its beginning, asked plainly.
    pub fn restarted(self, since: bool) -> Self {
        Self::new(self.base, since, self.seed, self.started)
    }

    /// Takes note of a page before it is read.
    ///
    /// # Errors
    /// [`Failure`] when the answer is too large by now.
    pub fn page_came(&mut self, bytes: usize, etag: Option<&[u8]>) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_BYTES {
            return Err(Failure::unusable("the pages are too large together"));
        }
        let etag = etag.and_then(|etag| std::str::from_utf8(etag).ok());
        let usable = |etag: &&str| {
            (1..=MAX_ETAG).contains(&etag.len()) && etag.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        };
        if let ([path], Some(etag)) = (&*self.paths, etag.filter(usable)) {
            self.validator = Some(Page { path: path.as_str().into(), etag: etag.into() });
        }
        Ok(())
    }

    /// Reads a slice of a page. True when the page is complete.
    ///
    /// # Errors
    /// [`Failure`] when the page cannot be used.
    pub fn read(&mut self, document: &mut Document, keys: &Keys, store: &dyn SharedStore) -> Result<bool, Failure> {
        let from = document.read();
        let mut entries = 0;
        let mut complete = false;
        while entries < ENTRIES_PER_SLICE && document.read() - from < BYTES_PER_SLICE {
            let step = document.step();
            match step.map_err(|error| Failure::unusable(error.to_string()))? {
                Step::Entry(number, entry) => {
                    entries += 1;
                    self.enter(document.kind(), number, entry, keys, store)?;
                }
                Step::Passed => {}
                Step::End => {
                    self.expect_kind(document.kind())?;
                    self.keep_cursor(document.take_cursor());
                    complete = true;
                    break;
                }
            }
        }
        self.hasher.write(document.slice(from, document.read()));
        Ok(complete)
    }

    /// Where to go on. `None` when that was the last page.
    ///
    /// # Errors
    /// [`Failure`] when the pages do not end.
    pub fn next_page(&self, next: Option<String>) -> Result<Option<String>, Failure> {
        let Some(next) = next else {
            return Ok(None);
        };
        if self.paths.contains(&next) {
            return Err(Failure::unusable("the pages lead in a circle"));
        }
        if self.paths.len() >= MAX_PAGES {
            return Err(Failure::unusable("there are too many pages"));
        }
        Ok(Some(next))
    }

    /// Compares the complete answer with what is in force.
    pub fn conclude(&mut self) -> Outcome {
        let head = &self.base.head;
        let same = match self.kind {
            Some(Kind::Snapshot) => head.generation != 0 && head.fingerprint == self.fingerprint(),
            _ => false,
        };
        let draft = self.draft.take();
        match draft {
            Some(draft) if !same && (draft.replaces_everything() || draft.changes_anything()) => {
                Outcome::Changed(draft)
            }
            _ => Outcome::Unchanged,
        }
    }

    /// Writes into `head` where the next poll begins, after a complete answer.
    pub fn settle(&mut self, head: &mut Head, changed: bool) {
        head.cursor = self.cursor.take().filter(|_| !self.lost_change);
        head.page = self.validator.take().filter(|_| !self.lost_change);
        match self.kind {
            Some(Kind::Delta) if changed || self.lost_change => head.fingerprint = 0,
            Some(Kind::Delta) | None => {}
            Some(Kind::Snapshot) => head.fingerprint = self.fingerprint(),
        }
    }

    fn fingerprint(&self) -> u64 {
        self.hasher.finish() | 1
    }

    /// Later pages continue what the first began. A source that was asked for changes may give everything instead,
    /// as one that has lost its history would; one that was asked for everything may not give changes.
    fn expect_kind(&mut self, kind: Option<Kind>) -> Result<(), Failure> {
        let fits = match (kind, self.kind) {
            (Some(Kind::Delta), None) => self.since,
            (Some(Kind::Snapshot), None) => true,
            (kind, before) => kind == before,
        };
        if !fits {
            return Err(Failure::unusable("the document is of the wrong kind"));
        }
        self.kind = kind;
        if self.draft.is_none() {
            self.draft = Some(match kind {
                Some(Kind::Delta) => Draft::from_head(&self.base.head),
                _ => Draft::from_nothing(self.seed),
            });
        }
        Ok(())
    }

    /// Of a snapshot the first page's cursor counts, so that what changed while the others were fetched comes with
    /// the next delta; of a delta the last page's.
    fn keep_cursor(&mut self, cursor: Option<Box<str>>) {
        if self.cursor.is_none() || (self.kind == Some(Kind::Delta) && cursor.is_some()) {
            self.cursor = cursor.filter(|cursor| !cursor.is_empty());
        }
    }

    fn enter(
        &mut self,
        kind: Option<Kind>,
        number: usize,
        entry: Entry,
        keys: &Keys,
        store: &dyn SharedStore,
    ) -> Result<(), Failure> {
        self.expect_kind(kind)?;
        let delta = kind == Some(Kind::Delta);
        let error = match entry {
            Entry::Holds(row) => self.put(&row, keys, store)?,
            Entry::Removed(identity) if delta => {
                self.remove(&identity, keys, store)?;
                None
            }
            // In a snapshot just a word for a status that does not grant.
            Entry::Removed(identity) => self.put(&Row::denial(identity), keys, store)?,
            Entry::Unreadable(row) => {
                self.lost_change |= delta && !row.exact;
                for identity in row.denied {
                    self.put(&Row::denial(identity), keys, store)?;
                }
                Some(row.error)
            }
        };
        if let Some(error) = error {
            self.skipped.add(self.paths.len(), number, error);
        }
        Ok(())
    }

    fn put(&mut self, row: &Row, keys: &Keys, store: &dyn SharedStore) -> Result<Option<RowError>, Failure> {
        self.look_behind_denial(&row.identity, keys, store)?;
        let (head, delta) = (&self.base.head, self.kind == Some(Kind::Delta));
        let Some(draft) = &mut self.draft else {
            return Ok(None);
        };
        if draft.put(row, &|bucket| load(head, bucket, keys, store)).map_err(damaged)? == Applied::Yes {
            return Ok(None);
        }
        self.lost_change |= delta;
        Ok(Some(TOO_MANY))
    }

    fn remove(&mut self, identity: &Identity, keys: &Keys, store: &dyn SharedStore) -> Result<(), Failure> {
        self.look_behind_denial(identity, keys, store)?;
        let (head, draft) = (&self.base.head, &mut self.draft);
        match draft {
            Some(draft) => draft.remove(identity, &|bucket| load(head, bucket, keys, store)).map_err(damaged),
            None => Ok(()),
        }
    }

    /// A change of what a denial about every provider hides may be what ends the denial: no change can name that.
    fn look_behind_denial(&mut self, of: &Identity, keys: &Keys, store: &dyn SharedStore) -> Result<(), Failure> {
        let head = &self.base.head;
        if self.kind == Some(Kind::Delta)
            && let Some(draft) = &mut self.draft
        {
            let load = |bucket| load(head, bucket, keys, store);
            self.lost_change |= draft.denies_every_provider(of, &load).map_err(damaged)?;
        }
        Ok(())
    }
}

fn damaged(_: Damaged) -> Failure {
    Failure::unusable("shared data is damaged")
}

const TOO_MANY: RowError = RowError { member: "provider", reason: "there are too many for this api and client" };
