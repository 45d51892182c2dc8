//! Clients of which their provider knows no more, or which are its own from now on.

use serde_json::{Map, Value};

use crate::domain::application::{Application, ApplicationStatus};
use crate::domain::client::{AppClient, ClientStatus};
use crate::domain::orphan::OrphanCause;
use crate::domain::refusal::Refusal;
use crate::use_case::audit::{Change, record};
use crate::use_case::client_access::audit_client;
use crate::use_case::client_scene::Scene;
use crate::use_case::context::Context;
use crate::use_case::keeping::json;
use crate::use_case::orphans::{found, note};
use crate::use_case::record::{Kept, lock, update};
use crate::use_case::store::Condition;
use crate::use_case::tables::CLIENTS;

/// A client that was being deleted is gone, with the application if that was its last; a refused one has nothing at the
/// provider any more. Both are locked.
///
/// # Errors
/// Those of the store.
pub async fn gone(cx: &mut Context<'_>, application: &Application, kept: &mut Kept<AppClient>) -> Result<(), Refusal> {
    let before = kept.thing.clone();
    kept.thing.registered = None;
    let is_deleted = kept.thing.status == ClientStatus::Deleting;
    if is_deleted {
        (kept.thing.status, kept.thing.updated_at) = (ClientStatus::Deleted, cx.now);
    }
    update(cx.tx, kept).await?;
    if is_deleted {
        audit_client(cx, application, "deleted", None, Some(&before), &kept.thing).await?;
        finish(cx, application).await?;
    }
    Ok(())
}

async fn finish(cx: &mut Context<'_>, application: &Application) -> Result<(), Refusal> {
    if application.status != ApplicationStatus::Deleting {
        return Ok(());
    }
    let organisation = cx.caller.organisation.clone();
    let of = Condition::Is("application", application.id.clone());
    let not_deleted = Condition::IsNot("status", ClientStatus::Deleted.word().to_owned());
    if cx.tx.count(&CLIENTS, &organisation, &[of, not_deleted]).await? > 0 {
        return Ok(());
    }
    let Some(mut kept) = lock::<Application>(cx.tx, &organisation, &application.id).await? else { return Ok(()) };
    let (groups, before) = ([Some(application.group.as_str()), None], Some(json(&kept.thing)?));
    (kept.thing.status, kept.thing.updated_at) = (ApplicationStatus::Deleted, cx.now);
    update(cx.tx, &mut kept).await?;
    let (action, kind, id) = ("application.deleted", "application", application.id.as_str());
    record(cx, Change { action, kind, id, groups, reason: None, before, after: None }).await
}

/// The client stays at its provider as an orphan, and goes here.
pub(super) async fn keep(cx: &mut Context<'_>, scene: &mut Scene) -> Result<(), Refusal> {
    if let Some(registered) = scene.client.thing.registered.clone() {
        let mut orphan = found(cx, &scene.provider.thing.id, &scene.client.thing.id, OrphanCause::Kept);
        orphan.client_id = Some(registered.client_id);
        orphan.marker = marker_of(&registered.metadata);
        note(cx, orphan).await?;
    }
    gone(cx, &scene.application, &mut scene.client).await
}

/// At the end of the name under which it was registered.
pub(super) fn marker_of(metadata: &Map<String, Value>) -> Option<String> {
    let name = metadata.get("client_name")?.as_str()?;
    name.rsplit_once(" \u{b7} t-").map(|(_, marker)| marker.to_owned())
}
