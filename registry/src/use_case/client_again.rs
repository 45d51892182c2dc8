//! Registrations that can be repeated: however often a client is registered, its provider has one. So there is no orphan
//! as long as it is tried again; only what nobody wants any more is looked for, and deleted.

use crate::domain::client::ClientWait;
use crate::domain::orphan::Orphan;
use crate::domain::refusal::Refusal;
use crate::domain::registration::Registration;
use crate::domain::task::TaskOutcome;
use crate::use_case::client_scene::Scene;
use crate::use_case::client_taking::{abandon, take_registered};
use crate::use_case::client_verdict::{Verdict, refuse};
use crate::use_case::context::Context;
use crate::use_case::orphans::strike_off;
use crate::use_case::record::list;
use crate::use_case::registrar::{Called, Issued};
use crate::use_case::store::{Condition, Query};

/// Its marker is the client's own identifier. Whether it is to be registered still.
pub(super) async fn begin_again(cx: &mut Context<'_>, scene: &mut Scene) -> Result<bool, Refusal> {
    let task = &mut scene.task.thing;
    task.uncertain |= task.marker.take().is_some();
    if !scene.client.thing.waits_for(ClientWait::Registration) {
        if scene.task.thing.uncertain {
            leave_behind(cx, scene, None).await?;
        }
        return Ok(false);
    }
    task.marker = Some(scene.client.thing.id.clone());
    Ok(true)
}

/// There may be one that nobody wants.
async fn leave_behind(cx: &mut Context<'_>, scene: &mut Scene, client_id: Option<String>) -> Result<(), Refusal> {
    scene.task.thing.marker = Some(scene.client.thing.id.clone());
    scene.disown(cx, client_id).await
}

pub(super) async fn registered_again(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    (registration, is_mine): (&Registration, bool),
    called: Called<Issued>,
) -> Result<Verdict, Refusal> {
    let is_wanted = scene.client.thing.waits_for(ClientWait::Registration);
    let marker = scene.client.thing.id.clone();
    if let Called::Done(issued) = called {
        let is_known = scene.client.thing.is_at_provider(&issued.managed.client_id);
        if is_mine {
            scene.task.thing.marker = None;
        }
        if is_mine && is_wanted {
            reclaim(cx, &marker).await?;
            return take_registered(cx, scene, registration, issued).await;
        }
        if !is_wanted && !is_known {
            abandon(cx, scene, Some(&marker), issued).await?;
        }
        return Ok(Verdict::Done);
    }
    if !is_mine {
        // Whoever has it now knows that there may be one.
        return Ok(Verdict::Done);
    }
    scene.task.thing.marker = None;
    match called {
        Called::NotDone(failure, pause) => {
            scene.task.thing.uncertain |= failure.client_id.is_some();
            Ok(Verdict::Again(TaskOutcome::NotDone, failure, pause))
        }
        Called::Refused(failure) => {
            if failure.client_id.is_some() || scene.task.thing.uncertain {
                leave_behind(cx, scene, failure.client_id.clone()).await?;
            }
            if is_wanted {
                refuse(cx, scene, failure.clone()).await?;
            }
            Ok(Verdict::Refused(failure))
        }
        Called::Unknown(failure) => {
            scene.task.thing.uncertain = true;
            Ok(Verdict::Again(TaskOutcome::Unknown, failure, None))
        }
        Called::Done(_) => Ok(Verdict::Done),
    }
}

/// What may have been left of it before is now the client's.
async fn reclaim(cx: &mut Context<'_>, marker: &str) -> Result<(), Refusal> {
    let query = Query { conditions: vec![Condition::Is("marker", marker.to_owned())], limit: 1, ..Query::default() };
    let Some(orphan) = list::<Orphan>(cx.tx, &cx.caller.organisation, &query).await?.pop() else { return Ok(()) };
    strike_off(cx, &orphan).await
}
