//! Secrets that expire: whoever has to see to another is told in time.

use std::time::Duration;

use crate::domain::application::Application;
use crate::domain::client::AppClient;
use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::domain::webhook::NoticeKind;
use crate::use_case::background::Background;
use crate::use_case::keeping::{find, hold, json};
use crate::use_case::record::{list, note};
use crate::use_case::store::{Condition, Query};
use crate::use_case::webhooks::{Topic, notify};

/// Clients that are looked at once.
const PAGE: u32 = 200;

/// Tells of every client whose secret expires within as many days as are to be told, once for each of them, and says how
/// many those were.
///
/// # Errors
/// Those of the store.
pub async fn tell_expiring(background: Background<'_>) -> Result<u64, Refusal> {
    let mut told = 0;
    for caller in background.callers().await? {
        let now = background.clock.now();
        let is_due = Condition::Before("notice_at", now.plus(Duration::from_millis(1)).to_string());
        let query = Query { conditions: vec![is_due], limit: PAGE, ..Query::default() };
        let due = list::<AppClient>(&mut *background.store.read().await?, &caller.organisation, &query).await?;
        for client in due {
            told += u64::from(tell(background, &caller, &client.thing, now).await?);
        }
    }
    Ok(told)
}

async fn tell(background: Background<'_>, caller: &Caller, client: &AppClient, now: Time) -> Result<bool, Refusal> {
    let mut tx = background.store.write().await?;
    let cx = &mut background.context(tx.as_mut(), caller, now);
    // Another replica may be about to tell of it, too.
    hold::<Application>(cx, &client.application).await?;
    let mut kept = find::<AppClient>(cx, &client.id).await?;
    let is_due = kept.thing.expiry_told_next().is_some_and(|at| at <= now);
    if is_due {
        kept.thing.expiry_told_at = Some(now);
        notify(cx, NoticeKind::SecretExpiring, Topic::Client, json(kept.thing.view(false))?).await?;
    }
    // No change that anybody sees; the moment of the next is written with it.
    note(cx.tx, &kept).await?;
    tx.commit().await?;
    Ok(is_due)
}
