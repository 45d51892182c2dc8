//! The secret of a client that was registered: shown once, or erased.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;

use crate::domain::application::Application;
use crate::domain::client::{AppClient, SecretState};
use crate::domain::members::{Members, Object};
use crate::domain::principal::{Caller, Duty, Role};
use crate::domain::refusal::Refusal;
use crate::domain::registered::secret_place;
use crate::use_case::application_access::readable_application;
use crate::use_case::audit::{Change, record};
use crate::use_case::background::Background;
use crate::use_case::client_access::readable_client;
use crate::use_case::client_keeping::open;
use crate::use_case::context::Context;
use crate::use_case::keeping::{find, hold, json as json_of};
use crate::use_case::open_provider::sealed_place;
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, list, update};
use crate::use_case::shown::Shown;
use crate::use_case::store::{Condition, Query};

/// Clients that are looked at once.
const PAGE: u32 = 200;

/// The secret is for developers alone, and once: it is erased in the transaction that shows it.
///
/// # Errors
/// There is none for the caller; no permission; faults of the body; there is no secret, or not any more; those of the
/// store.
pub async fn secret(cx: &mut Context<'_>, id: &str, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let client = readable_client(cx, &reach, id).await?.thing;
    let group = readable_application(cx, &reach, &client.application).await?.thing.group;
    if !Reach::of(cx.tx, &without_admin(cx.caller)).await?.has(&group, &[Duty::Developer]) {
        return Err(Refusal::Forbidden);
    }
    Members::of_new(body).finish()?;
    if client.brought {
        return Err(Refusal::NotSupported("the client was made elsewhere, and so was its secret"));
    }
    // Of two who ask at once, the second finds it gone.
    let application = hold::<Application>(cx, &client.application).await?.thing;
    let mut kept = find::<AppClient>(cx, id).await?;
    // Its day may have passed before anybody has erased it.
    let is_kept = kept.thing.secret_until().is_some_and(|until| until > cx.now);
    let is_shown = is_kept && kept.thing.secret == SecretState::Available;
    let registered = kept.thing.registered.as_ref().filter(|_| is_shown);
    let Some((client_id, sealed)) = registered.and_then(|it| Some((it.client_id.clone(), it.secret.clone()?))) else {
        return Err(Refusal::SecretGone);
    };
    let place = sealed_place(&cx.caller.organisation, &secret_place(&kept.thing.id));
    let Some(secret) = open(cx.sealing, &sealed, &place) else {
        tracing::error!(client = kept.thing.id, "no key opens the secret of a client");
        return Err(Refusal::Internal);
    };
    let before = kept.thing.clone();
    kept.thing.erase_secret(SecretState::Shown, cx.now);
    written(cx, &application, (&before, &mut kept), "secret.show").await?;
    let expires_at = kept.thing.secret_expires_at;
    let value = json!({
        "client_id": client_id,
        "client_secret": secret.expose_secret(),
        "secret_expires_at": expires_at,
    });
    Ok(Shown { value, revision: kept.revision })
}

fn without_admin(caller: &Caller) -> Caller {
    let roles = caller.roles.iter().filter(|role| **role != Role::Admin).cloned().collect();
    Caller { roles, ..caller.clone() }
}

async fn written(
    cx: &mut Context<'_>,
    application: &Application,
    (before, kept): (&AppClient, &mut Kept<AppClient>),
    action: &str,
) -> Result<(), Refusal> {
    update(cx.tx, kept).await?;
    let (before, after) = (Some(json_of(before.view(false))?), Some(json_of(kept.thing.view(false))?));
    let groups = [Some(application.group.as_str()), None];
    let (kind, id) = ("client", kept.thing.id.as_str());
    record(cx, Change { action, kind, id, groups, reason: None, before, after }).await
}

/// Erases the secrets that nobody has asked for in a day, and says how many there were.
///
/// # Errors
/// Those of the store.
pub async fn lapse_due(background: Background<'_>) -> Result<u64, Refusal> {
    let mut lapsed = 0;
    for caller in background.callers().await? {
        let mut after = None;
        loop {
            let due = due(background, &caller, after).await?;
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            for client in due {
                lapsed += u64::from(lapse(background, &caller, &client).await?);
            }
        }
    }
    Ok(lapsed)
}

/// Clients with a secret whose time has passed, beyond that one.
async fn due(background: Background<'_>, caller: &Caller, after: Option<String>) -> Result<Vec<String>, Refusal> {
    let now = background.clock.now();
    let is_due = Condition::Before("secret_until", now.plus(Duration::from_millis(1)).to_string());
    let query = Query { conditions: vec![is_due], after, limit: PAGE, ..Query::default() };
    let mut tx = background.store.read().await?;
    let due = list::<AppClient>(tx.as_mut(), &caller.organisation, &query).await?;
    Ok(due.into_iter().map(|client| client.thing.id).collect())
}

/// Whether there was something to erase: somebody may have asked meanwhile.
async fn lapse(background: Background<'_>, caller: &Caller, client: &str) -> Result<bool, Refusal> {
    let now = background.clock.now();
    let mut tx = background.store.write().await?;
    let cx = &mut background.context(tx.as_mut(), caller, now);
    let application = find::<AppClient>(cx, client).await?.thing.application;
    let application = hold::<Application>(cx, &application).await?.thing;
    let mut kept = find::<AppClient>(cx, client).await?;
    if kept.thing.secrets_until().is_none_or(|until| until > now) {
        return Ok(false);
    }
    let before = kept.thing.clone();
    kept.thing.lapse_secrets(now);
    written(cx, &application, (&before, &mut kept), "secret.lapse").await?;
    tx.commit().await?;
    Ok(true)
}
