//! Tasks of clients, in the order in which they were wanted.

use std::time::Duration;

use crate::domain::client::AppClient;
use crate::domain::refusal::Refusal;
use crate::domain::task::{QueuedTask, TaskKind, TaskStatus};
use crate::use_case::context::Context;
use crate::use_case::holdings::every;
use crate::use_case::record::{insert, lock, update};
use crate::use_case::store::Condition;
use crate::use_case::tables::{CLIENTS, TASKS};

/// Wants something of the client's provider.
///
/// # Errors
/// Those of the store.
pub async fn enqueue(cx: &mut Context<'_>, kind: TaskKind, client: &AppClient) -> Result<(), Refusal> {
    let id = cx.randomness.id(cx.now);
    let task = QueuedTask::of_client(id, kind, (&client.id, &client.provider), cx.now);
    insert(cx.tx, &cx.caller.organisation, task).await?;
    Ok(())
}

/// Wants the provider to have what was asked for last. One task at a time does that, however often it changes.
///
/// # Errors
/// Those of the store.
pub async fn enqueue_update(cx: &mut Context<'_>, client: &AppClient) -> Result<(), Refusal> {
    let of = Condition::Is("client", client.id.clone());
    let is_update = Condition::Is("kind", TaskKind::Update.word().to_owned());
    let has_not_ended = Condition::From("due", String::new());
    if cx.tx.count(&TASKS, &cx.caller.organisation, &[of, is_update, has_not_ended]).await? > 0 {
        return Ok(());
    }
    enqueue(cx, TaskKind::Update, client).await
}

/// Wants an orphan of the client's to be deleted.
///
/// # Errors
/// Those of the store.
pub async fn enqueue_for_orphan(cx: &mut Context<'_>, orphan: &str, client: (&str, &str)) -> Result<(), Refusal> {
    let mut task = QueuedTask::of_client(cx.randomness.id(cx.now), TaskKind::Delete, client, cx.now);
    task.orphan = Some(orphan.to_owned());
    insert(cx.tx, &cx.caller.organisation, task).await?;
    Ok(())
}

/// What follows at its provider for a client that holds nothing any more. What still waits to be tried for it ends as soon
/// as it is looked at.
///
/// # Errors
/// Those of the store.
pub async fn let_go(cx: &mut Context<'_>, client: &AppClient) -> Result<(), Refusal> {
    let of = Condition::Is("client", client.id.clone());
    let waits = Condition::Is("status", TaskStatus::Waiting.word().to_owned());
    for task in every::<QueuedTask>(cx, vec![of, waits]).await? {
        try_now(cx, &task.organisation, &task.thing.id).await?;
    }
    enqueue(cx, TaskKind::Delete, client).await
}

/// Registrations that wait for a one-time token of this provider are tried again at once, so many at most.
///
/// # Errors
/// Those of the store.
pub async fn wake_lacking(cx: &mut Context<'_>, provider: &str, most: usize) -> Result<(), Refusal> {
    let is_register = Condition::Is("kind", TaskKind::Register.word().to_owned());
    let waits = Condition::Is("status", TaskStatus::Waiting.word().to_owned());
    let is_there = Condition::Refers("client", &CLIENTS, vec![Condition::Is("provider", provider.to_owned())]);
    let waiting = every::<QueuedTask>(cx, vec![is_register, waits, is_there]).await?;
    for task in waiting.into_iter().filter(|kept| kept.thing.lacks_token()).take(most) {
        try_now(cx, &task.organisation, &task.thing.id).await?;
    }
    Ok(())
}

/// Has it tried at once, if it waits.
async fn try_now(cx: &mut Context<'_>, organisation: &str, id: &str) -> Result<(), Refusal> {
    let Some(mut kept) = lock::<QueuedTask>(cx.tx, organisation, id).await? else { return Ok(()) };
    if kept.thing.status == TaskStatus::Waiting {
        (kept.thing.next_at, kept.thing.updated_at) = (Some(cx.now), cx.now);
        update(cx.tx, &mut kept).await?;
    }
    Ok(())
}

/// Whether the client has a task that was wanted earlier, has not ended, and is such.
///
/// # Errors
/// Those of the store.
pub async fn comes_later(
    cx: &mut Context<'_>,
    task: &QueuedTask,
    is_such: impl Fn(&QueuedTask) -> bool,
) -> Result<bool, Refusal> {
    let Some(client) = task.client.clone() else { return Ok(false) };
    let of = Condition::Is("client", client);
    let is_earlier = Condition::Before("id", task.id.clone());
    let has_not_ended = Condition::From("due", String::new());
    let earlier = every::<QueuedTask>(cx, vec![of, is_earlier, has_not_ended]).await?;
    Ok(earlier.iter().any(|kept| is_such(&kept.thing)))
}

/// Whether somebody has a task of the client's in his hands.
///
/// # Errors
/// Those of the store.
pub async fn has_running(cx: &mut Context<'_>, task: &QueuedTask) -> Result<bool, Refusal> {
    let of = Condition::Is("client", task.client.clone().unwrap_or_default());
    let is_running = Condition::Is("status", TaskStatus::Running.word().to_owned());
    let has_lease = Condition::From("due", cx.now.plus(Duration::from_millis(1)).to_string());
    Ok(cx.tx.count(&TASKS, &cx.caller.organisation, &[of, is_running, has_lease]).await? > 0)
}

/// Registrations that run at a provider. The provider is locked.
///
/// # Errors
/// Those of the store.
pub async fn registering(cx: &mut Context<'_>, provider: &str) -> Result<u64, Refusal> {
    let is_register = Condition::Is("kind", TaskKind::Register.word().to_owned());
    let is_running = Condition::Is("status", TaskStatus::Running.word().to_owned());
    let has_lease = Condition::From("due", cx.now.plus(Duration::from_millis(1)).to_string());
    let is_there = Condition::Refers("client", &CLIENTS, vec![Condition::Is("provider", provider.to_owned())]);
    Ok(cx.tx.count(&TASKS, &cx.caller.organisation, &[is_register, is_running, has_lease, is_there]).await?)
}
