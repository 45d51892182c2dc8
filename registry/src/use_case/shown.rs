//! What use cases answer, and what callers ask of lists and changes, before HTTP makes headers of it.

use serde_json::Value;

use crate::domain::refusal::Refusal;

/// A thing as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub value: Value,
    pub revision: i64,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    Gone,
    /// A provider has to be asked first.
    Going(Shown),
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub items: Vec<Value>,
    /// The identifier after which the next part begins, while there is more.
    pub next: Option<String>,
}

/// Which part of a list, of those that fulfil the filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Filters of this list by name; HTTP has refused unknown ones and read none of their values.
    pub filters: Vec<(String, String)>,
    pub after: Option<String>,
    pub descending: bool,
    /// 1 to 200.
    pub limit: u32,
}

/// `If-Match` (RFC 9110, 13.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There was none.
    Nothing,
    /// `*`
    Any,
    /// One of these; other entity tags than ours match nothing.
    Revisions(Vec<i64>),
}

impl Expected {
    /// # Errors
    /// A precondition that is missing, or that this revision does not meet.
    pub fn check(&self, revision: i64) -> Result<(), Refusal> {
        match self {
            Self::Nothing => Err(Refusal::PreconditionRequired),
            Self::Any => Ok(()),
            Self::Revisions(named) if named.contains(&revision) => Ok(()),
            Self::Revisions(_) => Err(Refusal::PreconditionFailed),
        }
    }
}
