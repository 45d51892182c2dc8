//! How many there are of what the metrics tell, each counted by an index alone.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::domain::provider::Provider;
use crate::store::faults::fault;
use crate::store::sql::Sql;
use crate::store::transaction::SqlTransaction;
use crate::use_case::store::StoreError;

/// Tasks of a kind and status that are stuck, or those that are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskTally {
    pub kind: String,
    pub status: String,
    pub is_stuck: bool,
    pub count: i64,
    /// The identifier of the oldest.
    pub oldest: String,
}

/// What a provider of an organisation has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderTally {
    pub id: String,
    pub orphans: i64,
    /// Of one that takes one-time tokens.
    pub one_time_left: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Rows of each feed that are not gone, by organisation and environment.
    pub feed_rows: BTreeMap<(String, String), i64>,
    /// Contracts that wait for somebody's approval, by organisation.
    pub approvals: BTreeMap<String, i64>,
    pub tasks: Vec<TaskTally>,
    pub providers: Vec<ProviderTally>,
    /// The identifiers of all gateways.
    pub gateways: BTreeSet<String>,
}

const FEED_ROWS: &str = "SELECT organisation, environment, live FROM feeds WHERE ended = 0";
const APPROVALS: &str = "SELECT o.organisation, (SELECT count(*) FROM contracts c \
     WHERE c.organisation = o.organisation AND c.waiting >= '') FROM organisations o";
const TASKS: &str = "SELECT kind, status, stuck, count(*), min(id) FROM tasks GROUP BY kind, status, stuck";
const PROVIDERS: &str = "SELECT p.id, p.body, \
     (SELECT count(*) FROM orphans o WHERE o.organisation = p.organisation AND o.provider = p.id), \
     (SELECT count(*) FROM one_time_tokens t WHERE t.organisation = p.organisation AND t.provider = p.id) \
     FROM providers p";
const GATEWAYS: &str = "SELECT id FROM gateways";

fn text(row: &AnyRow, column: usize) -> Result<String, StoreError> {
    row.try_get(column).map_err(fault)
}

fn number(row: &AnyRow, column: usize) -> Result<i64, StoreError> {
    row.try_get(column).map_err(fault)
}

pub(super) async fn tallied(tx: &mut SqlTransaction) -> Result<Tallies, StoreError> {
    let feeds = tx.rows(Sql::new(FEED_ROWS)).await?;
    let organisations = tx.rows(Sql::new(APPROVALS)).await?;
    let tasks = tx.rows(Sql::new(TASKS)).await?;
    let providers = tx.rows(Sql::new(PROVIDERS)).await?;
    let gateways = tx.rows(Sql::new(GATEWAYS)).await?;
    let task = |row: &AnyRow| {
        let is_stuck = text(row, 2)? == "true";
        Ok(TaskTally {
            kind: text(row, 0)?,
            status: text(row, 1)?,
            is_stuck,
            count: number(row, 3)?,
            oldest: text(row, 4)?,
        })
    };
    let provider = |row: &AnyRow| {
        let (id, body) = (text(row, 0)?, text(row, 1)?);
        let kept: Provider =
            serde_json::from_str(&body).map_err(|error| StoreError::Broken(format!("provider {id}: {error}")))?;
        let one_time_left = kept.takes_one_time_tokens().then(|| number(row, 3)).transpose()?;
        Ok(ProviderTally { id, orphans: number(row, 2)?, one_time_left })
    };
    Ok(Tallies {
        feed_rows: feeds
            .iter()
            .map(|row| Ok(((text(row, 0)?, text(row, 1)?), number(row, 2)?)))
            .collect::<Result<_, _>>()?,
        approvals: organisations.iter().map(|row| Ok((text(row, 0)?, number(row, 1)?))).collect::<Result<_, _>>()?,
        tasks: tasks.iter().map(task).collect::<Result<_, _>>()?,
        providers: providers.iter().map(provider).collect::<Result<_, _>>()?,
        gateways: gateways.iter().map(|row| text(row, 0)).collect::<Result<_, _>>()?,
    })
}
