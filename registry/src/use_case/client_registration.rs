//! Clients that are to be registered at their provider: what they may be, and when that begins.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::application::Application;
use crate::domain::client::{AUTH_METHODS, AppClient, AuthMethod, ClientError, ClientStatus, ClientWait};
use crate::domain::fault::Fault;
use crate::domain::members::Members;
use crate::domain::provider::{DcrSettings, Provider};
use crate::domain::public_keys::public_keys;
use crate::domain::reader::{set, text_that, word};
use crate::domain::redirect_uri::{MAX_REDIRECT_URIS, REDIRECT_URI, is_redirect_uri};
use crate::domain::refusal::Refusal;
use crate::domain::task::TaskKind;
use crate::domain::text::is_scope;
use crate::domain::tier::{GRANTS, Grant};
use crate::domain::words::word_of;
use crate::use_case::client_access::audit_client;
use crate::use_case::client_tasks::enqueue;
use crate::use_case::client_terms::Allowed;
use crate::use_case::context::Context;
use crate::use_case::holdings::every;
use crate::use_case::record::{get, update};
use crate::use_case::store::Condition;

const SCOPE: &str = "must be a scope (RFC 6749, 3.3)";

/// How clients are registered there.
///
/// # Errors
/// A provider that registers none.
pub fn settings(provider: &Provider) -> Result<Cow<'_, DcrSettings>, Refusal> {
    match provider.registering() {
        Some(settings) => Ok(settings),
        None => Err(Refusal::NotSupported("this provider registers no clients: `client_id` names one made there")),
    }
}

/// Reads what a client may do: what is not named is left to the tiers, as is what a patch takes away.
pub fn read_terms(client: &mut AppClient, members: &mut Members<'_>) {
    for (name, defaulted) in [("grants", &mut client.defaulted.grants), ("scopes", &mut client.defaulted.scopes)] {
        match members.given(name) {
            None if members.is_patch() => {}
            given => *defaulted = given.is_none_or(Value::is_null),
        }
    }
    members.optional("grants", &mut client.grants, Vec::new(), set(1..=GRANTS.len(), word(GRANTS)));
    members.optional("scopes", &mut client.scopes, Vec::new(), set(0..=100, text_that(is_scope, SCOPE)));
    let uris = set(0..=MAX_REDIRECT_URIS, text_that(is_redirect_uri, REDIRECT_URI));
    members.optional("redirect_uris", &mut client.redirect_uris, Vec::new(), uris);
    members.nullable("jwks", &mut client.jwks, public_keys);
}

/// Reads what only clients that are registered here have.
pub fn read(client: &mut AppClient, members: &mut Members<'_>, settings: &DcrSettings) {
    client.brought = false;
    client.waiting_for = Some(ClientWait::Approval);
    read_terms(client, members);
    choose(client, settings);
    for fault in unoffered(client, settings) {
        members.fault(fault.pointer.trim_start_matches('/'), fault.detail);
    }
}

/// The first method that is offered and that the client can use.
pub fn choose(client: &mut AppClient, settings: &DcrSettings) {
    if client.auth_method.is_none() {
        let has_keys = client.jwks.is_some();
        let is_usable = |method: &&AuthMethod| (**method == AuthMethod::PrivateKeyJwt) == has_keys;
        client.auth_method = settings.auth_methods.iter().find(is_usable).copied();
    }
}

/// What the provider does not offer, or nobody could use.
pub fn unoffered(client: &AppClient, settings: &DcrSettings) -> Vec<Fault> {
    let mut faults = Vec::new();
    let has_keys = client.jwks.is_some();
    match client.auth_method {
        None if has_keys => faults.push(Fault::new("/jwks", "the provider offers no method that uses keys")),
        None => faults.push(Fault::new("/jwks", "is required: the provider offers no method without keys")),
        Some(method) if !settings.auth_methods.contains(&method) => {
            let detail = format!("the provider does not offer {}", word_of(AUTH_METHODS, method));
            faults.push(Fault::new("/auth_method", detail));
        }
        Some(AuthMethod::PrivateKeyJwt) if !has_keys => {
            faults.push(Fault::new("/jwks", "is required for `private_key_jwt`"));
        }
        Some(method) if method != AuthMethod::PrivateKeyJwt && has_keys => {
            faults.push(Fault::new("/jwks", "is for `private_key_jwt` alone"));
        }
        Some(AuthMethod::None) if client.grants.contains(&Grant::ClientCredentials) => {
            faults.push(Fault::new("/grants", "a client that does not authenticate has no client credentials"));
        }
        Some(_) => {}
    }
    for grant in client.grants.iter().filter(|grant| !settings.grants.contains(grant)) {
        faults.push(Fault::new("/grants", format!("the provider does not offer {}", word_of(GRANTS, *grant))));
    }
    if client.grants.contains(&Grant::AuthorizationCode) && client.redirect_uris.is_empty() {
        faults.push(Fault::new("/redirect_uris", "are required for `authorization_code`"));
    }
    faults
}

/// What a new client waits for: an approval, or, where there is one, its registration.
///
/// # Errors
/// What no approved tier allows; those of the store.
pub async fn begin(cx: &mut Context<'_>, client: &mut AppClient, provider: &Provider) -> Result<(), Refusal> {
    let settings = settings(provider)?;
    let allowed = Allowed::to(cx, &client.application, provider).await?;
    client.waiting_for = Some(ClientWait::Approval);
    if allowed.is_approved {
        let faults = allowed.fit(client, &settings);
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults));
        }
        client.waiting_for = Some(ClientWait::Registration);
    }
    Ok(())
}

/// Has the clients of an application registered that have waited for an approval. The application is locked.
///
/// # Errors
/// Those of the store.
pub async fn wake(cx: &mut Context<'_>, application: &Application) -> Result<(), Refusal> {
    let of = Condition::Is("application", application.id.clone());
    let is_pending = Condition::Is("status", ClientStatus::Pending.word().to_owned());
    for mut kept in every::<AppClient>(cx, vec![of, is_pending]).await? {
        if kept.thing.brought || !kept.thing.waits_for(ClientWait::Approval) {
            continue;
        }
        let provider = get::<Provider>(cx.tx, &cx.caller.organisation, &kept.thing.provider).await?;
        let Some(provider) = provider.map(|kept| kept.thing) else { continue };
        let Some(settings) = provider.registering() else { continue };
        let allowed = Allowed::to(cx, &application.id, &provider).await?;
        if !allowed.is_approved {
            continue;
        }
        let before = kept.thing.clone();
        let mut faults = allowed.fit(&mut kept.thing, &settings);
        faults.extend(unoffered(&kept.thing, &settings));
        let verb = if faults.is_empty() {
            (kept.thing.waiting_for, kept.thing.updated_at) = (Some(ClientWait::Registration), cx.now);
            enqueue(cx, TaskKind::Register, &kept.thing).await?;
            "register"
        } else {
            let description = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail));
            kept.thing.refuse(ClientError::of("not_allowed", description.collect::<Vec<_>>().join("; ")), cx.now);
            "refuse"
        };
        update(cx.tx, &mut kept).await?;
        audit_client(cx, application, verb, None, Some(&before), &kept.thing).await?;
    }
    Ok(())
}
