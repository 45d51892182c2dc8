//! Counters of the feed, and what is asked of its rows ([`super::feed_rows`]).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::domain::time::Time;
use crate::store::dialect::Dialect;
use crate::store::faults::fault;
use crate::store::feed_rows::Over;
use crate::store::sql::Sql;
use crate::store::transaction::SqlTransaction;
use crate::store::watched::CHANNEL;
use crate::store::{feed_rows, state};
use crate::use_case::feed_store::{FeedChange, FeedKey, FeedRow, FeedScope, FeedStore, Head};
use crate::use_case::store::StoreError;

fn number(row: &AnyRow, column: usize) -> Result<i64, StoreError> {
    row.try_get(column).map_err(fault)
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Of every environment.
pub(super) async fn positions(tx: &mut SqlTransaction) -> Result<BTreeMap<(String, String), i64>, StoreError> {
    let rows = tx.rows(Sql::new("SELECT position, organisation, environment FROM feeds WHERE ended = 0")).await?;
    let text = |row: &AnyRow, column: usize| row.try_get::<String, _>(column).map_err(fault);
    rows.iter().map(|row| Ok(((text(row, 1)?, text(row, 2)?), number(row, 0)?))).collect()
}

/// Each identity once, with what became of it last.
fn latest(changes: &[FeedChange]) -> Vec<&FeedChange> {
    let mut seen = BTreeSet::new();
    let mut latest: Vec<&FeedChange> = changes.iter().rev().filter(|change| seen.insert(&change.key)).collect();
    latest.reverse();
    latest
}

impl SqlTransaction {
    /// Raises a counter, which from here on nobody else does until the commit: positions appear in order.
    async fn raise(&mut self, organisation: &str, environment: &str, by: i64) -> Result<i64, StoreError> {
        let mut sql = Sql::new("UPDATE feeds SET position = position + ");
        sql.bind(by).add(" WHERE organisation = ").bind(organisation).add(" AND environment = ").bind(environment);
        sql.add(" AND ended = 0 RETURNING position");
        let row = self.row(sql).await?;
        let row = row.ok_or_else(|| StoreError::Broken(format!("there is no feed of {environment}")))?;
        number(&row, 0)
    }

    async fn count_live(&mut self, organisation: &str, environment: &str, by: i64) -> Result<(), StoreError> {
        let mut sql = Sql::new("UPDATE feeds SET live = live + ");
        sql.bind(by).add(" WHERE organisation = ").bind(organisation).add(" AND environment = ").bind(environment);
        self.run(sql).await.map(drop)
    }

    /// By how many there are more rows then that are not gone. Those that are, or that are new, are written first: what
    /// is left over was there. To look what is there would leave it to a planner to find out how.
    async fn write(
        &mut self,
        organisation: &str,
        environment: &str,
        changes: &[&FeedChange],
        next: i64,
        now: Time,
    ) -> Result<i64, StoreError> {
        let writing = |over| feed_rows::write((organisation, environment), changes, next, now, over);
        let written = i64::try_from(self.run(writing(Over::Gone)).await?).unwrap_or(i64::MAX);
        let left = count(changes.len()) - written;
        if left > 0 {
            self.run(writing(Over::All)).await?;
        }
        Ok(count(changes.iter().filter(|change| change.row.is_some()).count()) - left)
    }

    async fn ask_number(&mut self, sql: Sql) -> Result<i64, StoreError> {
        self.row(sql).await?.map_or(Ok(0), |row| number(&row, 0))
    }
}

#[async_trait]
impl FeedStore for SqlTransaction {
    async fn publish(
        &mut self,
        organisation: &str,
        environment: &str,
        changes: &[FeedChange],
        now: Time,
    ) -> Result<i64, StoreError> {
        self.writing()?;
        let changes = latest(changes);
        let by = count(changes.len());
        let last = self.raise(organisation, environment, by).await?;
        let mut next = last - by;
        let mut live = 0;
        for part in changes.chunks(feed_rows::AT_ONCE) {
            live += self.write(organisation, environment, part, next, now).await?;
            next += count(part.len());
        }
        if live != 0 {
            self.count_live(organisation, environment, live).await?;
        }
        if by > 0 {
            self.published.insert((organisation.to_owned(), environment.to_owned()), last);
            self.tell().await?;
        }
        Ok(last)
    }

    async fn head(&mut self, organisation: &str, environment: &str) -> Result<Option<Head>, StoreError> {
        let mut sql = Sql::new("SELECT position, kept, live FROM feeds WHERE organisation = ");
        sql.bind(organisation).add(" AND environment = ").bind(environment).add(" AND ended = 0");
        let Some(row) = self.row(sql).await? else { return Ok(None) };
        Ok(Some(Head { position: number(&row, 0)?, kept: number(&row, 1)?, rows: number(&row, 2)? }))
    }

    /// The counter of an environment of that name goes on where an earlier one ended: cursors of then are too old.
    async fn begin_feed(&mut self, organisation: &str, environment: &str) -> Result<(), StoreError> {
        self.writing()?;
        let mut sql = Sql::new("INSERT INTO feeds (organisation, environment, position, kept, live, ended) VALUES (");
        sql.bind_all([organisation, environment]).add(", 0, 0, 0, 0) ON CONFLICT (organisation, environment) ");
        sql.add(
            "DO UPDATE SET position = feeds.position + 1, kept = feeds.position + 1, ended = 0 WHERE feeds.ended = 1",
        );
        if self.run(sql).await? == 0 { Err(StoreError::Exists) } else { Ok(()) }
    }

    async fn end_feed(&mut self, organisation: &str, environment: &str) -> Result<(), StoreError> {
        self.writing()?;
        let mut sql = Sql::new("UPDATE feeds SET live = 0, ended = 1 WHERE organisation = ");
        sql.bind(organisation).add(" AND environment = ").bind(environment);
        self.run(sql).await?;
        let mut sql = Sql::new("DELETE FROM feed_rows WHERE organisation = ");
        sql.bind(organisation).add(" AND environment = ").bind(environment);
        self.run(sql).await.map(drop)
    }

    async fn snapshot(
        &mut self,
        scope: &FeedScope,
        after: Option<&FeedKey>,
        limit: u32,
    ) -> Result<Vec<FeedRow>, StoreError> {
        self.rows(feed_rows::snapshot(scope, after, limit)).await?.iter().map(feed_rows::read).collect()
    }

    async fn changes(&mut self, scope: &FeedScope, after: i64, limit: u32) -> Result<Vec<FeedRow>, StoreError> {
        self.rows(feed_rows::changes(scope, after, limit)).await?.iter().map(feed_rows::read).collect()
    }

    async fn count_rows(&mut self, scope: &FeedScope) -> Result<i64, StoreError> {
        if scope.apis.is_none() {
            return Ok(self.head(&scope.organisation, &scope.environment).await?.unwrap_or_default().rows);
        }
        self.ask_number(feed_rows::count(scope)).await
    }

    async fn count_changes(&mut self, scope: &FeedScope, after: i64, most: i64) -> Result<i64, StoreError> {
        self.ask_number(feed_rows::count_changes(scope, after, most)).await
    }

    async fn forget_removals(&mut self, before: Time) -> Result<(), StoreError> {
        self.writing()?;
        for (organisation, environment) in positions(self).await?.into_keys() {
            // Nobody publishes meanwhile.
            self.raise(&organisation, &environment, 0).await?;
            let last = self.ask_number(feed_rows::last_forgotten(&organisation, &environment, before)).await?;
            if last > 0 {
                self.run(feed_rows::forget(&organisation, &environment, before, last)).await?;
                self.run(feed_rows::keep(&organisation, &environment, last)).await?;
            }
        }
        Ok(())
    }

    async fn epoch(&mut self) -> Result<String, StoreError> {
        state::get(self, state::EPOCH).await?.ok_or_else(|| StoreError::Broken("there is no epoch".to_owned()))
    }

    async fn set_epoch(&mut self, epoch: &str) -> Result<(), StoreError> {
        self.turns = true;
        self.published.clear();
        self.tell().await?;
        state::set(self, state::EPOCH, epoch).await
    }

    async fn held(&mut self) -> Result<Option<Time>, StoreError> {
        state::held(self).await
    }

    async fn set_held(&mut self, backup: Option<Time>) -> Result<(), StoreError> {
        self.turns = true;
        self.tell().await?;
        state::set_held(self, backup).await
    }
}

impl SqlTransaction {
    /// Other replicas, when this is committed.
    async fn tell(&mut self) -> Result<(), StoreError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(());
        }
        let mut sql = Sql::new("SELECT pg_notify(");
        sql.bind(CHANNEL).add(", '')");
        self.row(sql).await.map(drop)
    }
}
