//! [`Condition`]s as SQL. Tables are `t0`, `t1` and so on from the outside to the inside.

use crate::store::dialect::Dialect;
use crate::store::sql::{Sql, sortable};
use crate::use_case::store::{Condition, Table};

const NEVER: &str = "1 = 0";
const ALWAYS: &str = "1 = 1";

/// All of them, about table `t<level>`.
pub(super) fn all(sql: &mut Sql, dialect: Dialect, level: usize, conditions: &[Condition]) {
    joined(sql, dialect, level, conditions, " AND ", ALWAYS);
}

fn joined(
    sql: &mut Sql,
    dialect: Dialect,
    level: usize,
    conditions: &[Condition],
    between: &'static str,
    none: &'static str,
) {
    sql.add("(");
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            sql.add(between);
        }
        one(sql, dialect, level, condition);
    }
    sql.add(if conditions.is_empty() { none } else { "" }).add(")");
}

fn one(sql: &mut Sql, dialect: Dialect, level: usize, condition: &Condition) {
    match condition {
        Condition::Is(_, value) | Condition::Contains(_, value) if value.contains('\0') => sql.add(NEVER),
        Condition::IsNot(_, value) if value.contains('\0') => sql.add(ALWAYS),
        Condition::Is(name, value) => column(sql, level, name).add(" = ").bind(value.as_str()),
        Condition::IsNot(name, value) => {
            column(sql.add("("), level, name).add(" <> ").bind(value.as_str());
            column(sql.add(" OR "), level, name).add(" IS NULL)")
        }
        Condition::IsNull(name) => column(sql, level, name).add(" IS NULL"),
        // In a form that no planner looks up in an index, where it is most of it. No text that may be null is empty.
        Condition::IsNotNull(name) => column(sql.add("coalesce("), level, name).add(", '') <> ''"),
        Condition::IsIn(name, values) => {
            let values: Vec<&str> = values.iter().map(String::as_str).filter(|value| !value.contains('\0')).collect();
            if values.is_empty() {
                sql.add(NEVER)
            } else {
                let (before, after) = dialect.is_among();
                column(sql, level, name).add(before).bind(dialect.texts(&values).as_str()).add(after)
            }
        }
        Condition::Contains(name, value) => {
            column(sql.add(dialect.find()).add("("), level, name).add(", ").bind(value.as_str()).add(") > 0")
        }
        Condition::Before(name, value) => column(sql, level, name).add(" < ").bind(sortable(value)),
        Condition::From(name, value) => column(sql, level, name).add(" >= ").bind(sortable(value)),
        Condition::Refers(name, table, conditions) => {
            exists(sql, dialect, level, (table, "id", name), conditions);
            sql
        }
        Condition::ReferredBy(table, name, conditions) => {
            exists(sql, dialect, level, (table, name, "id"), conditions);
            sql
        }
        Condition::Any(conditions) => {
            joined(sql, dialect, level, conditions, " OR ", NEVER);
            sql
        }
        Condition::All(conditions) => {
            all(sql, dialect, level, conditions);
            sql
        }
    };
}

/// There is a record of the table whose column `theirs` is our column `ours`.
fn exists(
    sql: &mut Sql,
    dialect: Dialect,
    level: usize,
    (table, theirs, ours): (&'static Table, &'static str, &'static str),
    conditions: &[Condition],
) {
    let inner = level + 1;
    sql.add("EXISTS (SELECT 1 FROM ").add(table.name).add(" t").number(inner).add(" WHERE ");
    column(sql, inner, "organisation").add(" = ");
    column(sql, level, "organisation").add(" AND ");
    column(sql, inner, theirs).add(" = ");
    column(sql, level, ours).add(" AND ");
    all(sql, dialect, inner, conditions);
    sql.add(")");
}

fn column<'a>(sql: &'a mut Sql, level: usize, name: &'static str) -> &'a mut Sql {
    sql.add("t").number(level).add(".").add(name)
}
