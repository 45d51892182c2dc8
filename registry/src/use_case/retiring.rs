//! Clients and secrets whose time has come.

use std::time::Duration;

use crate::domain::client::{AppClient, ClientStatus};
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::background::Background;
use crate::use_case::client_access::writable_client;
use crate::use_case::client_life::end;
use crate::use_case::client_overlap::retire_secret;
use crate::use_case::permission::Reach;
use crate::use_case::record::list;
use crate::use_case::store::{Condition, Query};

/// Clients that are looked at once.
const PAGE: u32 = 200;

/// Ends every client, and every secret of one, that was to retire by now, and says how many there were.
///
/// # Errors
/// Those of the store.
pub async fn retire_due(background: Background<'_>) -> Result<u64, Refusal> {
    let mut ended = 0;
    for caller in background.callers().await? {
        let now = background.clock.now();
        let live = [ClientStatus::Live, ClientStatus::Retiring].map(|status| status.word().to_owned());
        let is_live = Condition::IsIn("status", live.into());
        let is_due = Condition::Before("retire_at", now.plus(Duration::from_millis(1)).to_string());
        let query = Query { conditions: vec![is_live, is_due], limit: PAGE, ..Query::default() };
        let mut tx = background.store.read().await?;
        let due = list::<AppClient>(tx.as_mut(), &caller.organisation, &query).await?;
        drop(tx);
        for client in due {
            let mut tx = background.store.write().await?;
            let cx = &mut background.context(tx.as_mut(), &caller, now);
            let reach = Reach::of(cx.tx, cx.caller).await?;
            let (mut kept, application) = writable_client(cx, &reach, &client.thing.id).await?;
            // It may have gone meanwhile.
            let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
            if kept.thing.status == ClientStatus::Retiring && is_due(kept.thing.retire_at) {
                end(cx, application, &mut kept).await?;
            } else if kept.thing.status.holds_contracts() && is_due(kept.thing.secret_retires_at()) {
                retire_secret(cx, &application, &mut kept).await?;
            } else {
                continue;
            }
            tx.commit().await?;
            ended += 1;
        }
    }
    Ok(ended)
}
