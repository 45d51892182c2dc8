//! What a gateway is told when it polls: the whole set, what has changed, or why neither.

use std::sync::Arc;

use tessera_core::contract::DocumentKind;
use tessera_core::contract::row::Identity;
use tessera_core::contract::writer::{write_document, write_removal};

use crate::domain::cursor::{Cursor, PageToken, scope_of};
use crate::use_case::feed_store::{FeedKey, FeedRow, FeedScope, Head};
use crate::use_case::store::{StoreError, Transaction};

/// What a poll asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Poll {
    Everything,
    /// The `since` of the request, unread.
    Since(String),
    /// The `page` of the request, unread.
    Page(String),
}

/// What it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Document(Document),
    /// Cursor or page mean nothing here (any more).
    Gone,
    /// They are of a moment that this replica has not seen yet.
    Behind,
    /// A restored database that nobody has released yet.
    Held,
}

/// A contract document, or a page of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub kind: DocumentKind,
    /// Shared by those who are told the same.
    pub json: Arc<str>,
    pub cursor: String,
    /// That of the cursor.
    pub position: i64,
    /// The `page` of the next one.
    pub next: Option<String>,
    /// It answers `since`, in full and with changes: it has an entity tag.
    pub is_whole_delta: bool,
    pub is_empty: bool,
}

/// A page ends with the row that reaches this many bytes of JSON.
const PAGE_BYTES: usize = 2 << 20;
/// Rows that are read at once.
const CHUNK: u32 = 1000;
/// So many changes are always told as changes.
const FEW: i64 = 1000;

/// # Errors
/// Those of the store.
pub async fn poll(
    tx: &mut dyn Transaction,
    scope: &FeedScope,
    poll: &Poll,
    page_rows: u32,
) -> Result<Told, StoreError> {
    if tx.held().await?.is_some() {
        return Ok(Told::Held);
    }
    let Some(head) = tx.head(&scope.organisation, &scope.environment).await? else {
        return Ok(Told::Gone);
    };
    let name = scope_of(&scope.organisation, &scope.environment, scope.apis.as_deref());
    let now = Cursor { epoch: tx.epoch().await?, position: head.position, scope: name };
    let mut answer = Answer { tx, scope, page_rows };
    match poll {
        Poll::Everything => answer.snapshot(now, None).await,
        Poll::Since(since) => match known(Cursor::parse(since).as_ref(), &now) {
            Ok(since) => answer.since(since.position, now, head).await,
            Err(told) => Ok(told),
        },
        Poll::Page(page) => {
            let page = PageToken::parse(page);
            match (known(page.as_ref().map(PageToken::at), &now).map(drop), page) {
                (Err(told), _) => Ok(told),
                (Ok(()), Some(PageToken::Snapshot { at, after: [api, provider, client_id] })) => {
                    answer.snapshot(at, Some(FeedKey { api, provider, client_id })).await
                }
                // Removals among them may have been forgotten since the first page.
                (Ok(()), Some(PageToken::Changes { since, .. })) if since < head.kept => Ok(Told::Gone),
                (Ok(()), Some(PageToken::Changes { at, since, after })) => answer.delta(since, after, at).await,
                (Ok(()), None) => Ok(Told::Gone),
            }
        }
    }
}

/// The cursor, if it is one of this epoch and scope that is not ahead of us.
fn known<'a>(cursor: Option<&'a Cursor>, now: &Cursor) -> Result<&'a Cursor, Told> {
    match cursor {
        Some(cursor) if cursor.epoch != now.epoch || cursor.scope != now.scope => Err(Told::Gone),
        Some(cursor) if cursor.position > now.position => Err(Told::Behind),
        Some(cursor) => Ok(cursor),
        None => Err(Told::Gone),
    }
}

struct Answer<'a> {
    tx: &'a mut dyn Transaction,
    scope: &'a FeedScope,
    page_rows: u32,
}

impl Answer<'_> {
    async fn since(&mut self, since: i64, now: Cursor, head: Head) -> Result<Told, StoreError> {
        if since < head.kept || self.is_much(since, head).await? {
            self.snapshot(now, None).await
        } else {
            self.delta(since, since, now).await
        }
    }

    /// More changes than are worth telling one by one.
    async fn is_much(&mut self, since: i64, head: Head) -> Result<bool, StoreError> {
        if self.tx.count_changes(self.scope, since, FEW + 1).await? <= FEW {
            return Ok(false);
        }
        let rows = match self.scope.apis {
            None => head.rows,
            Some(_) => self.tx.count_rows(self.scope).await?,
        };
        let fifth = rows / 5;
        Ok(self.tx.count_changes(self.scope, since, fifth.max(FEW) + 1).await? > fifth)
    }

    async fn snapshot(&mut self, at: Cursor, after: Option<FeedKey>) -> Result<Told, StoreError> {
        let mut page = Rows::new(self.page_rows);
        let mut last = after;
        while let Some(limit) = page.room() {
            let chunk = self.tx.snapshot(self.scope, last.as_ref(), limit).await?;
            let is_last = chunk.len() < limit as usize;
            last = page.take(chunk)?.map(|row| row.key).or(last);
            page.is_last = is_last && !page.is_cut;
        }
        let next = last
            .filter(|_| !page.is_last)
            .map(|key| PageToken::Snapshot { at: at.clone(), after: [key.api, key.provider, key.client_id] });
        page.told(DocumentKind::Snapshot, &at, next, false)
    }

    /// Up to where the feed stands by now, also on later pages: a row that was to be told and has changed meanwhile stands
    /// behind the others, and who is told neither keeps granting what was over when he asked.
    async fn delta(&mut self, since: i64, after: i64, at: Cursor) -> Result<Told, StoreError> {
        let mut page = Rows::new(self.page_rows);
        let mut last = after;
        while let Some(limit) = page.room() {
            let chunk = self.tx.changes(self.scope, last, limit).await?;
            let is_last = chunk.len() < limit as usize;
            last = page.take(chunk)?.map_or(last, |row| row.position);
            page.is_last = is_last && !page.is_cut;
        }
        let next = (!page.is_last).then(|| PageToken::Changes { at: at.clone(), since, after: last });
        let is_whole = after == since && next.is_none();
        page.told(DocumentKind::Delta, &at, next, is_whole)
    }
}

/// The rows of a page while it is filled.
struct Rows {
    written: Vec<String>,
    bytes: usize,
    most: usize,
    /// There are no more rows behind those that were taken.
    is_last: bool,
    /// Some of those that were read found no room.
    is_cut: bool,
}

impl Rows {
    fn new(most: u32) -> Self {
        Self { written: Vec::new(), bytes: 0, most: most as usize, is_last: false, is_cut: false }
    }

    /// How many to read next; `None` when the page is full, or nothing is left.
    fn room(&self) -> Option<u32> {
        if self.is_last || self.is_full() {
            return None;
        }
        let left = u32::try_from(self.most.saturating_sub(self.written.len())).unwrap_or(CHUNK);
        Some(left.clamp(1, CHUNK))
    }

    fn is_full(&self) -> bool {
        self.written.len() >= self.most || self.bytes >= PAGE_BYTES
    }

    /// Takes as many as there is room for, and says which was the last.
    fn take(&mut self, chunk: Vec<FeedRow>) -> Result<Option<FeedRow>, StoreError> {
        let mut last = None;
        for row in chunk {
            if self.is_full() {
                self.is_cut = true;
                break;
            }
            let text = match &row.row {
                Some(text) => text.clone(),
                None => removal(&row.key)?,
            };
            self.bytes = self.bytes.saturating_add(text.len());
            self.written.push(text);
            last = Some(row);
        }
        Ok(last)
    }

    fn told(
        self,
        kind: DocumentKind,
        at: &Cursor,
        next: Option<PageToken>,
        is_whole_delta: bool,
    ) -> Result<Told, StoreError> {
        let cursor = at.to_string();
        let json = write_document(kind, &self.written, Some(&cursor))
            .ok_or_else(|| StoreError::Broken("a cursor that is too long".to_owned()))?;
        let next = next.map(|token| token.to_string());
        let is_empty = self.written.is_empty();
        Ok(Told::Document(Document {
            kind,
            json: json.into(),
            cursor,
            position: at.position,
            next,
            is_whole_delta,
            is_empty,
        }))
    }
}

fn removal(key: &FeedKey) -> Result<String, StoreError> {
    let identity = Identity {
        api: key.api.as_str().into(),
        provider: Some(key.provider.as_str().into()),
        client_id: key.client_id.as_str().into(),
    };
    write_removal(&identity).map_err(|error| StoreError::Broken(format!("a row of the feed: {error}")))
}

#[cfg(test)]
mod tests;
