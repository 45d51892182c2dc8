//! Clients of applications: registered at their provider, or made elsewhere and named by their client id.

use crate::domain::client::{AUTH_METHODS, AppClient, CLIENT_ID, ClientStatus, ClientWait, is_client_id};
use crate::domain::members::{Members, Object};
use crate::domain::provider::Provider;
use crate::domain::reader::{or_null, slug, text_that, word};
use crate::domain::refusal::Refusal;
use crate::domain::task::TaskKind;
use crate::use_case::application_access::{readable_application, writable_application};
use crate::use_case::client_access::{readable_client, shown_client, writable_client};
use crate::use_case::client_change::{OF_REGISTERED, change};
use crate::use_case::client_life::{add, end};
use crate::use_case::client_registration;
use crate::use_case::client_tasks::enqueue;
use crate::use_case::context::Context;
use crate::use_case::keeping::{filtered, hold, json, page, wrong_query};
use crate::use_case::permission::Reach;
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::Condition;

pub use crate::use_case::client_actions::{confirm, retry, rotate};
pub use crate::use_case::client_proof::{prove, to_prove};
pub use crate::use_case::client_secret::{lapse_due, secret};
pub use crate::use_case::retiring::retire_due;

const MADE_HERE: [&str; 16] = [
    "id",
    "application",
    "brought",
    "status",
    "waiting_for",
    "replaces",
    "retire_at",
    "gateway_client_id",
    "secret",
    "secret_reveal_until",
    "secret_expires_at",
    "requested",
    "differences",
    "error",
    "created_at",
    "updated_at",
];

fn read(client: &mut AppClient, members: &mut Members<'_>) {
    members.fixed("provider", &mut client.provider, slug);
    let client_id = text_that(is_client_id, CLIENT_ID);
    let method = word(AUTH_METHODS);
    if members.is_patch() {
        members.unchanged("client_id", &client.client_id, or_null(client_id));
        members.unchanged("auth_method", &client.auth_method, or_null(method));
    } else {
        members.nullable("client_id", &mut client.client_id, client_id);
        members.nullable("auth_method", &mut client.auth_method, method);
    }
    for name in OF_REGISTERED {
        if members.given(name).is_some() && client.brought && client.client_id.is_some() {
            members.fault(name, "is not allowed on a client that is brought");
        }
    }
    members.made_here(&MADE_HERE);
}

/// # Errors
/// There is no such application for the caller; no permission; faults of the body; a provider that registers no
/// clients; the limit; one of this client id; those of the store.
pub async fn create(cx: &mut Context<'_>, application: &str, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    readable_application(cx, &reach, application).await?;
    let mut members = Members::of_new(body);
    let mut client = AppClient::brought(cx.randomness.id(cx.now), application.to_owned(), cx.now);
    read(&mut client, &mut members);
    // Who makes a client live locks its provider first: whoever changes the provider then sees the client.
    let mut provider = None;
    if !client.provider.is_empty() {
        provider = get_held(cx, &client.provider).await?;
        if provider.is_none() {
            members.fault("provider", "there is no such provider");
        }
    }
    let is_brought = members.given("client_id").is_some_and(|id| !id.is_null());
    let registration = provider.as_ref().and_then(Provider::registering);
    if let Some(settings) = registration.filter(|_| !is_brought) {
        client_registration::read(&mut client, &mut members, &settings);
    }
    let application = writable_application(cx, &reach, application).await?.thing;
    members.finish()?;
    if let (None, Some(provider)) = (&client.client_id, &provider) {
        client_registration::begin(cx, &mut client, provider).await?;
    }
    let is_live = client.brought && reach.is_admin();
    let added = add(cx, application, client, is_live).await?;
    if added.thing.waits_for(ClientWait::Registration) {
        enqueue(cx, TaskKind::Register, &added.thing).await?;
    }
    shown_client(&reach, &added)
}

async fn get_held(cx: &mut Context<'_>, provider: &str) -> Result<Option<Provider>, Refusal> {
    match hold::<Provider>(cx, provider).await {
        Ok(kept) => Ok(Some(kept.thing)),
        Err(Refusal::NotFound) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    shown_client(&reach, &readable_client(cx, &reach, id).await?)
}

/// Deleted ones only when they are asked for.
///
/// # Errors
/// There is no such application for the caller; a filter that cannot be read; those of the store.
pub async fn list(cx: &mut Context<'_>, application: &str, asked: &Asked) -> Result<Page, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    readable_application(cx, &reach, application).await?;
    let mut conditions = filtered(asked, |name, value| match name {
        "status" if ClientStatus::WORDS.iter().any(|(word, _)| *word == value) => {
            Ok(Condition::Is("status", value.to_owned()))
        }
        "status" => wrong_query(name, "is not a status of clients"),
        _ => wrong_query(name, "is not known"),
    })?;
    conditions.push(Condition::Is("application", application.to_owned()));
    if asked.filters.is_empty() {
        conditions.push(Condition::IsNot("status", ClientStatus::Deleted.word().to_owned()));
    }
    let (clients, next) = page::<AppClient>(cx, asked, conditions).await?;
    let items = clients.iter().map(|kept| json(kept.thing.view(reach.is_admin()))).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// Of a brought client nothing can be changed: it is repeated, or refused.
///
/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; a provider that changes no clients;
/// another state; those of the store.
pub async fn patch(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let provider = readable_client(cx, &reach, id).await?.thing.provider;
    let provider = get_held(cx, &provider).await?;
    let (mut kept, application) = writable_client(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    let mut members = Members::of_patch(body);
    read(&mut kept.thing.clone(), &mut members);
    match provider {
        Some(provider) if !kept.thing.brought => change(cx, (&provider, &application), &mut kept, members).await?,
        _ => members.finish()?,
    }
    shown_client(&reach, &kept)
}

/// # Errors
/// There is none for the caller; no permission; a precondition; it is gone already; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Deleted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let (mut kept, application) = writable_client(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    if matches!(kept.thing.status, ClientStatus::Deleting | ClientStatus::Deleted) {
        return Err(Refusal::Transition { current: kept.thing.status.word(), allowed: Vec::new() });
    }
    end(cx, application, &mut kept).await?;
    match kept.thing.status {
        ClientStatus::Deleted => Ok(Deleted::Gone),
        _ => Ok(Deleted::Going(shown_client(&reach, &kept)?)),
    }
}
