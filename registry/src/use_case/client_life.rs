//! How clients come, take the place of others, and go, with what follows for contracts and feeds.

use std::time::Duration;

use crate::domain::application::{Application, ApplicationStatus};
use crate::domain::client::{AppClient, ClientStatus};
use crate::domain::refusal::Refusal;
use crate::use_case::client_access::audit_client;
use crate::use_case::client_tasks::let_go;
use crate::use_case::context::Context;
use crate::use_case::holdings::Holdings;
use crate::use_case::record::{Kept, get, insert, list, update};
use crate::use_case::store::{Condition, Query};
use crate::use_case::tables::CLIENTS;

/// Adds a client to its application, which is locked, and makes it live if somebody vouches for it.
///
/// # Errors
/// The application is going; the limit; one of this client id; those of the store.
pub async fn add(
    cx: &mut Context<'_>,
    application: Application,
    mut client: AppClient,
    is_live: bool,
) -> Result<Kept<AppClient>, Refusal> {
    must_take_clients(cx, &application).await?;
    let mut holdings = Holdings::of(cx, application).await?;
    let rows = holdings.rows()?;
    if is_live {
        client.be_live(cx.now);
    }
    if let Some(client_id) = client.client_id.clone() {
        make_way(cx, &client, &client_id).await?;
    }
    let kept = insert(cx.tx, &cx.caller.organisation, client).await?;
    audit_client(cx, &holdings.application, "create", None, None, &kept.thing).await?;
    holdings.take(cx, &kept.thing).await?;
    take_place(cx, &mut holdings, &kept.thing).await?;
    holdings.settle(cx).await?;
    holdings.publish_since(cx, rows).await?;
    Ok(kept)
}

/// Nobody else has this client of the provider. Who only claims it, without a proof, gives way to one that somebody
/// vouches for.
async fn make_way(cx: &mut Context<'_>, client: &AppClient, client_id: &str) -> Result<(), Refusal> {
    let held = holder(cx, &client.provider, client_id).await?;
    if held.as_ref().is_none_or(|kept| kept.thing.is_claim()) && is_anothers(cx, client, client_id).await? {
        return Err(Refusal::Exists(TOKENS_OF_ANOTHER));
    }
    let Some(holder) = held else { return Ok(()) };
    let gives_way = client.status == ClientStatus::Live && holder.thing.application != client.application;
    if gives_way && holder.thing.is_claim() {
        return end_claim(cx, holder, "an admin vouches for the client of another application").await;
    }
    Err(Refusal::Exists("this client of the provider belongs to an application already"))
}

const TOKENS_OF_ANOTHER: &str = "tokens of another application's client have this client id";

/// Whether gateways would take tokens that have this client id for those of another application's client, too.
///
/// # Errors
/// Those of the store.
pub async fn is_anothers(cx: &mut Context<'_>, client: &AppClient, client_id: &str) -> Result<bool, Refusal> {
    let named = Condition::Is("tokens_of", format!("{}/{client_id}", client.provider));
    let of_another = Condition::IsNot("application", client.application.clone());
    if cx.tx.count(&CLIENTS, &cx.caller.organisation, &[named, of_another]).await? > 0 {
        return Ok(true);
    }
    let holder = holder(cx, &client.provider, client_id).await?;
    Ok(holder.is_some_and(|kept| kept.thing.application != client.application && !kept.thing.is_claim()))
}

/// Who has this client of the provider.
///
/// # Errors
/// Those of the store.
pub async fn holder(cx: &mut Context<'_>, provider: &str, client_id: &str) -> Result<Option<Kept<AppClient>>, Refusal> {
    let holding = Condition::Is("holds", format!("{provider}/{client_id}"));
    let query = Query { conditions: vec![holding], limit: 1, ..Query::default() };
    Ok(list::<AppClient>(cx.tx, &cx.caller.organisation, &query).await?.pop())
}

/// Ends one that somebody only says is his. Its application is not locked: it holds nothing, and whoever makes it live
/// meanwhile fails, or this does.
///
/// # Errors
/// Those of the store.
pub async fn end_claim(cx: &mut Context<'_>, mut claim: Kept<AppClient>, reason: &str) -> Result<(), Refusal> {
    let application = get::<Application>(cx.tx, &cx.caller.organisation, &claim.thing.application).await?;
    let before = claim.thing.clone();
    claim.thing.end(cx.now);
    update(cx.tx, &mut claim).await?;
    let Some(application) = application else { return Ok(()) };
    audit_client(cx, &application.thing, "delete", Some(reason), Some(&before), &claim.thing).await
}

async fn must_take_clients(cx: &mut Context<'_>, application: &Application) -> Result<(), Refusal> {
    if application.status != ApplicationStatus::Active {
        return Err(Refusal::Transition { current: application.status.word(), allowed: Vec::new() });
    }
    let of_this = Condition::Is("application", application.id.clone());
    let not_deleted = Condition::IsNot("status", ClientStatus::Deleted.word().to_owned());
    let count = cx.tx.count(&CLIENTS, &cx.caller.organisation, &[of_this, not_deleted]).await?;
    if count >= cx.limits.clients_per_application {
        return Err(Refusal::LimitReached("the application has as many clients as it may have"));
    }
    Ok(())
}

/// Makes a client live that is pending. Its provider and its application are locked.
///
/// # Errors
/// Tokens of another application's client have the client id of one that was brought; those of the store.
pub async fn go_live(
    cx: &mut Context<'_>,
    application: Application,
    kept: &mut Kept<AppClient>,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    if let Some(client_id) = kept.thing.client_id.clone().filter(|_| kept.thing.brought)
        && is_anothers(cx, &kept.thing, &client_id).await?
    {
        return Err(Refusal::Exists(TOKENS_OF_ANOTHER));
    }
    let mut holdings = Holdings::of(cx, application).await?;
    let rows = holdings.rows()?;
    let before = kept.thing.clone();
    kept.thing.be_live(cx.now);
    holdings.put(cx, kept, "live", reason, Some(&before)).await?;
    take_place(cx, &mut holdings, &kept.thing).await?;
    holdings.settle(cx).await?;
    holdings.publish_since(cx, rows).await
}

/// The client that a live one replaces stays for the overlap.
async fn take_place(cx: &mut Context<'_>, holdings: &mut Holdings, by: &AppClient) -> Result<(), Refusal> {
    let Some(replaced) = by.replaces.as_ref().filter(|_| by.status == ClientStatus::Live) else { return Ok(()) };
    let Some(mut kept) = get::<AppClient>(cx.tx, &cx.caller.organisation, replaced).await? else { return Ok(()) };
    if kept.thing.status != ClientStatus::Live {
        return Ok(());
    }
    let before = kept.thing.clone();
    let verb = if by.overlap == 0 {
        kept.thing.end(cx.now);
        let_go_of(cx, &kept.thing).await?;
        "delete"
    } else {
        kept.thing.retire(Duration::from_millis(by.overlap), cx.now);
        "retire"
    };
    holdings.put(cx, &mut kept, verb, None, Some(&before)).await
}

/// Its provider is asked to delete what was registered there.
///
/// # Errors
/// Those of the store.
pub async fn let_go_of(cx: &mut Context<'_>, client: &AppClient) -> Result<(), Refusal> {
    if client.status == ClientStatus::Deleting { let_go(cx, client).await } else { Ok(()) }
}

/// Ends a client whose application is locked: its rows leave the feed in this transaction.
///
/// # Errors
/// Those of the store.
pub async fn end(cx: &mut Context<'_>, application: Application, kept: &mut Kept<AppClient>) -> Result<(), Refusal> {
    let mut holdings = Holdings::of(cx, application).await?;
    let rows = holdings.rows()?;
    let before = kept.thing.clone();
    kept.thing.end(cx.now);
    let_go_of(cx, &kept.thing).await?;
    holdings.put(cx, kept, "delete", None, Some(&before)).await?;
    holdings.settle(cx).await?;
    holdings.publish_since(cx, rows).await
}
