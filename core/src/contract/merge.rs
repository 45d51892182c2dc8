//! Merges the pages of a document into a draft of the table.

use crate::contract::document::DocumentKind;
use crate::contract::entry::Entry;
use crate::contract::row::{Identity, Row, RowError};
use crate::contract::skipped::Skipped;
use crate::contract::table::draft::{Applied, Damaged, Load, TableDraft};
use crate::contract::table::manifest::Manifest;
use crate::contract::transfer_error::TransferError;

const TOO_MANY: RowError = RowError { member: "provider", reason: "there are too many for this api and client" };

/// What the pages have said so far.
#[derive(Debug)]
pub(super) struct Merge {
    since: bool,
    seed: u64,
    document: Option<(DocumentKind, TableDraft)>,
    cursor: Option<Box<str>>,
    /// A change was lost, or hides others: only the whole set says what is in force.
    lost_change: bool,
    pub skipped: Skipped,
}

impl Merge {
    /// No page has come. `since` says whether changes were asked for; `seed` keys the hashes of a set that replaces
    /// everything.
    pub(super) fn new(since: bool, seed: u64) -> Self {
        Self { since, seed, document: None, cursor: None, lost_change: false, skipped: Skipped::default() }
    }

    /// What the document is; not before its first page is understood.
    pub(super) fn kind(&self) -> Option<DocumentKind> {
        self.document.as_ref().map(|(kind, _)| *kind)
    }

    pub(super) fn has_lost_change(&self) -> bool {
        self.lost_change
    }

    pub(super) fn take_cursor(&mut self) -> Option<Box<str>> {
        self.cursor.take()
    }

    pub(super) fn take_draft(&mut self) -> Option<TableDraft> {
        self.document.as_mut().map(|(_, draft)| std::mem::replace(draft, TableDraft::from_nothing(0)))
    }

    /// A page of this kind begins or goes on. Later pages continue what the first began. A source that was asked for
    /// changes may give everything instead, as one that has lost its history would; one that was asked for everything
    /// may not give changes.
    ///
    /// # Errors
    /// [`TransferError`] when it is of the wrong kind.
    fn draft(&mut self, kind: DocumentKind, manifest: &Manifest) -> Result<&mut TableDraft, TransferError> {
        let fits = match self.kind() {
            None => kind == DocumentKind::Snapshot || self.since,
            Some(before) => kind == before,
        };
        if !fits {
            return Err(wrong_kind());
        }
        let (_, draft) = self.document.get_or_insert_with(|| {
            let draft = match kind {
                DocumentKind::Delta => TableDraft::from_manifest(manifest),
                DocumentKind::Snapshot => TableDraft::from_nothing(self.seed),
            };
            (kind, draft)
        });
        Ok(draft)
    }

    /// A page has ended. Of a snapshot the first cursor counts, so that what changed while the other pages were
    /// fetched comes with the next delta; of a delta the last.
    ///
    /// # Errors
    /// [`TransferError`] when it is of the wrong kind.
    pub(super) fn end_page(
        &mut self,
        kind: Option<DocumentKind>,
        cursor: Option<Box<str>>,
        manifest: &Manifest,
    ) -> Result<(), TransferError> {
        let kind = kind.ok_or_else(wrong_kind)?;
        self.draft(kind, manifest)?;
        if self.cursor.is_none() || (kind == DocumentKind::Delta && cursor.is_some()) {
            self.cursor = cursor.filter(|cursor| !cursor.is_empty());
        }
        Ok(())
    }

    /// Entry `number` of page `page`. `load` reads the buckets of `manifest`.
    ///
    /// # Errors
    /// [`TransferError`] when the page is of the wrong kind, or shared data is damaged.
    pub(super) fn enter(
        &mut self,
        kind: DocumentKind,
        (page, number): (usize, usize),
        entry: Entry,
        manifest: &Manifest,
        load: &Load<'_>,
    ) -> Result<(), TransferError> {
        self.draft(kind, manifest)?;
        let error = match entry {
            Entry::Holds(row) => self.put(&row, load)?,
            Entry::Removed(identity) if kind == DocumentKind::Delta => {
                self.remove(&identity, load)?;
                None
            }
            // In a snapshot this is merely a status that does not grant.
            Entry::Removed(identity) => self.put(&Row::denial(identity), load)?,
            Entry::Unreadable(row) => {
                self.lost_change |= kind == DocumentKind::Delta && !row.exact;
                for identity in row.denied {
                    self.put(&Row::denial(identity), load)?;
                }
                Some(row.error)
            }
        };
        if let Some(error) = error {
            self.skipped.add(page, number, error);
        }
        Ok(())
    }

    fn put(&mut self, row: &Row, load: &Load<'_>) -> Result<Option<RowError>, TransferError> {
        self.look_behind_denial(&row.identity, load)?;
        let Some((kind, draft)) = &mut self.document else { return Ok(None) };
        if draft.put(row, load).map_err(damaged)? == Applied::Yes {
            return Ok(None);
        }
        self.lost_change |= *kind == DocumentKind::Delta;
        Ok(Some(TOO_MANY))
    }

    fn remove(&mut self, identity: &Identity, load: &Load<'_>) -> Result<(), TransferError> {
        self.look_behind_denial(identity, load)?;
        match &mut self.document {
            Some((_, draft)) => draft.remove(identity, load).map_err(damaged),
            None => Ok(()),
        }
    }

    /// A change of what a denial about every provider hides may be what ends the denial: no change can name that.
    fn look_behind_denial(&mut self, of: &Identity, load: &Load<'_>) -> Result<(), TransferError> {
        if let Some((DocumentKind::Delta, draft)) = &mut self.document {
            self.lost_change |= draft.denies_every_provider(of, load).map_err(damaged)?;
        }
        Ok(())
    }
}

fn wrong_kind() -> TransferError {
    TransferError::unusable("the document is of the wrong kind")
}

fn damaged(_: Damaged) -> TransferError {
    TransferError::unusable("shared data is damaged")
}
