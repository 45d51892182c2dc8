//! What a provider is asked for when a client that it has is to be another.

use std::borrow::Cow;

use crate::domain::application::Application;
use crate::domain::client::{AppClient, ClientError, ClientStatus};
use crate::domain::client_terms::ClientTerms;
use crate::domain::provider::{DcrSettings, Provider};
use crate::domain::refusal::Refusal;
use crate::domain::registration::Registration;
use crate::use_case::client_access::audit_client;
use crate::use_case::client_keeping::managed;
use crate::use_case::context::Context;
use crate::use_case::record::{Kept, note, update};
use crate::use_case::registrar::{Failure, Managed};

/// All that the client is to be, and how it is reached.
#[derive(Clone, Debug)]
pub struct Updating {
    pub managed: Managed,
    pub registration: Registration,
    /// What was asked for. `None` where the provider is to have again what holds here.
    pub terms: Option<ClientTerms>,
    /// Whether it is not known how an earlier attempt has ended.
    pub was_doubtful: bool,
}

/// What comes of looking at an update that is due.
pub(super) enum Begun {
    Update(Box<Updating>),
    Nothing,
    Refused(Failure),
}

/// Takes note that an attempt begins, whose end may remain unknown: whoever is killed then cannot say so.
///
/// # Errors
/// Those of the store.
pub(super) async fn begin(
    cx: &mut Context<'_>,
    (provider, application): (&Provider, &Application),
    kept: &mut Kept<AppClient>,
) -> Result<Begun, Refusal> {
    if !kept.thing.is_there() {
        let is_undone = matches!(kept.thing.status, ClientStatus::Pending | ClientStatus::Refused);
        if is_undone && kept.thing.requested.is_some() {
            let before = kept.thing.clone();
            kept.thing.settle_terms();
            kept.thing.updated_at = cx.now;
            update(cx.tx, kept).await?;
            audit_client(cx, application, "updated", None, Some(&before), &kept.thing).await?;
        }
        return Ok(Begun::Nothing);
    }
    let settings: DcrSettings = provider.registering().map(Cow::into_owned).unwrap_or_default();
    if !settings.updates() {
        let failure = said("not_supported", "the provider changes no clients any more");
        give_up(cx, application, kept, None, &failure).await?;
        return Ok(Begun::Refused(failure));
    }
    let client = kept.thing.with_terms(kept.thing.wanted_terms());
    let Some(registered) = &mut kept.thing.registered else { return Ok(Begun::Nothing) };
    let updating = Updating {
        managed: managed(cx, &client.id, registered),
        registration: Registration::changed(&client, &registered.metadata, &settings.metadata),
        terms: client.requested,
        was_doubtful: registered.is_doubtful,
    };
    registered.is_doubtful = true;
    // Nobody sees it.
    note(cx.tx, kept).await?;
    Ok(Begun::Update(Box::new(updating)))
}

/// The client stays what it is, and says why it could not be changed. What was asked for meanwhile goes on.
///
/// # Errors
/// Those of the store.
pub(super) async fn give_up(
    cx: &mut Context<'_>,
    application: &Application,
    kept: &mut Kept<AppClient>,
    terms: Option<&ClientTerms>,
    failure: &Failure,
) -> Result<(), Refusal> {
    let before = kept.thing.clone();
    let Failure { status, error, description, .. } = failure.clone();
    kept.thing.error = Some(ClientError { outcome: "refused".to_owned(), status, error, description });
    if terms.is_none() || terms == kept.thing.requested.as_ref() {
        kept.thing.requested = None;
    }
    kept.thing.updated_at = cx.now;
    update(cx.tx, kept).await?;
    audit_client(cx, application, "refuse_update", None, Some(&before), &kept.thing).await
}

/// Something that is found here, not at the provider.
pub(super) fn said(error: &str, description: impl Into<String>) -> Failure {
    Failure { error: Some(error.to_owned()), description: Some(description.into()), ..Failure::default() }
}
