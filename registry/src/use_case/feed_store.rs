//! The feed in the database: one row for each identity that has a contract, or lately had one, each under the position
//! of its latest change.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::domain::time::Time;
use crate::use_case::store_error::StoreError;

/// Whom a row is for; rows sort by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedKey {
    pub api: String,
    pub provider: String,
    pub client_id: String,
}

/// A change that is to be published: the row as the contract document has it, or that it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedChange {
    pub key: FeedKey,
    pub row: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    pub position: i64,
    pub key: FeedKey,
    /// JSON; `None` for one that is gone.
    pub row: Option<String>,
}

/// What a gateway sees: an environment, or some of its APIs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedScope {
    pub organisation: String,
    pub environment: String,
    /// All when absent.
    pub apis: Option<Vec<String>>,
}

/// Where the feed of an environment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Of the last change; 0 before the first.
    pub position: i64,
    /// Changes after this one are all there; of earlier ones removals may be missing.
    pub kept: i64,
    /// Rows that are not gone.
    pub rows: i64,
}

/// Where all feeds stand, by organisation and environment, and whether they may be served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// Changes when positions of before mean nothing any more.
    pub epoch: String,
    /// After a restore, until it is released.
    pub held: bool,
    pub positions: BTreeMap<(String, String), i64>,
    /// Rises with each look that succeeded; while it stands still the database cannot be asked.
    pub looks: u64,
}

#[async_trait]
pub trait FeedStore {
    /// Writes the changes, each under the next position, and says which is the last. The counter is raised here and
    /// locked until the commit: this is the last thing that a transaction does for an environment, and environments
    /// come in the order of their names.
    async fn publish(
        &mut self,
        organisation: &str,
        environment: &str,
        changes: &[FeedChange],
        now: Time,
    ) -> Result<i64, StoreError>;

    /// `None` for an environment that does not exist.
    async fn head(&mut self, organisation: &str, environment: &str) -> Result<Option<Head>, StoreError>;

    /// The counter of a new environment.
    async fn begin_feed(&mut self, organisation: &str, environment: &str) -> Result<(), StoreError>;

    /// Counter and rows of an environment that goes.
    async fn end_feed(&mut self, organisation: &str, environment: &str) -> Result<(), StoreError>;

    /// Rows that are not gone, in the order of keys, beyond that one.
    async fn snapshot(
        &mut self,
        scope: &FeedScope,
        after: Option<&FeedKey>,
        limit: u32,
    ) -> Result<Vec<FeedRow>, StoreError>;

    /// Rows, gone ones too, with a position beyond `after`, in the order of positions.
    async fn changes(&mut self, scope: &FeedScope, after: i64, limit: u32) -> Result<Vec<FeedRow>, StoreError>;

    /// How many rows there are that are not gone.
    async fn count_rows(&mut self, scope: &FeedScope) -> Result<i64, StoreError>;

    /// How many rows, gone ones too, have changed after that position; counting ends at `most`.
    async fn count_changes(&mut self, scope: &FeedScope, after: i64, most: i64) -> Result<i64, StoreError>;

    /// Forgets removals of before that time, in all environments.
    async fn forget_removals(&mut self, before: Time) -> Result<(), StoreError>;

    /// Of this database now. Another one after a restore, an import, or a new timeline of PostgreSQL.
    async fn epoch(&mut self) -> Result<String, StoreError>;

    async fn set_epoch(&mut self, epoch: &str) -> Result<(), StoreError>;

    /// When the backup was made whose contracts are held, while they are.
    async fn held(&mut self) -> Result<Option<Time>, StoreError>;

    async fn set_held(&mut self, backup: Option<Time>) -> Result<(), StoreError>;
}
