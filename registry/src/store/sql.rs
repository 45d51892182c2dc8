//! Statements in the making. Their text comes from this program alone; what comes from anywhere else is a bound value.

use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use crate::store::dialect::Dialect;
use crate::use_case::store::StoreError;

pub(super) enum Bound {
    Text(Option<String>),
    Number(i64),
}

impl From<&str> for Bound {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&Option<String>> for Bound {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Bound {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Bound {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

#[derive(Default)]
pub(super) struct Sql {
    text: String,
    values: Vec<Bound>,
    is_planned_anew: bool,
}

impl Sql {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// A statement whose best plan depends on its values: PostgreSQL makes it for these, not for any.
    pub(super) fn planned_anew(text: &'static str) -> Self {
        Self { is_planned_anew: true, ..Self::new(text) }
    }

    pub(super) fn add(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn number(&mut self, number: usize) -> &mut Self {
        self.text.push_str(&number.to_string());
        self
    }

    /// A placeholder, and what is in its place.
    pub(super) fn bind(&mut self, value: impl Into<Bound>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.number(self.values.len())
    }

    /// Placeholders with commas between.
    pub(super) fn bind_all(&mut self, values: impl IntoIterator<Item = impl Into<Bound>>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.add(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Names with commas between, each with one before it.
    pub(super) fn names(&mut self, before: &'static str, names: &[&'static str]) -> &mut Self {
        for name in names {
            self.add(", ").add(before).add(name);
        }
        self
    }

    /// With the placeholders of the database: `$` stands for nothing else in a text of this program.
    pub(super) fn build(self, dialect: Dialect) -> Result<Query<'static, Any, sqlx::any::AnyArguments>, StoreError> {
        let text = match dialect {
            Dialect::Postgres => self.text,
            // `$1` is a name to SQLite, which it looks for among all others.
            Dialect::Sqlite => self.text.replace('$', "?"),
        };
        let mut query = sqlx::query(AssertSqlSafe(text)).persistent(!self.is_planned_anew);
        for value in self.values {
            query = match value {
                Bound::Text(Some(text)) if text.contains('\0') => {
                    return Err(StoreError::Broken("a text with a null character".to_owned()));
                }
                Bound::Text(text) => query.bind(text),
                Bound::Number(number) => query.bind(number),
            };
        }
        Ok(query)
    }
}

/// The text up to its first null character. No stored text has one, so that what sorts after the one sorts after the
/// other.
pub(super) fn sortable(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}
