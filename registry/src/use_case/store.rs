//! What the use cases need of a database: transactions over tables of records, and the feed ([`super::feed_store`]).
//!
//! Each table has the columns `organisation`, `id` (together its primary key), `revision`, `body` (JSON) and those that
//! [`Table`] names; all of them but `revision` are texts that compare byte by byte. Moments in them are in the form of
//! [`crate::domain::time::Time`], which sorts as they do.

use async_trait::async_trait;
use tokio::sync::watch;

use crate::use_case::feed_store::{FeedStore, Heads};

pub use crate::use_case::store_error::StoreError;

/// A table of records, with what records are found, ordered and kept unique by beside their identifiers.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// May be null each.
    pub columns: &'static [&'static str],
}

/// A record as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub organisation: String,
    pub id: String,
    /// Rises by one with each change; positive.
    pub revision: i64,
    /// In the order of the table's.
    pub columns: Vec<Option<String>>,
    pub body: String,
}

/// What records must be like. A column is `id` or one that the table names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Is(&'static str, String),
    IsNot(&'static str, String),
    IsNull(&'static str),
    IsNotNull(&'static str),
    IsIn(&'static str, Vec<String>),
    /// Has this as a part, byte by byte.
    Contains(&'static str, String),
    /// Sorts before, and not null.
    Before(&'static str, String),
    /// Sorts at or after.
    From(&'static str, String),
    /// The column is the identifier of a record of that table, of the same organisation, that fulfils all of these.
    Refers(&'static str, &'static Table, Vec<Condition>),
    /// The identifier of this record is in that column of a record of that table, of the same organisation, that
    /// fulfils all of these.
    ReferredBy(&'static Table, &'static str, Vec<Condition>),
    /// At least one of these; none for an empty list.
    Any(Vec<Condition>),
    All(Vec<Condition>),
}

/// A part of a table, in the order of identifiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// All of these.
    pub conditions: Vec<Condition>,
    /// Beyond this identifier, in the order that is asked for.
    pub after: Option<String>,
    pub descending: bool,
    /// At most so many.
    pub limit: u32,
}

/// A database.
#[async_trait]
pub trait Store: Send + Sync {
    /// A transaction that sees one moment and changes nothing; there may be many at once.
    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// A transaction that changes. What it has read with [`Transaction::lock`] does not change until it ends. Dropped
    /// without a commit, it has changed nothing.
    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Where the feeds stand, by whatever process raised them; looked at each second at the latest.
    fn heads(&self) -> watch::Receiver<Heads>;
}

#[async_trait]
pub trait Transaction: FeedStore + Send {
    async fn get(&mut self, table: &'static Table, organisation: &str, id: &str) -> Result<Option<Stored>, StoreError>;

    /// As [`Self::get`], and nobody else changes or locks the record until this transaction ends.
    async fn lock(&mut self, table: &'static Table, organisation: &str, id: &str)
    -> Result<Option<Stored>, StoreError>;

    /// The record of any organisation with this in a column that is unique.
    async fn find(
        &mut self,
        table: &'static Table,
        column: &'static str,
        value: &str,
    ) -> Result<Option<Stored>, StoreError>;

    async fn list(
        &mut self,
        table: &'static Table,
        organisation: &str,
        query: &Query,
    ) -> Result<Vec<Stored>, StoreError>;

    async fn count(
        &mut self,
        table: &'static Table,
        organisation: &str,
        conditions: &[Condition],
    ) -> Result<u64, StoreError>;

    /// Records of all organisations, in the order of organisation and identifier, beyond that of `after`.
    async fn scan(
        &mut self,
        table: &'static Table,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError>;

    async fn insert(&mut self, table: &'static Table, record: &Stored) -> Result<(), StoreError>;

    /// Inserts them all.
    async fn insert_all(&mut self, table: &'static Table, records: &[Stored]) -> Result<(), StoreError>;

    /// Replaces revision, columns and body; [`StoreError::Broken`] where there is no such record.
    async fn update(&mut self, table: &'static Table, record: &Stored) -> Result<(), StoreError>;

    async fn delete(&mut self, table: &'static Table, organisation: &str, id: &str) -> Result<(), StoreError>;

    /// Empties a column wherever it has this value. Revisions and bodies stay: what refers to a thing that goes shall
    /// not refer to one that comes in its name.
    async fn forget(
        &mut self,
        table: &'static Table,
        column: &'static str,
        organisation: &str,
        value: &str,
    ) -> Result<(), StoreError>;

    /// Waits for all who write now; no other writes from here to the end of the transaction.
    async fn alone(&mut self) -> Result<(), StoreError>;

    /// Deletes the records of every table and all feeds; epoch and hold stay.
    async fn clear(&mut self) -> Result<(), StoreError>;

    /// Durable when it returns. What became of it when it fails is not known.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}
