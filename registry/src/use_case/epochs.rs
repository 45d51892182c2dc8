//! That the feed has begun a new epoch is in the audit, whatever brought it about.

use serde_json::json;

use crate::domain::organisation::Organisation;
use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::use_case::audit::{Change, record};
use crate::use_case::background::Background;
use crate::use_case::record::{get, lock, update};

/// Writes it where an organisation knows of another epoch than there is: a new timeline of PostgreSQL begins one without
/// anybody's doing.
///
/// # Errors
/// Those of the store.
pub async fn note_epoch(background: Background<'_>) -> Result<(), Refusal> {
    for caller in background.callers().await? {
        let name = &caller.organisation;
        let mut tx = background.store.read().await?;
        let known = get::<Organisation>(tx.as_mut(), name, name).await?.and_then(|kept| kept.thing.epoch);
        if known != Some(tx.epoch().await?) {
            drop(tx);
            note(background, &caller).await?;
        }
    }
    Ok(())
}

async fn note(background: Background<'_>, caller: &Caller) -> Result<(), Refusal> {
    let name = &caller.organisation;
    let mut tx = background.store.write().await?;
    let cx = &mut background.context(tx.as_mut(), caller, background.clock.now());
    let epoch = cx.tx.epoch().await?;
    let Some(mut kept) = lock::<Organisation>(cx.tx, name, name).await? else { return Ok(()) };
    let known = kept.thing.epoch.replace(epoch.clone());
    if known.as_ref() == Some(&epoch) {
        return Ok(());
    }
    update(cx.tx, &mut kept).await?;
    if let Some(known) = known {
        let (before, after) = (Some(json!({ "epoch": known })), Some(json!({ "epoch": epoch })));
        let (action, kind, groups, reason) = ("registry.epoch", "registry", [None, None], None);
        record(cx, Change { action, kind, id: "registry", groups, reason, before, after }).await?;
    }
    Ok(tx.commit().await?)
}
