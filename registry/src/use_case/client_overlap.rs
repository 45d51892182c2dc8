//! Secrets that overlap: a task adds one, the check is that of every secret, and another task removes whatever the client
//! is not to have any more.

use std::time::Duration;

use secrecy::ExposeSecret;

use crate::domain::application::Application;
use crate::domain::client::{AppClient, ClientError, ClientStatus, ClientWait};
use crate::domain::provider::Verification;
use crate::domain::refusal::Refusal;
use crate::domain::registered::{SealedSecret, secret_place};
use crate::domain::task::{TaskKind, TaskOutcome};
use crate::use_case::client_access::audit_client;
use crate::use_case::client_life::go_live;
use crate::use_case::client_scene::{Doing, Scene};
use crate::use_case::client_tasks::enqueue;
use crate::use_case::client_verdict::{Verdict, refuse};
use crate::use_case::context::Context;
use crate::use_case::open_provider::sealed_place;
use crate::use_case::record::{Kept, note, update};
use crate::use_case::registrar::{AddedSecret, Called, Failure, KeptSecrets, NOT_REPLICATED};

/// So long a provider may take until all of it knows what it has made.
const REPLICATION: Duration = Duration::from_secs(600);

/// Wants another secret of a live client. One after the other: until the latest was checked, there is none beside it, and
/// while the one before it has time left, that is not cut short but by whoever wants no overlap.
///
/// # Errors
/// One is wanted already, or overlaps with one that stays for longer; those of the store.
pub async fn rotate_secret(
    cx: &mut Context<'_>,
    application: &Application,
    kept: &mut Kept<AppClient>,
    overlap: u64,
) -> Result<(), Refusal> {
    let is_overlapping = kept.thing.secret_retires_at().is_some_and(|at| at > cx.now);
    if kept.thing.is_rotating() || (is_overlapping && overlap > 0) {
        return Err(Refusal::Transition { current: kept.thing.status.word(), allowed: kept.thing.possible() });
    }
    let before = kept.thing.clone();
    kept.thing.want_secret(overlap, cx.now);
    enqueue(cx, TaskKind::AddSecret, &kept.thing).await?;
    update(cx.tx, kept).await?;
    audit_client(cx, application, "rotate", None, Some(&before), &kept.thing).await
}

/// The secret before the latest goes, as its time has come.
///
/// # Errors
/// Those of the store.
pub async fn retire_secret(
    cx: &mut Context<'_>,
    application: &Application,
    kept: &mut Kept<AppClient>,
) -> Result<(), Refusal> {
    let before = kept.thing.clone();
    kept.thing.retire_secret(cx.now);
    enqueue(cx, TaskKind::RemoveSecret, &kept.thing).await?;
    update(cx.tx, kept).await?;
    audit_client(cx, application, "retire_secret", None, Some(&before), &kept.thing).await
}

/// Another secret is wanted. Its number is that of this attempt alone: what one before has added is told by it.
pub(super) async fn adding(cx: &mut Context<'_>, scene: &mut Scene) -> Result<Option<Doing>, Refusal> {
    let task = &mut scene.task.thing;
    task.uncertain |= task.marker.take().is_some();
    let Some(registered) = scene.client.thing.registered.as_mut() else { return Ok(None) };
    if registered.next.as_ref().is_none_or(|next| next.added.is_some()) {
        return Ok(None);
    }
    registered.numbered = registered.numbered.saturating_add(1);
    let (client_id, number) = (registered.client_id.clone(), registered.numbered);
    task.marker = Some(number.to_string());
    // Nobody is shown that: the client has not changed.
    note(cx.tx, &scene.client).await?;
    Ok(Some(Doing::AddSecret { client_id, number }))
}

pub(super) async fn added(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    is_mine: bool,
    called: Called<AddedSecret>,
) -> Result<Verdict, Refusal> {
    if !is_mine {
        // Whoever has it now adds another: this one is nobody's.
        if !matches!(called, Called::NotDone(..) | Called::Refused(_)) && has_secrets(&scene.client.thing) {
            enqueue(cx, TaskKind::RemoveSecret, &scene.client.thing).await?;
        }
        return Ok(Verdict::Done);
    }
    scene.task.thing.marker = None;
    let refused = match called {
        Called::Done(added) => return take_added(cx, scene, added).await,
        Called::Unknown(failure) => {
            scene.task.thing.uncertain = true;
            return Ok(Verdict::Again(TaskOutcome::Unknown, failure, None));
        }
        Called::NotDone(failure, pause) if !is_overdue(cx, scene, &failure) => {
            return Ok(Verdict::Again(TaskOutcome::NotDone, failure, pause));
        }
        Called::NotDone(failure, _) | Called::Refused(failure) => failure,
    };
    let is_uncertain = scene.task.thing.uncertain;
    no_secret(cx, scene, refused.clone(), is_uncertain).await?;
    Ok(Verdict::Refused(refused))
}

/// Whether what was made should be known by now.
pub(super) fn is_overdue(cx: &Context<'_>, scene: &Scene, failure: &Failure) -> bool {
    let is_late = failure.error.as_deref() == Some(NOT_REPLICATED);
    is_late && cx.now.since(scene.task.thing.created_at) >= REPLICATION
}

/// Whether it has secrets that count.
fn has_secrets(client: &AppClient) -> bool {
    client.registered.is_some()
        && matches!(client.status, ClientStatus::Pending | ClientStatus::Live | ClientStatus::Retiring)
}

/// Keeps it until it was checked.
async fn take_added(cx: &mut Context<'_>, scene: &mut Scene, added: AddedSecret) -> Result<Verdict, Refusal> {
    let settings = scene.settings();
    let client = &mut scene.client.thing;
    let place = sealed_place(&cx.caller.organisation, &secret_place(&client.id));
    let Some(next) = client.registered.as_mut().and_then(|registered| registered.next.as_mut()) else {
        // The client has ended meanwhile, and goes with all of them.
        return Ok(Verdict::Done);
    };
    next.uncertain = scene.task.thing.uncertain;
    next.added = Some(SealedSecret {
        secret: Some(cx.sealing.seal(added.secret.expose_secret().as_bytes(), &place, cx.randomness)),
        key_id: added.key_id,
        given_at: cx.now,
        expires_at: added.expires_at,
    });
    if settings.verification(&client.grants) != Verification::Token {
        take_checked(cx, scene, None).await?;
        return Ok(Verdict::Done);
    }
    enqueue(cx, TaskKind::Verify, client).await?;
    if client.status != ClientStatus::Pending {
        update(cx.tx, &mut scene.client).await?;
        return Ok(Verdict::Done);
    }
    let before = client.clone();
    (client.waiting_for, client.updated_at) = (Some(ClientWait::Verification), cx.now);
    update(cx.tx, &mut scene.client).await?;
    audit_client(cx, &scene.application, "secret_added", None, Some(&before), &scene.client.thing).await?;
    Ok(Verdict::Done)
}

/// The secret is the client's, which lives, if it has not done so before.
pub(super) async fn take_checked(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    gateway_client_id: Option<String>,
) -> Result<(), Refusal> {
    let before = scene.client.thing.clone();
    let client = &mut scene.client.thing;
    let leaves_some = client.take_next_secret(cx.now);
    if client.status == ClientStatus::Pending {
        client.gateway_client_id = gateway_client_id;
        go_live(cx, scene.application.clone(), &mut scene.client, None).await?;
    } else {
        update(cx.tx, &mut scene.client).await?;
        audit_client(cx, &scene.application, "rotated", None, Some(&before), &scene.client.thing).await?;
    }
    if leaves_some {
        enqueue(cx, TaskKind::RemoveSecret, &scene.client.thing).await?;
    }
    Ok(())
}

/// There is no other secret. A client that had none yet is none; another one stays as it is.
pub(super) async fn no_secret(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    failure: Failure,
    leaves_some: bool,
) -> Result<(), Refusal> {
    if scene.client.thing.status == ClientStatus::Pending {
        return refuse(cx, scene, failure).await;
    }
    let before = scene.client.thing.clone();
    let Failure { status, error, description, .. } = failure;
    let error = ClientError { outcome: "refused".to_owned(), status, error, description };
    scene.client.thing.refuse_secret(error, cx.now);
    update(cx.tx, &mut scene.client).await?;
    audit_client(cx, &scene.application, "rotate_refused", None, Some(&before), &scene.client.thing).await?;
    if leaves_some {
        enqueue(cx, TaskKind::RemoveSecret, &scene.client.thing).await?;
    }
    Ok(())
}

/// Whatever it is not to have, of what was added before now.
pub(super) fn removing(cx: &Context<'_>, scene: &Scene) -> Option<Doing> {
    let registered = scene.client.thing.registered.as_ref().filter(|_| has_secrets(&scene.client.thing))?;
    let is_patient = cx.now.since(scene.task.thing.created_at) < REPLICATION;
    let kept = KeptSecrets { key_ids: registered.key_ids(), up_to: registered.numbered, is_patient };
    Some(Doing::KeepSecrets { client_id: registered.client_id.clone(), kept })
}

/// Whatever is said against it, a secret that is not to be there any more is: until it is gone, the task shows that.
pub(super) fn removed(called: Called<()>) -> Verdict {
    match called {
        Called::Done(()) => Verdict::Done,
        Called::Refused(failure) => Verdict::Again(TaskOutcome::NotDone, failure, None),
        Called::NotDone(failure, pause) => Verdict::Again(TaskOutcome::NotDone, failure, pause),
        Called::Unknown(failure) => Verdict::Again(TaskOutcome::Unknown, failure, None),
    }
}
