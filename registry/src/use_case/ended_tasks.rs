//! Tasks that have ended are kept for a while, so that admins see what became of them, and then forgotten.

use std::time::Duration;

use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::task::{QueuedTask, TaskStatus};
use crate::domain::time::Time;
use crate::use_case::background::Background;
use crate::use_case::record::{Kept, list};
use crate::use_case::store::{Condition, Query};
use crate::use_case::tables::TASKS;

/// From its end.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);
/// Tasks that are looked at, and forgotten, at once.
const PAGE: u32 = 500;

/// Forgets those that ended long ago, and says how many those were.
///
/// # Errors
/// Those of the store.
pub async fn forget_ended(background: Background<'_>) -> Result<usize, Refusal> {
    let mut forgotten = 0;
    for Caller { organisation, .. } in background.callers().await? {
        let before = background.clock.now().minus(KEPT_FOR);
        for status in [TaskStatus::Done, TaskStatus::Refused] {
            forgotten += forget(background, &organisation, status, before).await?;
        }
    }
    Ok(forgotten)
}

async fn forget(
    background: Background<'_>,
    organisation: &str,
    status: TaskStatus,
    before: Time,
) -> Result<usize, Refusal> {
    let mut forgotten = 0;
    let is_so = Condition::Is("status", status.word().to_owned());
    // Identifiers ascend with time, so that those that were made later need not be looked at.
    let was_made = Condition::Before("id", first_id_of(before));
    let mut query = Query { conditions: vec![was_made, is_so], limit: PAGE, ..Query::default() };
    loop {
        let ended = list::<QueuedTask>(&mut *background.store.read().await?, organisation, &query).await?;
        let Some(last) = ended.last() else { return Ok(forgotten) };
        query.after = Some(last.thing.id.clone());
        let old: Vec<Kept<QueuedTask>> = ended.into_iter().filter(|kept| kept.thing.updated_at < before).collect();
        if old.is_empty() {
            continue;
        }
        let mut tx = background.store.write().await?;
        for kept in &old {
            tx.delete(&TASKS, organisation, &kept.thing.id).await?;
        }
        tx.commit().await?;
        forgotten += old.len();
    }
}

/// No UUIDv7 (RFC 9562, 5.7) of that moment or later sorts before this.
fn first_id_of(moment: Time) -> String {
    let digits = format!("{:012x}", moment.as_millis());
    let (high, low) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    format!("{high}-{low}-7")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_before_sort_before_those_of_later() {
        let id = |millis| uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid().to_string();
        let first = first_id_of(Time::from_millis(1_767_225_600_000));
        assert!(id(1_767_225_599_999) < first && first < id(1_767_225_600_000), "{first}");
    }
}
