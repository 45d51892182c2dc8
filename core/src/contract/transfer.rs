//! One transfer of the document, page by page: what has been asked for and what has come so far.

use std::fmt;

use crate::base::hash::SipHash;
use crate::base::time::Timestamp;
use crate::contract::document::{Document, Kind, Step};
use crate::contract::entry::Entry;
use crate::contract::row::{Identity, Row, RowError};
use crate::contract::skipped::Skipped;
use crate::contract::table::draft::{Applied, Damaged, TableDraft};
use crate::contract::table::keys::Keys;
use crate::contract::table::root::Base;
use crate::contract::table::view::load;
use crate::feed::page::Page;
use crate::feed::request::{Mode, first_page};
use crate::feed::settings::FeedSettings;
use crate::feed::state::{LastGood, Validator};
use crate::port::SharedStore;

/// Most pages of one answer.
pub const MAX_PAGES: usize = 2000;
/// Most bytes of one answer, all pages together.
pub const MAX_BYTES: usize = 512 << 20;
/// Contracts read in one slice,
const ENTRIES_PER_SLICE: usize = 256;
/// and bytes after which it ends earlier.
const BYTES_PER_SLICE: usize = 64 << 10;

/// Why a transfer came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferError {
    /// For the log; never what the server sent.
    pub reason: String,
    /// The answer could not be used as a delta: everything is asked for next.
    pub start_over: bool,
}

impl TransferError {
    /// The server could not be asked, or did not give an answer.
    pub fn unanswered(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), start_over: false }
    }

    /// The answer is of no use.
    pub fn unusable(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), start_over: true }
    }
}

/// A transfer under way.
#[derive(Debug)]
pub struct Transfer {
    /// When it began.
    pub started: Timestamp,
    /// What was in force then.
    pub base: Base,
    /// Asked for changes since the cursor of `base`.
    pub since: bool,
    /// The first page was asked for unless it is the one that is known, and has not come.
    pub conditional: bool,
    /// Everything was asked for, in any case.
    pub full: bool,
    /// All pages asked for, in order.
    pub paths: Vec<String>,
    bytes: usize,
    kind: Option<Kind>,
    draft: Option<TableDraft>,
    seed: u64,
    cursor: Option<Box<str>>,
    validator: Option<Validator>,
    hash: SipHash,
    /// A change was lost, or hides others: only the whole set tells what is in force.
    lost_change: bool,
    /// What could not be read.
    pub skipped: Skipped,
}

/// What a complete answer means.
#[derive(Debug)]
pub enum Comparison {
    /// Just what is in force.
    Unchanged,
    /// This.
    Changed(TableDraft),
}

impl Transfer {
    /// Nothing has been asked yet. `seed` keys all hashes of a first set; those that follow keep it, so that documents
    /// can be compared and nobody can prepare two that pass for the same.
    pub fn new(base: Base, since: bool, seed: u64, started: Timestamp) -> Self {
        let manifest = &base.root.manifest;
        let seed = if manifest.generation == 0 { seed } else { manifest.seed };
        Self {
            started,
            base,
            since,
            conditional: false,
            full: false,
            paths: Vec::new(),
            bytes: 0,
            kind: None,
            draft: None,
            seed,
            cursor: None,
            validator: None,
            hash: SipHash::new(seed),
            lost_change: false,
            skipped: Skipped::default(),
        }
    }

    /// The same transfer from its beginning, asked for in full.
    pub fn restarted(self, since: bool) -> Self {
        Self::new(self.base, since, self.seed, self.started)
    }

    /// The path of the first page. It is asked for conditionally if that is `allowed` and the page is known.
    pub fn begin(&mut self, source: &FeedSettings, allowed: bool) -> String {
        let LastGood { cursor, validator, .. } = &self.base.root.feed.last_good;
        let path = first_page(source, cursor.as_deref().filter(|_| self.since));
        let known =
            self.base.root.manifest.generation != 0 && validator.as_ref().is_some_and(|page| *page.path == path);
        self.conditional = known && allowed;
        self.full = !self.since && !self.conditional;
        path
    }

    /// How the page that comes next is asked for.
    pub fn mode(&self) -> Mode<'_> {
        let validator = self.base.root.feed.last_good.validator.as_ref().filter(|_| self.conditional);
        validator.map_or(Mode::Full, |validator| Mode::Conditional(&validator.etag))
    }

    /// The path of the page that was asked for last.
    pub fn path(&self) -> &str {
        self.paths.last().map_or("/", String::as_str)
    }

    /// A page has come; it is not read yet.
    ///
    /// # Errors
    /// [`TransferError`] when the answer is too large by now.
    pub fn page_came(&mut self, page: &mut Page) -> Result<(), TransferError> {
        self.conditional = false;
        self.bytes = self.bytes.saturating_add(page.body.len());
        if self.bytes > MAX_BYTES {
            return Err(TransferError::unusable("the pages are too large together"));
        }
        if let ([path], Some(etag)) = (&*self.paths, page.etag.take()) {
            self.validator = Some(Validator { path: path.as_str().into(), etag });
        }
        Ok(())
    }

    /// Reads a slice of a page. True when the page is complete.
    ///
    /// # Errors
    /// [`TransferError`] when the page cannot be used.
    pub fn read(
        &mut self,
        document: &mut Document,
        keys: &Keys,
        store: &dyn SharedStore,
    ) -> Result<bool, TransferError> {
        let from = document.read();
        let mut entries = 0;
        let mut complete = false;
        while entries < ENTRIES_PER_SLICE && document.read() - from < BYTES_PER_SLICE {
            let step = document.step();
            match step.map_err(TransferError::unusable)? {
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
        self.hash.write(document.slice(from, document.read()));
        Ok(complete)
    }

    /// Where to go on. `None` when that was the last page.
    ///
    /// # Errors
    /// [`TransferError`] when the pages do not end.
    pub fn next_page(&self, next: Option<String>) -> Result<Option<String>, TransferError> {
        let Some(next) = next else {
            return Ok(None);
        };
        if self.paths.contains(&next) {
            return Err(TransferError::unusable("the pages lead in a circle"));
        }
        if self.paths.len() >= MAX_PAGES {
            return Err(TransferError::unusable("there are too many pages"));
        }
        Ok(Some(next))
    }

    /// Compares the complete answer with what is in force.
    pub fn compare(&mut self) -> Comparison {
        let root = &self.base.root;
        let same = match self.kind {
            Some(Kind::Snapshot) => {
                root.manifest.generation != 0 && root.feed.last_good.fingerprint == self.fingerprint()
            }
            _ => false,
        };
        match self.draft.take() {
            Some(draft) if !same && (draft.replaces_everything() || draft.changes_anything()) => {
                Comparison::Changed(draft)
            }
            _ => Comparison::Unchanged,
        }
    }

    /// What the next poll goes on from, after a complete answer.
    pub fn last_good(&mut self, changed: bool) -> LastGood {
        let fingerprint = match self.kind {
            Some(Kind::Delta) if changed || self.lost_change => 0,
            Some(Kind::Delta) | None => self.base.root.feed.last_good.fingerprint,
            Some(Kind::Snapshot) => self.fingerprint(),
        };
        LastGood {
            cursor: self.cursor.take().filter(|_| !self.lost_change),
            validator: self.validator.take().filter(|_| !self.lost_change),
            fingerprint,
        }
    }

    fn fingerprint(&self) -> u64 {
        self.hash.finish() | 1
    }

    /// Later pages continue what the first began. A source that was asked for changes may give everything instead,
    /// as one that has lost its history would; one that was asked for everything may not give changes.
    fn expect_kind(&mut self, kind: Option<Kind>) -> Result<(), TransferError> {
        let fits = match (kind, self.kind) {
            (Some(Kind::Delta), None) => self.since,
            (Some(Kind::Snapshot), None) => true,
            (kind, before) => kind == before,
        };
        if !fits {
            return Err(TransferError::unusable("the document is of the wrong kind"));
        }
        self.kind = kind;
        if self.draft.is_none() {
            self.draft = Some(match kind {
                Some(Kind::Delta) => TableDraft::from_manifest(&self.base.root.manifest),
                _ => TableDraft::from_nothing(self.seed),
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
    ) -> Result<(), TransferError> {
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

    fn put(&mut self, row: &Row, keys: &Keys, store: &dyn SharedStore) -> Result<Option<RowError>, TransferError> {
        self.look_behind_denial(&row.identity, keys, store)?;
        let (manifest, delta) = (&self.base.root.manifest, self.kind == Some(Kind::Delta));
        let Some(draft) = &mut self.draft else {
            return Ok(None);
        };
        if draft.put(row, &|bucket| load(manifest, bucket, keys, store)).map_err(damaged)? == Applied::Yes {
            return Ok(None);
        }
        self.lost_change |= delta;
        Ok(Some(TOO_MANY))
    }

    fn remove(&mut self, identity: &Identity, keys: &Keys, store: &dyn SharedStore) -> Result<(), TransferError> {
        self.look_behind_denial(identity, keys, store)?;
        let (manifest, draft) = (&self.base.root.manifest, &mut self.draft);
        match draft {
            Some(draft) => draft.remove(identity, &|bucket| load(manifest, bucket, keys, store)).map_err(damaged),
            None => Ok(()),
        }
    }

    /// A change of what a denial about every provider hides may be what ends the denial: no change can name that.
    fn look_behind_denial(&mut self, of: &Identity, keys: &Keys, store: &dyn SharedStore) -> Result<(), TransferError> {
        let manifest = &self.base.root.manifest;
        if self.kind == Some(Kind::Delta)
            && let Some(draft) = &mut self.draft
        {
            let load = |bucket| load(manifest, bucket, keys, store);
            self.lost_change |= draft.denies_every_provider(of, &load).map_err(damaged)?;
        }
        Ok(())
    }
}

fn damaged(_: Damaged) -> TransferError {
    TransferError::unusable("shared data is damaged")
}

const TOO_MANY: RowError = RowError { member: "provider", reason: "there are too many for this api and client" };
