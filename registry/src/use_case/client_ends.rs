//! What follows from what a provider has said: for the client, its task, and what may be left there.

use std::time::Duration;

use crate::domain::client::{ClientStatus, ClientWait};
use crate::domain::orphan::Orphan;
use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::registration::Registration;
use crate::domain::task::{Attempt, TaskOutcome, TaskStatus};
use crate::use_case::background::Background;
use crate::use_case::client_again::registered_again;
use crate::use_case::client_calls::{Checked, Ended};
use crate::use_case::client_gone::{gone, keep};
use crate::use_case::client_life::{go_live, is_anothers};
use crate::use_case::client_overlap::{added, is_overdue, no_secret, removed, take_checked};
use crate::use_case::client_scene::{Doing, Scene};
use crate::use_case::client_taking::{abandon, take_registered};
use crate::use_case::client_updates::{asked, updated};
use crate::use_case::client_verdict::{Verdict, refuse};
use crate::use_case::client_work::Taken;
use crate::use_case::context::Context;
use crate::use_case::keeping::hold;
use crate::use_case::one_time_tokens::put_back;
use crate::use_case::orphans::strike_off;
use crate::use_case::record::update;
use crate::use_case::registrar::{Called, Failure, Issued};

/// Checks that fail before a client is refused, and the time between two.
const CHECKS: u32 = 3;
const BETWEEN_CHECKS: Duration = Duration::from_secs(10);

/// Writes what became of an attempt, in one transaction.
///
/// # Errors
/// Those of the store: then the same is to be tried again, whether anything was written or not.
pub async fn conclude(
    background: Background<'_>,
    caller: &Caller,
    taken: &Taken,
    ended: Ended,
) -> Result<TaskOutcome, Refusal> {
    let mut tx = background.store.write().await?;
    let cx = &mut background.context(tx.as_mut(), caller, background.clock.now());
    let Some(mut scene) = Scene::of(cx, &taken.task.id).await? else { return Ok(TaskOutcome::Unknown) };
    let is_mine = scene.task.thing.is_of(&taken.task);
    if let (Ended::Registered(Called::NotDone(failure, _)), Some(one_time)) = (&ended, &taken.one_time) {
        put_back(cx, &scene.provider.thing, one_time, failure.status).await?;
    }
    let verdict = match (ended, &taken.doing) {
        (Ended::Registered(called), Doing::Register(registration)) if scene.provider.thing.registers_once() => {
            registered_again(cx, &mut scene, (registration, is_mine), called).await?
        }
        (Ended::Registered(called), Doing::Register(registration)) => {
            let marker = taken.task.marker.as_deref();
            registered(cx, &mut scene, (registration, marker, is_mine), called).await?
        }
        (Ended::Updated(called), Doing::Update(updating)) => {
            updated(cx, &mut scene, (updating, is_mine), called).await?
        }
        (Ended::Asked(called), Doing::Ask(managed)) => match asked(cx, &mut scene, (managed, is_mine), called).await? {
            Ok(called) => deleted(cx, &mut scene, called).await?,
            Err(verdict) => verdict,
        },
        (Ended::AddedSecret(called), _) => added(cx, &mut scene, is_mine, called).await?,
        _ if !is_mine => Verdict::Done,
        (Ended::KeptSecrets(called), _) => removed(called),
        (Ended::Verified(checked), _) => verified(cx, &mut scene, checked).await?,
        (Ended::Deleted(called), _) => deleted(cx, &mut scene, called).await?,
        (Ended::Registered(_) | Ended::Updated(_) | Ended::Asked(_), _) => Verdict::Done,
    };
    let outcome = noted(cx, &mut scene, verdict);
    if is_mine {
        update(cx.tx, &mut scene.task).await?;
    }
    tx.commit().await?;
    Ok(outcome)
}

fn noted(cx: &Context<'_>, scene: &mut Scene, verdict: Verdict) -> TaskOutcome {
    let (outcome, failure) = match &verdict {
        Verdict::Done | Verdict::Onward => (TaskOutcome::Done, Failure::default()),
        Verdict::Refused(failure) => (TaskOutcome::Refused, failure.clone()),
        Verdict::Again(outcome, failure, _) => (*outcome, failure.clone()),
        Verdict::CheckAgain(failure) => (TaskOutcome::NotDone, failure.clone()),
    };
    let Failure { status, error, description, .. } = failure;
    scene.task.thing.last = Some(Attempt { at: cx.now, outcome, status, error, description });
    match verdict {
        Verdict::Done => scene.task.thing.end(TaskStatus::Done, cx.now),
        Verdict::Refused(_) => scene.task.thing.end(TaskStatus::Refused, cx.now),
        Verdict::Onward => scene.task.thing.give_back(cx.now),
        Verdict::CheckAgain(_) => scene.task.thing.wait(BETWEEN_CHECKS, cx.now),
        Verdict::Again(_, _, at_least) => {
            let mut spread = [0];
            cx.randomness.fill(&mut spread);
            let [spread] = spread;
            let pause = scene.task.thing.backoff(spread).max(at_least.unwrap_or_default());
            scene.task.thing.wait(pause, cx.now);
        }
    }
    outcome
}

async fn registered(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    (registration, marker, is_mine): (&Registration, Option<&str>, bool),
    called: Called<Issued>,
) -> Result<Verdict, Refusal> {
    let is_wanted = is_mine && scene.client.thing.waits_for(ClientWait::Registration);
    let failure = match called {
        Called::Done(issued) => {
            if is_wanted {
                scene.task.thing.marker = None;
                return take_registered(cx, scene, registration, issued).await;
            }
            if is_mine {
                scene.task.thing.marker = None;
            }
            // What was written and not known to be written is told of again.
            if !scene.client.thing.is_at_provider(&issued.managed.client_id) {
                abandon(cx, scene, marker, issued).await?;
            }
            return Ok(Verdict::Done);
        }
        // Who has it now has seen to the marker.
        Called::NotDone(..) | Called::Refused(Failure { client_id: None, .. }) if !is_mine => return Ok(Verdict::Done),
        Called::NotDone(failure, pause) => {
            scene.task.thing.marker = None;
            return Ok(Verdict::Again(TaskOutcome::NotDone, failure, pause));
        }
        Called::Refused(failure) => {
            if let Some(client_id) = failure.client_id.clone() {
                name_orphan(cx, scene, marker, client_id).await?;
            }
            if !is_mine {
                return Ok(Verdict::Done);
            }
            scene.task.thing.marker = None;
            if is_wanted {
                refuse(cx, scene, failure.clone()).await?;
            }
            return Ok(Verdict::Refused(failure));
        }
        Called::Unknown(failure) => failure,
    };
    if !is_mine {
        if let Some(client_id) = failure.client_id {
            name_orphan(cx, scene, marker, client_id).await?;
        }
        return Ok(Verdict::Done);
    }
    scene.disown(cx, failure.client_id.clone()).await?;
    Ok(Verdict::Again(TaskOutcome::Unknown, failure, None))
}

/// There is a client with this id that cannot be used.
async fn name_orphan(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    marker: Option<&str>,
    client_id: String,
) -> Result<(), Refusal> {
    scene.task.thing.marker = marker.map(str::to_owned);
    scene.disown(cx, Some(client_id)).await
}

async fn verified(cx: &mut Context<'_>, scene: &mut Scene, checked: Checked) -> Result<Verdict, Refusal> {
    let is_next = scene.client.thing.unchecked_secret().is_some();
    if !is_next && !scene.client.thing.waits_for(ClientWait::Verification) {
        return Ok(Verdict::Done);
    }
    let checked = match &checked {
        Checked::Good { gateway_client_id } if is_anothers(cx, &scene.client.thing, gateway_client_id).await? => {
            let error = Some("client_id_taken".to_owned());
            let description = Some("the client id of its tokens is that of another application's client".to_owned());
            Checked::Wider(Failure { error, description, ..Failure::default() })
        }
        _ => checked,
    };
    let failure = match checked {
        Checked::Good { gateway_client_id } if is_next => {
            take_checked(cx, scene, Some(gateway_client_id)).await?;
            return Ok(Verdict::Done);
        }
        Checked::Good { gateway_client_id } => {
            scene.client.thing.gateway_client_id = Some(gateway_client_id);
            scene.client.thing.offer_secret();
            go_live(cx, scene.application.clone(), &mut scene.client, None).await?;
            return Ok(Verdict::Done);
        }
        Checked::Late(failure) if !is_overdue(cx, scene, &failure) => return Ok(Verdict::CheckAgain(failure)),
        Checked::Failed(failure) | Checked::Late(failure) => {
            scene.task.thing.failures = scene.task.thing.failures.saturating_add(1);
            if scene.task.thing.failures < CHECKS {
                return Ok(Verdict::CheckAgain(failure));
            }
            failure
        }
        Checked::NotDone(failure, pause) => return Ok(Verdict::Again(TaskOutcome::NotDone, failure, pause)),
        Checked::Unknown(failure) => return Ok(Verdict::Again(TaskOutcome::Unknown, failure, None)),
        Checked::Wider(failure) => failure,
    };
    if is_next {
        no_secret(cx, scene, failure.clone(), true).await?;
    } else {
        refuse(cx, scene, failure.clone()).await?;
    }
    Ok(Verdict::Refused(failure))
}

async fn deleted(cx: &mut Context<'_>, scene: &mut Scene, called: Called<()>) -> Result<Verdict, Refusal> {
    let verdict = match called {
        Called::Done(()) => Verdict::Done,
        Called::Refused(failure) => Verdict::Refused(failure),
        Called::NotDone(failure, pause) => return Ok(Verdict::Again(TaskOutcome::NotDone, failure, pause)),
        Called::Unknown(failure) => return Ok(Verdict::Again(TaskOutcome::Unknown, failure, None)),
    };
    let is_done = matches!(verdict, Verdict::Done);
    match scene.task.thing.orphan.clone() {
        Some(orphan) if is_done => match hold::<Orphan>(cx, &orphan).await {
            Ok(kept) => strike_off(cx, &kept).await?,
            // Somebody else has struck it off.
            Err(Refusal::NotFound) => {}
            Err(refusal) => return Err(refusal),
        },
        Some(_) => {}
        None if scene.client.thing.status == ClientStatus::Live => {}
        None if is_done => gone(cx, &scene.application, &mut scene.client).await?,
        None => keep(cx, scene).await?,
    }
    Ok(verdict)
}
