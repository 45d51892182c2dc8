//! Parts of lists, and the filters that are asked for.

use crate::domain::fault::Fault;
use crate::domain::refusal::Refusal;
use crate::use_case::context::Context;
use crate::use_case::record::{Kept, Record, list};
use crate::use_case::shown::Asked;
use crate::use_case::store::{Condition, Query};

/// What was asked for of the things that fulfil these conditions, and where the next part begins.
///
/// # Errors
/// Those of the store.
pub async fn page<T: Record>(
    cx: &mut Context<'_>,
    asked: &Asked,
    conditions: Vec<Condition>,
) -> Result<(Vec<Kept<T>>, Option<String>), Refusal> {
    let limit = asked.limit.saturating_add(1);
    let query = Query { conditions, after: asked.after.clone(), descending: asked.descending, limit };
    let mut things = list::<T>(cx.tx, &cx.caller.organisation, &query).await?;
    let has_more = things.len() > asked.limit as usize;
    things.truncate(asked.limit as usize);
    let next = things.last().filter(|_| has_more).map(|last| last.thing.id());
    Ok((things, next))
}

/// The conditions of all filters.
///
/// # Errors
/// The faults of all filters that cannot be read.
pub fn filtered(
    asked: &Asked,
    filter: impl Fn(&str, &str) -> Result<Condition, Refusal>,
) -> Result<Vec<Condition>, Refusal> {
    let (mut conditions, mut faults) = (Vec::new(), Vec::new());
    for (name, value) in &asked.filters {
        match filter(name, value) {
            Ok(condition) => conditions.push(condition),
            Err(Refusal::InvalidQuery(wrong)) => faults.extend(wrong),
            Err(refusal) => return Err(refusal),
        }
    }
    if faults.is_empty() { Ok(conditions) } else { Err(Refusal::InvalidQuery(faults)) }
}

/// # Errors
/// A query with this fault.
pub fn wrong_query<T>(name: &str, detail: &str) -> Result<T, Refusal> {
    Err(Refusal::InvalidQuery(vec![Fault::new(format!("?{name}"), detail)]))
}
