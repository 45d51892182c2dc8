//! Lists for callers who may read little: what they may read is found by its indexes, rather than by looking whether
//! they may at one record after the other.

use sqlx::Row;

use crate::store::conditions;
use crate::store::dialect::Dialect;
use crate::store::faults::fault;
use crate::store::sql::Sql;
use crate::store::transaction::SqlTransaction;
use crate::use_case::store::{Condition, Query, StoreError, Table};

/// More than these are many: then a look at one after the other soon finds enough of them.
const FEW: u32 = 5000;

/// The identifiers, in the order that is asked for, that the query's alternatives leave; `None` when they are many, or
/// when it has none.
pub(super) async fn few(
    tx: &mut SqlTransaction,
    table: &'static Table,
    organisation: &str,
    query: &Query,
) -> Result<Option<Vec<String>>, StoreError> {
    let Some(alternatives) = query.conditions.iter().find_map(alternatives) else { return Ok(None) };
    let mut sql = Sql::new("SELECT id FROM (");
    for (index, alternative) in alternatives.iter().enumerate() {
        sql.add(if index > 0 { " UNION ALL " } else { "" });
        fulfilling(&mut sql, tx.dialect, table, organisation, alternative);
    }
    sql.add(") few LIMIT ").bind(FEW + 1);
    let rows = tx.rows(sql).await?;
    if rows.len() > FEW as usize {
        return Ok(None);
    }
    let ids = rows.iter().map(|row| row.try_get::<Option<String>, _>(0).map_err(fault));
    let mut ids: Vec<String> = ids.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    if query.descending {
        ids.reverse();
    }
    let is_beyond = |id: &String| match &query.after {
        Some(after) => {
            if query.descending {
                id < after
            } else {
                id > after
            }
        }
        None => true,
    };
    ids.retain(is_beyond);
    Ok(Some(ids))
}

/// Those of a condition, where an index leads to what fulfils each of them.
fn alternatives(condition: &Condition) -> Option<&[Condition]> {
    let is_indexed = |condition: &Condition| {
        matches!(condition, Condition::IsIn(..) | Condition::Refers(..) | Condition::ReferredBy(..))
    };
    match condition {
        Condition::Any(alternatives) if !alternatives.is_empty() && alternatives.iter().all(is_indexed) => {
            Some(alternatives)
        }
        _ => None,
    }
}

/// The identifiers of those records that fulfil the condition, by what is found first on the left of each join; SQLite
/// does not change the order of a `CROSS JOIN`.
fn fulfilling(sql: &mut Sql, dialect: Dialect, table: &'static Table, organisation: &str, condition: &Condition) {
    let of = |sql: &mut Sql, level: &'static str| {
        sql.add(level).add(".organisation = ").bind(organisation).add(" AND ");
    };
    match condition {
        Condition::Refers(column, other, inner) => {
            sql.add("SELECT t0.id AS id FROM ").add(other.name).add(" t1 CROSS JOIN ").add(table.name);
            of(sql.add(" t0 WHERE "), "t1");
            conditions::all(sql, dialect, 1, inner);
            of(sql.add(" AND "), "t0");
            sql.add("t0.").add(column).add(" = t1.id");
        }
        Condition::ReferredBy(other, column, inner) => match inner.as_slice() {
            [Condition::Refers(theirs, third, innermost), rest @ ..] => {
                sql.add("SELECT t1.").add(column).add(" AS id FROM ").add(third.name).add(" t2 CROSS JOIN ");
                of(sql.add(other.name).add(" t1 WHERE "), "t2");
                conditions::all(sql, dialect, 2, innermost);
                of(sql.add(" AND "), "t1");
                sql.add("t1.").add(theirs).add(" = t2.id AND ");
                conditions::all(sql, dialect, 1, rest);
            }
            _ => {
                sql.add("SELECT t1.").add(column).add(" AS id FROM ").add(other.name);
                of(sql.add(" t1 WHERE "), "t1");
                conditions::all(sql, dialect, 1, inner);
            }
        },
        condition => {
            sql.add("SELECT t0.id AS id FROM ").add(table.name);
            of(sql.add(" t0 WHERE "), "t0");
            conditions::all(sql, dialect, 0, std::slice::from_ref(condition));
        }
    }
}
