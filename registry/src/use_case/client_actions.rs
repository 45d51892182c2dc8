//! What is done to clients: confirm, retry, rotate.

use std::time::Duration;

use serde_json::Value;

use crate::domain::client::{AppClient, CLIENT_ID, ClientStatus, ClientWait, is_client_id};
use crate::domain::client_terms::ClientTerms;
use crate::domain::members::{Members, Object};
use crate::domain::provider::Provider;
use crate::domain::public_keys::public_keys;
use crate::domain::reader::{lines, slug, span, text_that};
use crate::domain::refusal::Refusal;
use crate::domain::task::TaskKind;
use crate::domain::text::{MAX_REASON, Span};
use crate::use_case::client_access::{readable_client, shown_client, writable_client};
use crate::use_case::client_life::{add, go_live};
use crate::use_case::client_overlap::rotate_secret;
use crate::use_case::client_registration::{begin, choose, settings, unoffered, wake};
use crate::use_case::client_tasks::enqueue;
use crate::use_case::context::Context;
use crate::use_case::holdings::Holdings;
use crate::use_case::keeping::{find, is_held};
use crate::use_case::permission::Reach;
use crate::use_case::record::Kept;
use crate::use_case::shown::{Expected, Shown};

const DEFAULT_OVERLAP: Duration = Duration::from_secs(86_400);

fn impossible(client: &AppClient) -> Refusal {
    Refusal::Transition { current: client.status.word(), allowed: client.possible() }
}

/// An admin vouches for a client that waits for a proof.
///
/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; another state; those of the store.
pub async fn confirm(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let provider = readable_client(cx, &reach, id).await?.thing.provider;
    if !reach.is_admin() {
        return Err(Refusal::Forbidden);
    }
    is_held::<Provider>(cx, &provider).await?;
    let (mut kept, application) = writable_client(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    let (mut members, mut reason) = (Members::of_new(body), String::new());
    members.required("reason", &mut reason, lines(1..=MAX_REASON));
    members.finish()?;
    if !kept.thing.waits_for_proof() {
        return Err(impossible(&kept.thing));
    }
    go_live(cx, application, &mut kept, Some(&reason)).await?;
    shown_client(&reach, &kept)
}

/// Begins anew with a client that was refused.
///
/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; another state; those of the store.
pub async fn retry(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let (mut kept, application) = writable_client(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    Members::of_new(body).finish()?;
    if kept.thing.status != ClientStatus::Refused {
        return Err(impossible(&kept.thing));
    }
    let mut holdings = Holdings::without_contracts(cx, application).await?;
    let before = kept.thing.clone();
    kept.thing.retry(cx.now);
    holdings.put(cx, &mut kept, "retry", None, Some(&before)).await?;
    wake(cx, &holdings.application).await?;
    shown_client(&reach, &find(cx, id).await?)
}

/// What a rotation asks for.
struct Rotation {
    overlap: Option<Span>,
    /// Whether it is about the secret alone, where that can be.
    is_of_secret: bool,
    provider: String,
    client_id: Option<String>,
    jwks: Option<Value>,
}

impl Rotation {
    fn read(body: &Object, client: &AppClient) -> (Self, Option<Refusal>) {
        let mut members = Members::of_new(body);
        let (provider, jwks) = (client.provider.clone(), client.wanted_terms().jwks);
        let mut rotation = Self { overlap: None, is_of_secret: !client.brought, provider, client_id: None, jwks };
        rotation.is_of_secret &= ["provider", "client_id", "jwks"].iter().all(|name| !body.contains_key(*name));
        members.nullable("overlap", &mut rotation.overlap, span("0s", "30d"));
        let mut provider = None;
        members.nullable("provider", &mut provider, slug);
        rotation.provider = provider.unwrap_or(rotation.provider);
        members.nullable("client_id", &mut rotation.client_id, text_that(is_client_id, CLIENT_ID));
        if client.brought && !body.contains_key("client_id") {
            members
                .fault("client_id", "is required: the client was made elsewhere, and so is the one that replaces it");
        }
        if members.given("jwks").is_some() && (client.brought || rotation.client_id.is_some()) {
            members.fault("jwks", "is not allowed on a client that is brought");
        }
        members.nullable("jwks", &mut rotation.jwks, public_keys);
        (rotation, members.finish().err())
    }
}

/// Another client in the place of this one, which stays for a while when the other is live; or, where secrets overlap,
/// another secret of the same one.
///
/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; another state; the limit; those of
/// the store.
pub async fn rotate(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let readable = readable_client(cx, &reach, id).await?;
    let (rotation, mut faults) = Rotation::read(body, &readable.thing);
    if !is_held::<Provider>(cx, &rotation.provider).await? && faults.is_none() {
        faults = Some(Refusal::invalid("/provider", "there is no such provider"));
    }
    let (mut kept, application): (Kept<AppClient>, _) = writable_client(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    if let Some(faults) = faults {
        return Err(faults);
    }
    if kept.thing.status != ClientStatus::Live {
        return Err(impossible(&kept.thing));
    }
    let overlap = rotation.overlap.map_or(DEFAULT_OVERLAP, |span| span.duration());
    let overlap = u64::try_from(overlap.as_millis()).unwrap_or(u64::MAX);
    if rotation.is_of_secret && find::<Provider>(cx, &rotation.provider).await?.thing.overlaps_secrets() {
        rotate_secret(cx, &application, &mut kept, overlap).await?;
        return shown_client(&reach, &kept);
    }
    let mut new = AppClient {
        provider: rotation.provider,
        client_id: rotation.client_id,
        auth_method: kept.thing.auth_method,
        replaces: Some(kept.thing.id.clone()),
        overlap,
        ..AppClient::brought(cx.randomness.id(cx.now), application.id.clone(), cx.now)
    };
    if new.client_id.is_none() {
        succeed(cx, &mut new, &kept.thing, rotation.jwks).await?;
    }
    let is_live = new.brought && reach.is_admin();
    let added = add(cx, application, new, is_live).await?;
    if added.thing.waits_for(ClientWait::Registration) {
        enqueue(cx, TaskKind::Register, &added.thing).await?;
    }
    shown_client(&reach, &added)
}

/// The same for a client that is to be registered: what the other may do, it may.
async fn succeed(
    cx: &mut Context<'_>,
    new: &mut AppClient,
    old: &AppClient,
    jwks: Option<Value>,
) -> Result<(), Refusal> {
    let provider = find::<Provider>(cx, &new.provider).await?.thing;
    let settings = settings(&provider)?;
    new.brought = false;
    *new = new.with_terms(ClientTerms { jwks, ..old.wanted_terms() });
    if new.provider != old.provider && new.auth_method.is_some_and(|method| !settings.auth_methods.contains(&method)) {
        // How it authenticates is its provider's affair.
        new.auth_method = None;
        choose(new, &settings);
    }
    let faults = unoffered(new, &settings);
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    begin(cx, new, &provider).await
}
