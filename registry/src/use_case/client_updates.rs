//! What follows from what a provider has said about a client that it has: that it was changed, or what it is.

use secrecy::ExposeSecret;

use crate::domain::client::ClientStatus;
use crate::domain::provider::Management;
use crate::domain::refusal::Refusal;
use crate::domain::task::{TaskKind, TaskOutcome};
use crate::use_case::client_access::audit_client;
use crate::use_case::client_keeping::{keep_secret, keep_token, managed};
use crate::use_case::client_scene::Scene;
use crate::use_case::client_tasks::{enqueue, enqueue_update};
use crate::use_case::client_updating::{Updating, give_up, said};
use crate::use_case::client_verdict::Verdict;
use crate::use_case::context::Context;
use crate::use_case::record::{note, update};
use crate::use_case::registrar::{Called, Failure, Issued, Managed};

const LOST: &str = "its registration token was exchanged by an attempt whose answer was lost: the client cannot be \
                    changed or deleted by the registry any more, `rotate` replaces it";

/// What became of an update.
pub(super) async fn updated(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    (updating, is_mine): (&Updating, bool),
    called: Called<Issued>,
) -> Result<Verdict, Refusal> {
    let issued = match called {
        Called::Done(issued) => issued,
        // Who has it now has seen to what is not known.
        _ if !is_mine => return Ok(Verdict::Done),
        Called::Refused(failure) => return refused(cx, scene, updating, failure).await,
        Called::NotDone(failure, _) if is_lost(cx, scene, &updating.managed, updating.was_doubtful, &failure) => {
            return lost(cx, scene).await;
        }
        Called::NotDone(failure, pause) => {
            doubt(cx, scene, updating.was_doubtful).await?;
            return Ok(Verdict::Again(TaskOutcome::NotDone, failure, pause));
        }
        Called::Unknown(failure) => return Ok(Verdict::Again(TaskOutcome::Unknown, failure, None)),
    };
    let was_lost = scene.client.thing.registered.as_ref().is_some_and(|registered| registered.token.is_none());
    keep(cx, scene, &updating.managed, &issued.managed);
    if is_mine && scene.client.thing.is_there() {
        return judge(cx, scene, updating, issued).await;
    }
    note(cx.tx, &scene.client).await?;
    if scene.client.thing.is_there() && scene.task.thing.has_ended() {
        if was_lost {
            let failure = said("late", "the answer came too late: what holds here is asked for again");
            give_up(cx, &scene.application, &mut scene.client, None, &failure).await?;
        }
        // What is there may be of this attempt, or of a later one.
        enqueue_update(cx, &scene.client.thing).await?;
    }
    Ok(Verdict::Done)
}

/// The token of the answer, unless another one has come meanwhile.
fn keep(cx: &Context<'_>, scene: &mut Scene, sent: &Managed, got: &Managed) {
    let client = &mut scene.client.thing;
    let Some(registered) = &mut client.registered else { return };
    if registered.token.is_none() || is_current(&managed(cx, &client.id, registered), sent) {
        keep_token(cx, &client.id, registered, got);
        registered.is_doubtful = false;
    }
}

fn is_current(known: &Managed, sent: &Managed) -> bool {
    let text = |managed: &Managed| managed.token.as_ref().map(|token| token.expose_secret().to_owned());
    text(known) == text(sent)
}

async fn judge(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    updating: &Updating,
    issued: Issued,
) -> Result<Verdict, Refusal> {
    let before = scene.client.thing.clone();
    let judged = updating.registration.compare(&issued.metadata);
    let client = &mut scene.client.thing;
    if keep_secret(cx, client, &issued) && client.status.holds_contracts() {
        client.offer_secret();
    }
    client.differences = judged.differences;
    client.updated_at = cx.now;
    if let Some(wider) = judged.wider {
        let failure = said("wider", wider);
        give_up(cx, &scene.application, &mut scene.client, updating.terms.as_ref(), &failure).await?;
        if updating.terms.is_some() {
            // The provider is to have again what holds here, or what was asked for meanwhile.
            enqueue(cx, TaskKind::Update, &scene.client.thing).await?;
        }
        return Ok(Verdict::Refused(failure));
    }
    if let Some(registered) = &mut client.registered {
        registered.metadata.clone_from(updating.registration.metadata());
    }
    if let Some(terms) = &updating.terms {
        let requested = client.requested.take().filter(|requested| requested != terms);
        *client = client.with_terms(terms.clone());
        (client.requested, client.error) = (requested, None);
    }
    if client.requested.is_some() {
        enqueue(cx, TaskKind::Update, client).await?;
    }
    update(cx.tx, &mut scene.client).await?;
    audit_client(cx, &scene.application, "updated", None, Some(&before), &scene.client.thing).await?;
    Ok(Verdict::Done)
}

async fn refused(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    updating: &Updating,
    failure: Failure,
) -> Result<Verdict, Refusal> {
    // An answer that cannot be used may have brought another token.
    let is_known = !failure.status.is_some_and(|status| (200..300).contains(&status));
    let is_doubtful = updating.was_doubtful || !is_known;
    if let Some(registered) = &mut scene.client.thing.registered {
        registered.is_doubtful = is_doubtful;
    }
    if !scene.client.thing.is_there() {
        note(cx.tx, &scene.client).await?;
        return Ok(Verdict::Refused(failure));
    }
    give_up(cx, &scene.application, &mut scene.client, updating.terms.as_ref(), &failure).await?;
    if scene.client.thing.requested.is_some() || (is_doubtful && updating.terms.is_some()) {
        enqueue(cx, TaskKind::Update, &scene.client.thing).await?;
    }
    Ok(Verdict::Refused(failure))
}

async fn doubt(cx: &mut Context<'_>, scene: &mut Scene, is_doubtful: bool) -> Result<(), Refusal> {
    if let Some(registered) = &mut scene.client.thing.registered {
        registered.is_doubtful = is_doubtful;
    }
    Ok(note(cx.tx, &scene.client).await?)
}

/// To an attempt that nobody knows the end of, this says that it has exchanged the token. Without one, it may be that the
/// provider is not well.
fn is_lost(cx: &Context<'_>, scene: &Scene, sent: &Managed, was_doubtful: bool, failure: &Failure) -> bool {
    let client = &scene.client.thing;
    let by_token = scene.settings().management == Management::RegistrationToken;
    let is_same = |known: Managed| is_current(&known, sent);
    let registered = client.registered.as_ref();
    let is_current = registered.is_some_and(|registered| is_same(managed(cx, &client.id, registered)));
    by_token && was_doubtful && failure.status == Some(401) && is_current
}

/// Nobody has the token any more. The client goes on as it is, and says what became of it.
async fn lost(cx: &mut Context<'_>, scene: &mut Scene) -> Result<Verdict, Refusal> {
    let failure = Failure { status: Some(401), ..said("registration_token_lost", LOST) };
    if let Some(registered) = &mut scene.client.thing.registered {
        registered.token = None;
    }
    if scene.client.thing.is_there() {
        give_up(cx, &scene.application, &mut scene.client, None, &failure).await?;
    } else {
        note(cx.tx, &scene.client).await?;
    }
    tracing::error!(client = scene.client.thing.id, "the registration token of a client is lost");
    Ok(Verdict::Refused(failure))
}

/// What a client is that is to be deleted, and whose token is in doubt: the answer to a deletion would not tell a token
/// that was exchanged from a client that is gone. `Err` where that is all there is to say about it.
pub(super) async fn asked(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    (sent, is_mine): (&Managed, bool),
    called: Called<Issued>,
) -> Result<Result<Called<()>, Verdict>, Refusal> {
    Ok(match called {
        Called::Done(issued) => {
            keep(cx, scene, sent, &issued.managed);
            note(cx.tx, &scene.client).await?;
            Err(Verdict::Onward)
        }
        _ if !is_mine || scene.client.thing.status == ClientStatus::Deleted => Err(Verdict::Done),
        Called::Refused(Failure { status: Some(404 | 410), .. }) => Ok(Called::Done(())),
        Called::Refused(failure) => Ok(Called::Refused(failure)),
        Called::NotDone(failure, _) if is_lost(cx, scene, sent, true, &failure) => {
            let failure = Failure { status: Some(401), ..said("registration_token_lost", LOST) };
            Ok(Called::Refused(failure))
        }
        Called::NotDone(failure, pause) => Ok(Called::NotDone(failure, pause)),
        Called::Unknown(failure) => Ok(Called::Unknown(failure)),
    })
}
