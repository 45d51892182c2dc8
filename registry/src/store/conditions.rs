//! [`Condition`]s as SQL. Tables are `t0`, `t1` and so on from the outside to the inside.
//!
//! SQLite knows nothing of what is in a table, so that it may look up the worst of several indexes: what leads to few
//! records is told from what they are only looked at for.

use crate::store::dialect::Dialect;
use crate::store::sql::{Sql, sortable};
use crate::use_case::store::{Condition, Table};

const NEVER: &str = "1 = 0";
const ALWAYS: &str = "1 = 1";

/// All of them, about table `t0`, whose indexes may be looked up for them.
pub(super) fn all(sql: &mut Sql, dialect: Dialect, conditions: &[Condition]) {
    let of = Of { dialect, level: 0, is_looked_up: true };
    joined(sql, of, conditions, " AND ", ALWAYS);
}

/// All of them, about the records of table `t0` that something else leads to.
pub(super) fn looked_at(sql: &mut Sql, dialect: Dialect, conditions: &[Condition]) {
    let of = Of { dialect, level: 0, is_looked_up: false };
    joined(sql, of, conditions, " AND ", ALWAYS);
}

/// What a condition is about.
#[derive(Clone, Copy)]
struct Of {
    dialect: Dialect,
    /// Of the table.
    level: usize,
    /// Whether an index of the table may be looked up for it.
    is_looked_up: bool,
}

fn joined(sql: &mut Sql, of: Of, conditions: &[Condition], between: &'static str, none: &'static str) {
    sql.add("(");
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            sql.add(between);
        }
        one(sql, of, condition);
    }
    sql.add(if conditions.is_empty() { none } else { "" }).add(")");
}

fn one(sql: &mut Sql, of: Of, condition: &Condition) {
    match condition {
        Condition::Is(_, value) | Condition::Contains(_, value) if value.contains('\0') => sql.add(NEVER),
        Condition::IsNot(_, value) if value.contains('\0') => sql.add(ALWAYS),
        Condition::Is(name, value) => column(sql, of, name).add(" = ").bind(value.as_str()),
        Condition::IsNot(name, value) => {
            column(sql.add("("), of, name).add(" <> ").bind(value.as_str());
            column(sql.add(" OR "), of, name).add(" IS NULL)")
        }
        Condition::IsNull(name) => column(sql, of, name).add(" IS NULL"),
        Condition::IsNotNull(name) => column(sql, of, name).add(" IS NOT NULL"),
        Condition::IsIn(name, values) => {
            let values: Vec<&str> = values.iter().map(String::as_str).filter(|value| !value.contains('\0')).collect();
            if values.is_empty() {
                sql.add(NEVER)
            } else {
                let (before, after) = of.dialect.is_among(of.is_looked_up);
                column(sql, of, name).add(before).bind(of.dialect.texts(&values).as_str()).add(after)
            }
        }
        Condition::Contains(name, value) => {
            column(sql.add(of.dialect.find()).add("("), of, name).add(", ").bind(value.as_str()).add(") > 0")
        }
        Condition::Before(name, value) => column(sql, of, name).add(" < ").bind(sortable(value)),
        Condition::From(name, value) => column(sql, of, name).add(" >= ").bind(sortable(value)),
        Condition::Refers(name, table, conditions) => {
            exists(sql, of, (table, "id", name), conditions);
            sql
        }
        Condition::ReferredBy(table, name, conditions) => {
            exists(sql, of, (table, name, "id"), conditions);
            sql
        }
        Condition::Any(conditions) => {
            joined(sql, of, conditions, " OR ", NEVER);
            sql
        }
        Condition::All(conditions) => {
            joined(sql, of, conditions, " AND ", ALWAYS);
            sql
        }
    };
}

/// There is a record of the table whose column `theirs` is our column `ours`. Not as `EXISTS`, for which PostgreSQL may
/// read all that there is of the table, before the first record of a list.
fn exists(
    sql: &mut Sql,
    of: Of,
    (table, theirs, ours): (&'static Table, &'static str, &'static str),
    conditions: &[Condition],
) {
    let inner = Of { level: of.level + 1, is_looked_up: true, ..of };
    sql.add("(SELECT 1 FROM ").add(table.name).add(" t").number(inner.level).add(" WHERE ");
    column(sql, inner, "organisation").add(" = ");
    column(sql, of, "organisation").add(" AND ");
    column(sql, inner, theirs).add(" = ");
    column(sql, of, ours).add(" AND ");
    joined(sql, inner, conditions, " AND ", ALWAYS);
    sql.add(" LIMIT 1) IS NOT NULL");
}

fn column<'a>(sql: &'a mut Sql, of: Of, name: &'static str) -> &'a mut Sql {
    let before = if of.is_looked_up { "" } else { of.dialect.not_looked_up() };
    sql.add(before).add("t").number(of.level).add(".").add(name)
}
