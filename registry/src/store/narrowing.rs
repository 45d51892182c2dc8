//! Lists for callers who may read little: what they may read is found by its indexes, rather than by looking whether
//! they may at one record after the other.
//!
//! Conditions about records of other tables become sets of names where those are small; then all is asked of one table,
//! and where few of its records have such a name, these alone are looked at.

use std::future::Future;
use std::pin::Pin;

use sqlx::Row;

use crate::store::conditions;
use crate::store::faults::fault;
use crate::store::sql::{Sql, sortable};
use crate::store::transaction::SqlTransaction;
use crate::use_case::store::{Condition, Query, StoreError, Table};

/// More than these are many: then a look at one after the other soon finds enough of them.
const FEW: u32 = 5000;

/// Records that are read at most for a set of the names that they refer to.
const REFERRING: u32 = 4 * FEW;

/// Identifiers that are found at once.
const FOUND_AT_ONCE: u32 = 500;

/// What a list asks for, narrowed.
#[derive(Debug, Default)]
pub(super) struct Narrowed {
    /// As they were asked for.
    pub(super) plain: Vec<Condition>,
    /// Those that were about other tables, or about one of several columns.
    pub(super) others: Vec<Condition>,
    /// Sets of names: every record that is asked for has one of one of them, and few records have.
    few: Option<Vec<Condition>>,
}

/// # Errors
/// Those of the store.
pub(super) async fn narrowed(
    tx: &mut SqlTransaction,
    table: &'static Table,
    organisation: &str,
    asked: &[Condition],
) -> Result<Narrowed, StoreError> {
    let (mut all, mut narrowed) = (Vec::new(), Narrowed::default());
    flatten(asked, &mut all);
    for condition in all {
        if is_plain(condition) || matches!(condition, Condition::IsIn(..)) {
            narrowed.plain.push(condition.clone());
            continue;
        }
        let condition = resolved(tx, organisation, condition).await?;
        let sets = sets(&condition);
        if narrowed.few.is_none() && !sets.is_empty() && number(tx, table, organisation, sets, FEW).await? <= FEW {
            narrowed.few = Some(sets.to_vec());
        } else {
            narrowed.others.push(condition);
        }
    }
    Ok(narrowed)
}

impl Narrowed {
    pub(super) fn is_to_few(&self) -> bool {
        self.few.is_some()
    }

    /// The identifiers of the few beyond that one, in the order that is asked for, and whether there may be more. Those
    /// that do not fulfil the plain conditions are left out.
    pub(super) async fn found(
        &self,
        tx: &mut SqlTransaction,
        table: &'static Table,
        organisation: &str,
        query: &Query,
    ) -> Result<(Vec<String>, bool), StoreError> {
        let mut sql = Sql::planned_anew("SELECT id FROM (");
        for (index, set) in self.few.iter().flatten().enumerate() {
            sql.add(if index > 0 { " UNION " } else { "" });
            sql.add("SELECT t0.id AS id FROM ").add(table.name).add(" t0 WHERE t0.organisation = ");
            sql.bind(organisation).add(" AND ");
            conditions::all(&mut sql, tx.dialect, std::slice::from_ref(set));
            sql.add(" AND ");
            conditions::looked_at(&mut sql, tx.dialect, &self.plain);
        }
        sql.add(") found");
        if let Some(after) = &query.after {
            sql.add(if query.descending { " WHERE id < " } else { " WHERE id > " }).bind(sortable(after));
        }
        let limit = if self.others.is_empty() { query.limit.min(FOUND_AT_ONCE) } else { FOUND_AT_ONCE };
        sql.add(" ORDER BY id").add(if query.descending { " DESC" } else { "" }).add(" LIMIT ").bind(limit);
        let ids = texts(tx, sql).await?;
        let has_more = ids.len() >= limit as usize;
        Ok((ids, has_more))
    }
}

fn flatten<'a>(conditions: &'a [Condition], all: &mut Vec<&'a Condition>) {
    for condition in conditions {
        match condition {
            Condition::All(inner) => flatten(inner, all),
            condition => all.push(condition),
        }
    }
}

/// Whether it is about one column of the record itself.
fn is_plain(condition: &Condition) -> bool {
    match condition {
        Condition::Is(..)
        | Condition::IsNot(..)
        | Condition::IsNull(_)
        | Condition::IsNotNull(_)
        | Condition::Contains(..)
        | Condition::Before(..)
        | Condition::From(..) => true,
        Condition::All(inner) => inner.iter().all(is_plain),
        Condition::IsIn(..) | Condition::Refers(..) | Condition::ReferredBy(..) | Condition::Any(_) => false,
    }
}

/// The sets that it is made of, if it is.
fn sets(condition: &Condition) -> &[Condition] {
    match condition {
        Condition::IsIn(..) => std::slice::from_ref(condition),
        Condition::Any(inner) if inner.iter().all(|condition| matches!(condition, Condition::IsIn(..))) => inner,
        _ => &[],
    }
}

type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Condition, StoreError>> + Send + 'a>>;

/// With sets in the place of references that lead to few.
fn resolved<'a>(tx: &'a mut SqlTransaction, organisation: &'a str, condition: &'a Condition) -> Resolving<'a> {
    Box::pin(async move {
        Ok(match condition {
            Condition::Refers(column, table, inner) => {
                let inner = all_resolved(tx, organisation, inner).await?;
                match names(tx, table, "id", organisation, &inner).await? {
                    Some(names) => Condition::IsIn(column, names),
                    None => Condition::Refers(column, table, inner),
                }
            }
            Condition::ReferredBy(table, column, inner) => {
                let inner = all_resolved(tx, organisation, inner).await?;
                match names(tx, table, column, organisation, &inner).await? {
                    Some(names) => Condition::IsIn("id", names),
                    None => Condition::ReferredBy(table, column, inner),
                }
            }
            Condition::Any(inner) => Condition::Any(all_resolved(tx, organisation, inner).await?),
            Condition::All(inner) => Condition::All(all_resolved(tx, organisation, inner).await?),
            condition => condition.clone(),
        })
    })
}

async fn all_resolved(
    tx: &mut SqlTransaction,
    organisation: &str,
    conditions: &[Condition],
) -> Result<Vec<Condition>, StoreError> {
    let mut all = Vec::with_capacity(conditions.len());
    for condition in conditions {
        all.push(resolved(tx, organisation, condition).await?);
    }
    Ok(all)
}

/// What is in a column of the records that fulfil all of these, each once; `None` when it is much, or when no set leads
/// there.
async fn names(
    tx: &mut SqlTransaction,
    table: &'static Table,
    column: &'static str,
    organisation: &str,
    conditions: &[Condition],
) -> Result<Option<Vec<String>>, StoreError> {
    let (sets, others): (Vec<Condition>, Vec<Condition>) =
        conditions.iter().cloned().partition(|condition| matches!(condition, Condition::IsIn(..)));
    // Counted first, for which indexes are enough: of many, nothing else has to be known.
    if sets.is_empty() || number(tx, table, organisation, &sets, REFERRING).await? > REFERRING {
        return Ok(None);
    }
    let mut sql = Sql::planned_anew("SELECT DISTINCT ");
    // Else SQLite would find them in the order of the column, whatever leads to them.
    sql.add(tx.dialect.not_looked_up())
        .add("t0.")
        .add(column)
        .add(" AS id FROM ")
        .add(table.name)
        .add(" t0 WHERE t0.organisation = ")
        .bind(organisation);
    sql.add(" AND ");
    conditions::all(&mut sql, tx.dialect, &sets);
    sql.add(" AND ");
    conditions::looked_at(&mut sql, tx.dialect, &others);
    sql.add(" LIMIT ").bind(FEW + 1);
    let names = texts(tx, sql).await?;
    Ok((names.len() <= FEW as usize).then_some(names))
}

/// How many records have a name of one of these sets, at most one more than the limit.
async fn number(
    tx: &mut SqlTransaction,
    table: &'static Table,
    organisation: &str,
    sets: &[Condition],
    limit: u32,
) -> Result<u32, StoreError> {
    let mut sql = Sql::planned_anew("SELECT count(*) FROM (");
    for (index, set) in sets.iter().enumerate() {
        sql.add(if index > 0 { " UNION ALL " } else { "" });
        sql.add("SELECT 1 FROM ").add(table.name).add(" t0 WHERE t0.organisation = ").bind(organisation).add(" AND ");
        conditions::all(&mut sql, tx.dialect, std::slice::from_ref(set));
    }
    sql.add(" LIMIT ").bind(limit + 1).add(") found");
    let number = tx.row(sql).await?.map_or(Ok(0), |row| row.try_get::<i64, _>(0)).map_err(fault)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The first column of each row where it is not null.
async fn texts(tx: &mut SqlTransaction, sql: Sql) -> Result<Vec<String>, StoreError> {
    let rows = tx.rows(sql).await?;
    rows.iter().map(|row| row.try_get::<Option<String>, _>(0).map_err(fault)).filter_map(Result::transpose).collect()
}
