//! Who may try a task of a client, and what is to be done: one at a time for each client, over all replicas.

use std::time::Duration;

use crate::domain::client::{AuthMethod, ClientStatus, ClientWait};
use crate::domain::orphan::{Orphan, orphan_place};
use crate::domain::principal::Caller;
use crate::domain::provider::{Management, Provider};
use crate::domain::refusal::Refusal;
use crate::domain::registered::secret_place;
use crate::domain::registration::{ClientNames, Registration};
use crate::domain::task::{Attempt, QueuedTask, TaskKind, TaskOutcome, TaskStatus};
use crate::use_case::background::Background;
use crate::use_case::client_again::begin_again;
use crate::use_case::client_gone::{gone, keep};
use crate::use_case::client_keeping::{managed, open};
use crate::use_case::client_life::holder;
use crate::use_case::client_overlap::{adding, removing};
use crate::use_case::client_scene::{Doing, Scene};
use crate::use_case::client_tasks::{comes_later, has_running, registering};
use crate::use_case::client_updating::{Begun, begin};
use crate::use_case::context::Context;
use crate::use_case::deliveries::Due;
use crate::use_case::one_time_tokens::{TakenToken, take_out};
use crate::use_case::open_provider::{OpenProvider, sealed_place};
use crate::use_case::orphans::strike_off;
use crate::use_case::record::{get, lock, update};
use crate::use_case::registrar::{ClientCredentials, Failure, Managed};

/// A task that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub task: QueuedTask,
    pub provider: OpenProvider,
    pub doing: Doing,
    /// With what a client is registered where each such token is used once.
    pub one_time: Option<TakenToken>,
}

/// Takes it, for as long as its lease lasts. `None` when it is not its turn, somebody else has it, or it has ended.
///
/// # Errors
/// Those of the store.
pub async fn take(background: Background<'_>, due: &Due) -> Result<Option<Taken>, Refusal> {
    let mut tx = background.store.write().await?;
    let now = background.clock.now();
    let cx = &mut background.context(tx.as_mut(), &due.caller, now);
    let Some(mut scene) = Scene::of(cx, due.id()).await? else {
        if let Some(mut kept) = lock::<QueuedTask>(cx.tx, &cx.caller.organisation, due.id()).await? {
            // Its provider is gone, with all that could be done there.
            kept.thing.end(TaskStatus::Refused, now);
            update(cx.tx, &mut kept).await?;
            tx.commit().await?;
        }
        return Ok(None);
    };
    if !scene.task.thing.is_due(now) || !is_its_turn(cx, &scene).await? {
        return Ok(None);
    }
    let doing = doing(cx, &mut scene).await?;
    let (doing, one_time) = match (&doing, drawn(cx, &scene, doing.as_ref()).await?) {
        (None, _) => {
            if !scene.task.thing.has_ended() {
                scene.task.thing.end(TaskStatus::Done, now);
            }
            (None, None)
        }
        (Some(_), Err(why)) => {
            scene.task.thing.marker = None;
            scene.task.thing.lack_token(why, now);
            (None, None)
        }
        (Some(_), Ok(one_time)) => {
            scene.task.thing.begin_for(lease(&scene.provider.thing), now);
            (doing, one_time)
        }
    };
    update(cx.tx, &mut scene.task).await?;
    let provider = OpenProvider::new(&due.caller.organisation, scene.provider.thing, background.sealing);
    tx.commit().await?;
    Ok(doing.map(|doing| Taken { task: scene.task.thing, provider, doing, one_time }))
}

/// What a registration needs out of a pool.
async fn drawn(
    cx: &mut Context<'_>,
    scene: &Scene,
    doing: Option<&Doing>,
) -> Result<Result<Option<TakenToken>, String>, Refusal> {
    if !matches!(doing, Some(Doing::Register(_))) || !scene.provider.thing.takes_one_time_tokens() {
        return Ok(Ok(None));
    }
    Ok(take_out(cx, &scene.provider.thing).await?.map(Some))
}

/// Longer than all calls of an attempt together: each finds the endpoint, and may need a token for itself.
pub fn lease(provider: &Provider) -> Duration {
    provider.timeout.duration().saturating_mul(6).saturating_add(Duration::from_secs(10))
}

async fn is_its_turn(cx: &mut Context<'_>, scene: &Scene) -> Result<bool, Refusal> {
    let (task, client) = (&scene.task.thing, &scene.client.thing);
    if comes_later(cx, task, |earlier| keeps_waiting(scene, earlier)).await? || has_running(cx, task).await? {
        return Ok(false);
    }
    if task.kind == TaskKind::Register {
        // The one before has to be deleted first.
        let is_free = registering(cx, &client.provider).await? < u64::from(scene.settings().parallel);
        return Ok(is_free && (client.registered.is_none() || client.status != ClientStatus::Pending));
    }
    Ok(true)
}

/// Whether the task of the scene waits for that one of the same client. An orphan that cannot be deleted keeps nobody
/// waiting, but a registration under what the client was registered under before: who looks for the one would find both.
fn keeps_waiting(scene: &Scene, earlier: &QueuedTask) -> bool {
    let task = &scene.task.thing;
    if earlier.orphan.is_some() {
        return task.kind == TaskKind::Register && scene.provider.thing.registers_once();
    }
    // A registration waits until the client that there was is deleted, whichever of the two the clocks of replicas have
    // put first.
    let is_own_deletion = task.kind == TaskKind::Delete && task.orphan.is_none();
    let deletes_first = is_own_deletion && scene.client.thing.registered.is_some();
    !(deletes_first && earlier.kind == TaskKind::Register)
}

/// `None` when there is nothing to be done any more.
async fn doing(cx: &mut Context<'_>, scene: &mut Scene) -> Result<Option<Doing>, Refusal> {
    match scene.task.thing.kind {
        TaskKind::Register if scene.provider.thing.registers_once() => {
            let is_wanted = begin_again(cx, scene).await?;
            Ok(is_wanted.then(|| Doing::Register(Box::new(registration(&cx.caller.organisation, scene)))))
        }
        TaskKind::Register => {
            scene.disown(cx, None).await?;
            if !scene.client.thing.waits_for(ClientWait::Registration) {
                return Ok(None);
            }
            let mut bytes = [0; 8];
            cx.randomness.fill(&mut bytes);
            let marker = format!("{:016x}", u64::from_be_bytes(bytes));
            scene.task.thing.marker = Some(marker);
            let registration = registration(&cx.caller.organisation, scene);
            Ok(Some(Doing::Register(Box::new(registration))))
        }
        TaskKind::Verify => Ok(verifying(cx, scene)),
        TaskKind::AddSecret => adding(cx, scene).await,
        TaskKind::RemoveSecret => Ok(removing(cx, scene)),
        TaskKind::Update => updating(cx, scene).await,
        TaskKind::Delete => match scene.task.thing.orphan.clone() {
            Some(orphan) => deleting_orphan(cx, scene, &orphan).await,
            None => deleting(cx, scene).await,
        },
        _ => Ok(None),
    }
}

/// What is asked of the provider, under the marker of the task.
fn registration(organisation: &str, scene: &Scene) -> Registration {
    let names = ClientNames {
        application: &scene.application.name,
        group: &scene.application.group,
        organisation,
        marker: scene.task.thing.marker.as_deref().unwrap_or_default(),
    };
    Registration::of(&scene.client.thing, &names, &scene.settings().metadata)
}

fn verifying(cx: &Context<'_>, scene: &Scene) -> Option<Doing> {
    let client = &scene.client.thing;
    let registered = client.registered.as_ref()?;
    let sealed = match client.unchecked_secret() {
        Some(added) => &added.secret,
        None if client.waits_for(ClientWait::Verification) => &registered.secret,
        None => return None,
    };
    let place = sealed_place(&cx.caller.organisation, &secret_place(&client.id));
    let credentials = ClientCredentials {
        client_id: registered.client_id.clone(),
        method: client.auth_method.unwrap_or(AuthMethod::ClientSecretBasic),
        secret: sealed.as_ref().and_then(|sealed| open(cx.sealing, sealed, &place)),
    };
    Some(Doing::Verify { credentials, scopes: client.scopes.clone() })
}

async fn updating(cx: &mut Context<'_>, scene: &mut Scene) -> Result<Option<Doing>, Refusal> {
    match begin(cx, (&scene.provider.thing, &scene.application), &mut scene.client).await? {
        Begun::Update(updating) => Ok(Some(Doing::Update(updating))),
        Begun::Nothing => Ok(None),
        Begun::Refused(Failure { status, error, description, .. }) => {
            let last = Attempt { at: cx.now, outcome: TaskOutcome::Refused, status, error, description };
            scene.task.thing.last = Some(last);
            scene.task.thing.end(TaskStatus::Refused, cx.now);
            Ok(None)
        }
    }
}

async fn deleting(cx: &mut Context<'_>, scene: &mut Scene) -> Result<Option<Doing>, Refusal> {
    let client = &scene.client.thing;
    let Some(registered) = client.registered.clone() else {
        gone(cx, &scene.application, &mut scene.client).await?;
        return Ok(None);
    };
    if !matches!(client.status, ClientStatus::Deleting | ClientStatus::Refused | ClientStatus::Pending) {
        return Ok(None);
    }
    if !scene.settings().deletes() {
        keep(cx, scene).await?;
        return Ok(None);
    }
    let managed = managed(cx, &client.id, &registered);
    let by_token = scene.settings().management == Management::RegistrationToken;
    if registered.is_doubtful && by_token && managed.token.is_some() {
        return Ok(Some(Doing::Ask(managed)));
    }
    Ok(Some(Doing::Delete(managed)))
}

async fn deleting_orphan(cx: &mut Context<'_>, scene: &Scene, id: &str) -> Result<Option<Doing>, Refusal> {
    let Some(kept) = get::<Orphan>(cx.tx, &cx.caller.organisation, id).await? else { return Ok(None) };
    if let Some(client_id) = &kept.thing.client_id
        && let Some(holder) = holder(cx, &kept.thing.provider, client_id).await?
        && !holder.thing.is_claim()
    {
        // It has become a client here: the provider has given the same one again, or somebody has vouched for it.
        if holder.thing.is_at_provider(client_id) {
            strike_off(cx, &kept).await?;
        }
        return Ok(None);
    }
    let orphan = kept.thing;
    let place = sealed_place(&cx.caller.organisation, &orphan_place(&orphan.id));
    let token = orphan.token.as_ref().and_then(|sealed| open(cx.sealing, sealed, &place));
    Ok(match (orphan.client_id, orphan.marker) {
        _ if !scene.settings().deletes() => None,
        (Some(client_id), _) => Some(Doing::Delete(Managed { client_id, uri: orphan.uri, token })),
        (None, Some(marker)) => Some(Doing::Search { marker }),
        (None, None) => None,
    })
}

/// Lets go of one that was taken, so that anybody may try it at once.
///
/// # Errors
/// Those of the store.
pub async fn give_back(background: Background<'_>, caller: &Caller, task: &QueuedTask) -> Result<(), Refusal> {
    let mut tx = background.store.write().await?;
    let Some(mut kept) = lock::<QueuedTask>(tx.as_mut(), &caller.organisation, &task.id).await? else { return Ok(()) };
    if !kept.thing.is_of(task) {
        return Ok(());
    }
    kept.thing.give_back(background.clock.now());
    update(tx.as_mut(), &mut kept).await?;
    Ok(tx.commit().await?)
}
