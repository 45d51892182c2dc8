//! What an attempt means for its task, and for a client that cannot be taken.

use std::time::Duration;

use crate::domain::client::ClientError;
use crate::domain::refusal::Refusal;
use crate::domain::task::{TaskKind, TaskOutcome};
use crate::use_case::client_access::audit_client;
use crate::use_case::client_scene::Scene;
use crate::use_case::client_tasks::enqueue;
use crate::use_case::context::Context;
use crate::use_case::record::update;
use crate::use_case::registrar::Failure;

/// How an attempt has ended, for its task.
pub(super) enum Verdict {
    Done,
    Refused(Failure),
    Again(TaskOutcome, Failure, Option<Duration>),
    /// Again after exactly this time.
    CheckAgain(Failure),
    /// This was the first of two steps.
    Onward,
}

/// The client is none, for what the provider has said.
pub(super) async fn refuse(cx: &mut Context<'_>, scene: &mut Scene, failure: Failure) -> Result<(), Refusal> {
    let before = scene.client.thing.clone();
    let Failure { status, error, description, .. } = failure;
    let client = &mut scene.client.thing;
    client.refuse(ClientError { outcome: "refused".to_owned(), status, error, description }, cx.now);
    (client.client_id, client.gateway_client_id) = (None, None);
    if let Some(registered) = &mut client.registered {
        registered.forget_secrets();
        enqueue(cx, TaskKind::Delete, client).await?;
    }
    update(cx.tx, &mut scene.client).await?;
    audit_client(cx, &scene.application, "refuse", None, Some(&before), &scene.client.thing).await
}
