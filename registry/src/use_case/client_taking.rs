//! A client that its provider has made: judged, and kept or let go.

use secrecy::ExposeSecret;

use crate::domain::client::{AppClient, AuthMethod, ClientWait};
use crate::domain::orphan::{OrphanCause, orphan_place};
use crate::domain::provider::Verification;
use crate::domain::refusal::Refusal;
use crate::domain::registered::Registered;
use crate::domain::registration::Registration;
use crate::domain::task::TaskKind;
use crate::use_case::client_access::audit_client;
use crate::use_case::client_keeping::{keep_secret, keep_token};
use crate::use_case::client_life::{end_claim, go_live, holder, is_anothers};
use crate::use_case::client_scene::Scene;
use crate::use_case::client_tasks::{enqueue, enqueue_for_orphan};
use crate::use_case::client_verdict::{Verdict, refuse};
use crate::use_case::context::Context;
use crate::use_case::open_provider::sealed_place;
use crate::use_case::orphans::{found, note};
use crate::use_case::record::update;
use crate::use_case::registrar::{Failure, Issued};

/// Keeps what the provider has given, and goes on to whatever the client is to show.
pub(super) async fn take_registered(
    cx: &mut Context<'_>,
    scene: &mut Scene,
    registration: &Registration,
    issued: Issued,
) -> Result<Verdict, Refusal> {
    let judged = registration.compare(&issued.metadata);
    let client_id = issued.managed.client_id.clone();
    let is_free = is_free(cx, &scene.client.thing, &client_id).await?;
    keep_registered(cx, &mut scene.client.thing, registration, &issued);
    if !is_free {
        // It is another client's, here: nothing of it is to be deleted.
        scene.client.thing.registered = None;
        let failure = failure("client_id_taken", "the client id of the answer is another client's here");
        refuse(cx, scene, failure.clone()).await?;
        return Ok(Verdict::Refused(failure));
    }
    scene.client.thing.differences = judged.differences;
    if let Some(wider) = judged.wider {
        let failure = failure("wider", wider);
        refuse(cx, scene, failure.clone()).await?;
        return Ok(Verdict::Refused(failure));
    }
    scene.client.thing.client_id = Some(client_id);
    go_on(cx, scene).await?;
    Ok(Verdict::Done)
}

fn failure(error: &str, description: impl Into<String>) -> Failure {
    Failure { status: None, error: Some(error.to_owned()), description: Some(description.into()), client_id: None }
}

/// Nobody else has it. Who has only said so gives way: the provider made it for this one.
async fn is_free(cx: &mut Context<'_>, client: &AppClient, client_id: &str) -> Result<bool, Refusal> {
    if is_anothers(cx, client, client_id).await? {
        return Ok(false);
    }
    let held = holder(cx, &client.provider, client_id).await?;
    let Some(other) = held.filter(|kept| kept.thing.id != client.id) else { return Ok(true) };
    let is_claim = other.thing.is_claim();
    if is_claim {
        end_claim(cx, other, "the provider has made this client for another one of the registry").await?;
    }
    Ok(is_claim)
}

fn keep_registered(cx: &Context<'_>, client: &mut AppClient, registration: &Registration, issued: &Issued) {
    let mut registered = Registered {
        client_id: issued.managed.client_id.clone(),
        uri: None,
        token: None,
        secret: None,
        given_at: cx.now,
        metadata: registration.metadata().clone(),
        secret_digest: None,
        is_doubtful: false,
        key_id: None,
        numbered: 0,
        next: None,
        retiring: None,
    };
    keep_token(cx, &client.id, &mut registered, &issued.managed);
    client.registered = Some(registered);
    client.secret_expires_at = None;
    keep_secret(cx, client, issued);
}

/// To a check by token, a proof by whoever has the key, or into life.
async fn go_on(cx: &mut Context<'_>, scene: &mut Scene) -> Result<(), Refusal> {
    let client = &mut scene.client.thing;
    let by_token = scene.provider.thing.registering().map(|settings| settings.verification(&client.grants))
        == Some(Verification::Token);
    let before = client.clone();
    if scene.provider.thing.overlaps_secrets() {
        // It waits for its registration until it has one.
        client.want_secret(0, cx.now);
        enqueue(cx, TaskKind::AddSecret, client).await?;
        update(cx.tx, &mut scene.client).await?;
        return audit_client(cx, &scene.application, "registered", None, Some(&before), &scene.client.thing).await;
    }
    let waits_for = match client.auth_method {
        _ if !by_token => None,
        Some(AuthMethod::PrivateKeyJwt) => Some(ClientWait::Proof),
        _ => Some(ClientWait::Verification),
    };
    let Some(waits_for) = waits_for else {
        client.offer_secret();
        return go_live(cx, scene.application.clone(), &mut scene.client, None).await;
    };
    (client.waiting_for, client.updated_at) = (Some(waits_for), cx.now);
    if waits_for == ClientWait::Verification {
        enqueue(cx, TaskKind::Verify, client).await?;
    }
    update(cx.tx, &mut scene.client).await?;
    audit_client(cx, &scene.application, "registered", None, Some(&before), &scene.client.thing).await
}

/// Nobody waits for this client any more: it is an orphan, and is to be deleted.
pub(super) async fn abandon(
    cx: &mut Context<'_>,
    scene: &Scene,
    marker: Option<&str>,
    issued: Issued,
) -> Result<(), Refusal> {
    let (provider, client) = (scene.provider.thing.id.as_str(), scene.client.thing.id.as_str());
    let mut orphan = found(cx, provider, client, OrphanCause::Late);
    orphan.marker = marker.map(str::to_owned);
    orphan.client_id = Some(issued.managed.client_id);
    orphan.uri = issued.managed.uri;
    let mut kept = note(cx, orphan).await?;
    // Its identifier is that of the one that was there before, if there was one.
    let place = sealed_place(&cx.caller.organisation, &orphan_place(&kept.thing.id));
    let seal = |token: &str| cx.sealing.seal(token.as_bytes(), &place, cx.randomness);
    kept.thing.token = issued.managed.token.as_ref().map(|token| seal(token.expose_secret()));
    update(cx.tx, &mut kept).await?;
    if scene.settings().deletes() {
        enqueue_for_orphan(cx, &kept.thing.id, (client, provider)).await?;
    }
    Ok(())
}
