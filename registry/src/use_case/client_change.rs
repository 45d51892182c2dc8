//! Changes of clients that are registered: asked for here, and done at their provider by a task.

use crate::domain::application::Application;
use crate::domain::client::{AppClient, Defaulted};
use crate::domain::fault::Fault;
use crate::domain::members::Members;
use crate::domain::provider::{DcrSettings, Management, Provider};
use crate::domain::refusal::Refusal;
use crate::use_case::client_access::audit_client;
use crate::use_case::client_registration::{read_terms, unoffered};
use crate::use_case::client_tasks::enqueue_update;
use crate::use_case::client_terms::Allowed;
use crate::use_case::context::Context;
use crate::use_case::record::{Kept, update};

/// What only clients that are registered here have, and what can be changed of them.
pub const OF_REGISTERED: [&str; 4] = ["grants", "scopes", "redirect_uris", "jwks"];

/// Reads a change, and has the provider asked for it. Until that is done the client is as it was; one that nobody has
/// registered yet is changed at once. The provider and the application are locked.
///
/// # Errors
/// Faults of the body; a provider that changes no clients; another state; those of the store.
pub async fn change(
    cx: &mut Context<'_>,
    (provider, application): (&Provider, &Application),
    kept: &mut Kept<AppClient>,
    mut members: Members<'_>,
) -> Result<(), Refusal> {
    let given: Vec<&str> = OF_REGISTERED.into_iter().filter(|name| members.given(name).is_some()).collect();
    let mut old = AppClient { requested: None, ..kept.thing.with_terms(kept.thing.wanted_terms()) };
    if !old.is_nowhere() {
        // It has what it has: nothing is left to the tiers but what this change leaves to them.
        old.defaulted = Defaulted::default();
    }
    let mut new = old.clone();
    read_terms(&mut new, &mut members);
    if let Some(settings) = provider.registering() {
        let allowed = Allowed::to(cx, &application.id, provider).await?;
        let known = faults(&mut old.clone(), &settings, &allowed);
        // What the client has already is not asked for: tiers and providers may have changed since.
        let counts = |fault: &Fault| given.contains(&fault.pointer.trim_start_matches('/')) || !known.contains(fault);
        for fault in faults(&mut new, &settings, &allowed).into_iter().filter(counts) {
            members.fault(fault.pointer.trim_start_matches('/'), fault.detail);
        }
    }
    members.finish()?;
    if given.is_empty() {
        return Ok(());
    }
    is_possible(&kept.thing, provider)?;
    let before = kept.thing.clone();
    if kept.thing.is_nowhere() {
        kept.thing = new;
    } else if new.terms() != kept.thing.wanted_terms() {
        kept.thing.requested = Some(new.terms());
        enqueue_update(cx, &kept.thing).await?;
    }
    if kept.thing == before {
        return Ok(());
    }
    kept.thing.updated_at = cx.now;
    update(cx.tx, kept).await?;
    audit_client(cx, application, "update", None, Some(&before), &kept.thing).await
}

fn faults(client: &mut AppClient, settings: &DcrSettings, allowed: &Allowed) -> Vec<Fault> {
    let mut faults = Vec::new();
    if allowed.is_approved || !client.is_nowhere() {
        faults = allowed.fit(client, settings);
    }
    faults.extend(unoffered(client, settings));
    faults
}

fn is_possible(client: &AppClient, provider: &Provider) -> Result<(), Refusal> {
    let Some(settings) = provider.registering().filter(|settings| settings.updates()) else {
        return Err(Refusal::NotSupported(
            "this provider changes no clients: another one is made, or `rotate` makes it",
        ));
    };
    if !client.can_be_changed() {
        return Err(Refusal::Transition { current: client.status.word(), allowed: client.possible() });
    }
    let has_token = |client: &AppClient| client.registered.as_ref().is_some_and(|it| it.token.is_some());
    if client.is_there() && settings.management == Management::RegistrationToken && !has_token(client) {
        return Err(Refusal::NotSupported(
            "no registration token of this client is kept: `rotate` replaces the client",
        ));
    }
    Ok(())
}
