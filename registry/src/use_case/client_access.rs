//! Clients as records, who may see them, and how the audit tells of them.

use crate::domain::application::Application;
use crate::domain::client::AppClient;
use crate::domain::refusal::Refusal;
use crate::use_case::application_access::{readable_application, writable_application};
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::keeping::{find, json};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record};
use crate::use_case::shown::Shown;
use crate::use_case::store::Table;
use crate::use_case::tables::CLIENTS;

impl Record for AppClient {
    const TABLE: &'static Table = &CLIENTS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![
            Some(self.application.clone()),
            Some(self.provider.clone()),
            Some(self.status.word().to_owned()),
            self.holding(),
            self.retires_next().map(|at| at.to_string()),
            self.secrets_until().map(|at| at.to_string()),
            self.expiry_told_next().map(|at| at.to_string()),
            self.tokens_of(),
        ]
    }
}

/// # Errors
/// What cannot be written as JSON.
pub fn shown_client(reach: &Reach, kept: &Kept<AppClient>) -> Result<Shown, Refusal> {
    Ok(Shown { value: json(kept.thing.view(reach.is_admin()))?, revision: kept.revision })
}

/// One that the caller may read.
///
/// # Errors
/// There is none for the caller; those of the store.
pub async fn readable_client(cx: &mut Context<'_>, reach: &Reach, id: &str) -> Result<Kept<AppClient>, Refusal> {
    let kept = find::<AppClient>(cx, id).await?;
    readable_application(cx, reach, &kept.thing.application).await?;
    Ok(kept)
}

/// One that the caller may write, and its application, which is locked.
///
/// # Errors
/// There is none for the caller; no permission; those of the store.
pub async fn writable_client(
    cx: &mut Context<'_>,
    reach: &Reach,
    id: &str,
) -> Result<(Kept<AppClient>, Application), Refusal> {
    let application = find::<AppClient>(cx, id).await?.thing.application;
    let application = writable_application(cx, reach, &application).await?;
    Ok((find(cx, id).await?, application.thing))
}

/// # Errors
/// Those of the store.
pub async fn audit_client(
    cx: &mut Context<'_>,
    application: &Application,
    verb: &str,
    reason: Option<&str>,
    before: Option<&AppClient>,
    after: &AppClient,
) -> Result<(), Refusal> {
    let action = format!("client.{verb}");
    // What a provider said is for admins; auditors read this too.
    let before = before.map(|client| json(client.view(false))).transpose()?;
    let shown = Some(json(after.view(false))?);
    let groups = [Some(application.group.as_str()), None];
    let change = Change { action: &action, kind: "client", id: &after.id, groups, reason, before, after: shown };
    record(cx, change).await
}
