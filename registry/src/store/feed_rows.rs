//! Statements about rows of the feed.

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::domain::time::Time;
use crate::store::faults::fault;
use crate::store::sql::{Sql, sortable};
use crate::use_case::feed_store::{FeedChange, FeedKey, FeedRow, FeedScope};
use crate::use_case::store::StoreError;

/// Rows that one statement writes.
pub(super) const AT_ONCE: usize = 100;

/// Removals that are forgotten at once in an environment; the rest is for the next time.
const FORGOTTEN_AT_ONCE: u32 = 10_000;

const SELECT: &str = "SELECT position, api, provider, client_id, body FROM feed_rows WHERE ";

pub(super) fn read(row: &AnyRow) -> Result<FeedRow, StoreError> {
    let text = |column: usize| row.try_get(column).map_err(fault);
    Ok(FeedRow {
        position: row.try_get(0).map_err(fault)?,
        key: FeedKey { api: text(1)?, provider: text(2)?, client_id: text(3)? },
        row: row.try_get(4).map_err(fault)?,
    })
}

fn of<'a>(sql: &'a mut Sql, organisation: &str, environment: &str) -> &'a mut Sql {
    sql.add("organisation = ").bind(organisation).add(" AND environment = ").bind(environment)
}

fn in_scope<'a>(sql: &'a mut Sql, scope: &FeedScope) -> &'a mut Sql {
    of(sql, &scope.organisation, &scope.environment);
    match &scope.apis {
        None => sql,
        Some(apis) if apis.is_empty() => sql.add(" AND 1 = 0"),
        Some(apis) => sql.add(" AND api IN (").bind_all(apis.iter().map(String::as_str)).add(")"),
    }
}

/// Rows that may be written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Those that are gone.
    Gone,
    All,
}

/// Writes the rows under the positions after `position`.
pub(super) fn write(
    (organisation, environment): (&str, &str),
    changes: &[&FeedChange],
    mut position: i64,
    now: Time,
    over: Over,
) -> Sql {
    let now = Some(now.to_string());
    let mut sql = Sql::new("INSERT INTO feed_rows ");
    sql.add("(organisation, environment, api, provider, client_id, position, body, gone_at) VALUES ");
    for (index, FeedChange { key, row }) in changes.iter().enumerate() {
        position += 1;
        sql.add(if index > 0 { ", (" } else { "(" });
        sql.bind_all([organisation, environment, key.api.as_str(), &key.provider, &key.client_id]).add(", ");
        sql.bind(position).add(", ").bind(row).add(", ").bind(if row.is_some() { &None } else { &now }).add(")");
    }
    sql.add(" ON CONFLICT (organisation, environment, api, provider, client_id) DO UPDATE SET ");
    sql.add("position = excluded.position, body = excluded.body, gone_at = excluded.gone_at");
    sql.add(if over == Over::Gone { " WHERE feed_rows.body IS NULL" } else { "" });
    sql
}

pub(super) fn snapshot(scope: &FeedScope, after: Option<&FeedKey>, limit: u32) -> Sql {
    let mut sql = Sql::new(SELECT);
    in_scope(&mut sql, scope).add(" AND body IS NOT NULL");
    if let Some(key) = after {
        sql.add(" AND (api, provider, client_id) > (");
        sql.bind_all([&key.api, &key.provider, &key.client_id].map(|text| sortable(text))).add(")");
    }
    sql.add(" ORDER BY api, provider, client_id LIMIT ").bind(limit);
    sql
}

pub(super) fn changes(scope: &FeedScope, after: i64, limit: u32) -> Sql {
    let mut sql = Sql::new(SELECT);
    in_scope(&mut sql, scope).add(" AND position > ").bind(after);
    sql.add(" ORDER BY position LIMIT ").bind(limit);
    sql
}

pub(super) fn count(scope: &FeedScope) -> Sql {
    let mut sql = Sql::new("SELECT count(*) FROM feed_rows WHERE ");
    in_scope(&mut sql, scope).add(" AND body IS NOT NULL");
    sql
}

pub(super) fn count_changes(scope: &FeedScope, after: i64, most: i64) -> Sql {
    let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM feed_rows WHERE ");
    in_scope(&mut sql, scope).add(" AND position > ").bind(after).add(" LIMIT ").bind(most).add(") counted");
    sql
}

/// The last position of the removals that are to be forgotten.
pub(super) fn last_forgotten(organisation: &str, environment: &str, before: Time) -> Sql {
    let mut sql = Sql::new("SELECT coalesce(max(position), 0) FROM (SELECT position FROM feed_rows WHERE ");
    of(&mut sql, organisation, environment).add(" AND gone_at < ").bind(before.to_string().as_str());
    sql.add(" ORDER BY position LIMIT ").bind(FORGOTTEN_AT_ONCE).add(") forgotten");
    sql
}

pub(super) fn forget(organisation: &str, environment: &str, before: Time, last: i64) -> Sql {
    let mut sql = Sql::new("DELETE FROM feed_rows WHERE ");
    of(&mut sql, organisation, environment).add(" AND gone_at < ").bind(before.to_string().as_str());
    sql.add(" AND position <= ").bind(last);
    sql
}

/// That removals up to there may be missing.
pub(super) fn keep(organisation: &str, environment: &str, last: i64) -> Sql {
    let mut sql = Sql::new("UPDATE feeds SET kept = ");
    sql.bind(last).add(" WHERE ");
    of(&mut sql, organisation, environment).add(" AND kept < ").bind(last);
    sql
}
