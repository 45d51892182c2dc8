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
/// when it has none. Not all of them fulfil the whole query.
pub(super) async fn few(
    tx: &mut SqlTransaction,
    table: &'static Table,
    organisation: &str,
    query: &Query,
) -> Result<Option<Vec<String>>, StoreError> {
    let Some(alternatives) = narrowest(&query.conditions) else { return Ok(None) };
    // Counted first, for which indexes are enough: of many, nothing else has to be known.
    let counted = found(tx.dialect, table, organisation, alternatives, Wanted::Number);
    let number = tx.row(counted).await?.map_or(Ok(0), |row| row.try_get::<i64, _>(0)).map_err(fault)?;
    if number > FEW.into() {
        return Ok(None);
    }
    let rows = tx.rows(found(tx.dialect, table, organisation, alternatives, Wanted::Identifiers)).await?;
    // Others may have added some meanwhile.
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

/// The alternatives that leave least: a condition that has no other beside it before one of several.
fn narrowest(conditions: &[Condition]) -> Option<&[Condition]> {
    let mut all = Vec::new();
    flatten(conditions, &mut all);
    let one = all.iter().copied().find(|condition| leads(condition)).map(std::slice::from_ref);
    one.or_else(|| all.iter().copied().find_map(alternatives))
}

fn flatten<'a>(conditions: &'a [Condition], all: &mut Vec<&'a Condition>) {
    for condition in conditions {
        match condition {
            Condition::All(inner) => flatten(inner, all),
            condition => all.push(condition),
        }
    }
}

/// Whether it leads to records from something that is named.
fn leads(condition: &Condition) -> bool {
    let is_named = |condition: &Condition| matches!(condition, Condition::IsIn(..)) || leads(condition);
    matches!(condition, Condition::Refers(_, _, inner) if inner.first().is_some_and(is_named))
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

/// What is asked of the records that are found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Number,
    Identifiers,
}

/// As many of them as it takes to see that they are not few.
fn found(
    dialect: Dialect,
    table: &'static Table,
    organisation: &str,
    alternatives: &[Condition],
    wanted: Wanted,
) -> Sql {
    let mut sql =
        Sql::planned_anew(if wanted == Wanted::Number { "SELECT count(*) FROM (" } else { "SELECT id FROM (" });
    for (index, alternative) in alternatives.iter().enumerate() {
        sql.add(if index > 0 { " UNION ALL " } else { "" });
        Search { sql: &mut sql, dialect, organisation, wanted }.fulfilling(table, alternative);
    }
    sql.add(" LIMIT ").bind(FEW + 1).add(") found");
    sql
}

/// A selection of records by what is found first on the left of each join; SQLite does not change the order of a `CROSS
/// JOIN`.
struct Search<'a> {
    sql: &'a mut Sql,
    dialect: Dialect,
    organisation: &'a str,
    wanted: Wanted,
}

impl Search<'_> {
    fn fulfilling(&mut self, table: &'static Table, condition: &Condition) {
        match condition {
            Condition::Refers(column, other, inner) => {
                self.select("t0.", "id").from(other, inner);
                self.sql.add(" CROSS JOIN ").add(table.name).add(" t0");
                self.such(inner).and_of("t0.");
                self.sql.add("t0.").add(column).add(" = t1.id");
            }
            Condition::ReferredBy(other, column, inner) => {
                self.select("t1.", column).from(other, inner).such(inner);
            }
            condition => {
                self.select("t0.", "id").sql.add(" FROM ").add(table.name).add(" t0 WHERE ");
                self.of("t0.");
                conditions::all(self.sql, self.dialect, 0, std::slice::from_ref(condition));
            }
        }
    }

    fn select(&mut self, level: &'static str, column: &'static str) -> &mut Self {
        match self.wanted {
            Wanted::Number => self.sql.add("SELECT 1 AS id"),
            Wanted::Identifiers => self.sql.add("SELECT ").add(level).add(column).add(" AS id"),
        };
        self
    }

    /// The records of another table that fulfil `inner`, as `t1`: from those of a third one where it leads from there.
    fn from(&mut self, other: &'static Table, inner: &[Condition]) -> &mut Self {
        self.sql.add(" FROM ");
        if let Some((_, third, _)) = through(inner) {
            self.sql.add(third.name).add(" t2 CROSS JOIN ");
        }
        self.sql.add(other.name).add(" t1");
        self
    }

    /// What is left out where there is a third table is asked of what was found.
    fn such(&mut self, inner: &[Condition]) -> &mut Self {
        self.sql.add(" WHERE ");
        match through(inner) {
            Some((theirs, _, innermost)) => {
                self.of("t2.");
                conditions::all(self.sql, self.dialect, 2, innermost);
                self.and_of("t1.");
                self.sql.add("t1.").add(theirs).add(" = t2.id");
            }
            None => {
                self.of("t1.");
                conditions::all(self.sql, self.dialect, 1, inner);
            }
        }
        self
    }

    fn of(&mut self, level: &'static str) {
        self.sql.add(level).add("organisation = ").bind(self.organisation).add(" AND ");
    }

    fn and_of(&mut self, level: &'static str) {
        self.sql.add(" AND ");
        self.of(level);
    }
}

/// The column, the table and its conditions that the first of these leads through.
fn through(conditions: &[Condition]) -> Option<(&'static str, &'static Table, &[Condition])> {
    match conditions {
        [Condition::Refers(column, table, inner), ..] => Some((column, table, inner)),
        _ => None,
    }
}
