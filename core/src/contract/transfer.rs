//! One transfer of the document, page by page: what was requested and what has arrived.

use crate::base::hash::SipHash;
use crate::base::time::Timestamp;
use crate::contract::document::{Document, DocumentKind, Step};
use crate::contract::merge::Merge;
use crate::contract::skipped::Skipped;
use crate::contract::table::draft::TableDraft;
use crate::contract::table::keys::Keys;
use crate::contract::table::root::Base;
use crate::contract::table::view::load;
use crate::contract::transfer_error::TransferError;
use crate::feed::page::Page;
use crate::feed::request::{Mode, first_page};
use crate::feed::settings::FeedSettings;
use crate::feed::state::{FeedState, LastGood, Validator};
use crate::port::SharedStore;

/// Most pages of one answer.
pub(super) const MAX_PAGES: usize = 2000;
/// Most bytes of one answer, all pages together.
pub(super) const MAX_BYTES: usize = 512 << 20;
/// Contracts read in one slice,
const ENTRIES_PER_SLICE: usize = 256;
/// and bytes after which it ends earlier.
const BYTES_PER_SLICE: usize = 64 << 10;

/// A transfer in progress.
#[derive(Debug)]
pub(super) struct Transfer {
    pub started: Timestamp,
    /// When the first answer came.
    pub answered: Option<Timestamp>,
    pub base: Base,
    /// Asked for changes since the cursor of `base`.
    pub since: bool,
    /// The first page was asked for unless it is the one that is known, and has not come.
    pub conditional: bool,
    /// Everything was asked for, in any case.
    pub full: bool,
    /// The server held the request, or would have if it had had nothing to tell.
    pub waits: bool,
    /// All pages asked for, in order.
    pub paths: Vec<String>,
    bytes: usize,
    seed: u64,
    merge: Merge,
    validator: Option<Validator>,
    hash: SipHash,
}

/// How a complete answer differs from the set in force.
#[derive(Debug)]
pub(super) enum Comparison {
    Unchanged,
    Changed(TableDraft),
}

impl Transfer {
    /// Nothing has been asked yet. `seed` keys all hashes of a first set; those that follow keep it, so that documents
    /// can be compared and nobody can prepare two that pass for the same.
    pub(super) fn new(base: Base, since: bool, seed: u64, started: Timestamp) -> Self {
        let manifest = &base.root.manifest;
        let seed = if manifest.generation == 0 { seed } else { manifest.seed };
        Self {
            started,
            answered: None,
            base,
            since,
            conditional: false,
            full: false,
            waits: false,
            paths: Vec::new(),
            bytes: 0,
            seed,
            merge: Merge::new(since, seed),
            validator: None,
            hash: SipHash::new(seed),
        }
    }

    /// The same transfer from its beginning, asked for in full.
    pub(super) fn restarted(self, since: bool) -> Self {
        Self { answered: self.answered, ..Self::new(self.base, since, self.seed, self.started) }
    }

    /// The path of the first page. It is asked for conditionally if that is `allowed` and the page is known.
    pub(super) fn begin(&mut self, source: &FeedSettings, allowed: bool) -> String {
        let LastGood { cursor, validator, .. } = &self.base.root.feed.last_good;
        let path = first_page(source, cursor.as_deref().filter(|_| self.since));
        let known =
            self.base.root.manifest.generation != 0 && validator.as_ref().is_some_and(|page| *page.path == path);
        self.conditional = known && allowed;
        self.full = !self.since && !self.conditional;
        path
    }

    /// How the page that comes next is asked for.
    pub(super) fn mode(&self) -> Mode<'_> {
        let validator = self.base.root.feed.last_good.validator.as_ref().filter(|_| self.conditional);
        validator.map_or(Mode::Full, |validator| Mode::Conditional(&validator.etag))
    }

    /// Whether this is where polling stands.
    pub(super) fn goes_on_from(&self, seen: &FeedState) -> bool {
        self.base.root.feed.last_good == seen.last_good
    }

    /// The path of the page that was asked for last.
    pub(super) fn path(&self) -> &str {
        self.paths.last().map_or("/", String::as_str)
    }

    /// A page has come; it is not read yet.
    ///
    /// # Errors
    /// [`TransferError`] when the answer is too large by now.
    pub(super) fn page_came(&mut self, page: &mut Page) -> Result<(), TransferError> {
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
    pub(super) fn read(
        &mut self,
        document: &mut Document,
        keys: &Keys,
        store: &dyn SharedStore,
    ) -> Result<bool, TransferError> {
        let manifest = &self.base.root.manifest;
        let load = |bucket| load(manifest, bucket, keys, store);
        let from = document.read();
        let mut entries = 0;
        let mut complete = false;
        while entries < ENTRIES_PER_SLICE && document.read() - from < BYTES_PER_SLICE {
            match document.step().map_err(TransferError::unusable)? {
                Step::Entry(kind, number, entry) => {
                    entries += 1;
                    self.merge.enter(kind, (self.paths.len(), number), entry, manifest, &load)?;
                }
                Step::Passed => {}
                Step::End => {
                    self.merge.end_page(document.kind(), document.take_cursor(), manifest)?;
                    complete = true;
                    break;
                }
            }
        }
        self.hash.write(document.slice(from, document.read()));
        Ok(complete)
    }

    pub(super) fn skipped(&self) -> &Skipped {
        &self.merge.skipped
    }

    /// Where to go on. `None` when that was the last page.
    ///
    /// # Errors
    /// [`TransferError`] when the pages do not end.
    pub(super) fn next_page(&self, next: Option<String>) -> Result<Option<String>, TransferError> {
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
    pub(super) fn compare(&mut self) -> Comparison {
        let root = &self.base.root;
        let same = match self.merge.kind() {
            Some(DocumentKind::Snapshot) => {
                root.manifest.generation != 0 && root.feed.last_good.fingerprint == self.fingerprint()
            }
            _ => false,
        };
        match self.merge.take_draft() {
            Some(draft) if !same && (draft.replaces_everything() || draft.changes_anything()) => {
                Comparison::Changed(draft)
            }
            _ => Comparison::Unchanged,
        }
    }

    /// What the next poll goes on from, after a complete answer.
    pub(super) fn last_good(&mut self, changed: bool) -> LastGood {
        let lost_change = self.merge.has_lost_change();
        let fingerprint = match self.merge.kind() {
            Some(DocumentKind::Delta) if changed || lost_change => 0,
            Some(DocumentKind::Delta) | None => self.base.root.feed.last_good.fingerprint,
            Some(DocumentKind::Snapshot) => self.fingerprint(),
        };
        LastGood {
            cursor: self.merge.take_cursor().filter(|_| !lost_change),
            validator: self.validator.take().filter(|_| !lost_change),
            fingerprint,
        }
    }

    fn fingerprint(&self) -> u64 {
        self.hash.finish() | 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::memory::MemoryStore;

    #[test]
    fn all_pages_together_have_so_many_bytes_at_most() {
        let came = |bytes: usize| {
            let base = Base::read(&MemoryStore::default(), &Keys::new("t").root);
            let mut transfer = Transfer::new(base, false, 1, Timestamp::default());
            transfer.bytes = MAX_BYTES - 3;
            transfer.page_came(&mut Page { body: vec![b' '; bytes], etag: None, next: None }).is_ok()
        };
        assert_eq!([2, 3, 4].map(came), [true, true, false]);
    }
}
