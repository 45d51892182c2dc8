//! The delivery of what webhooks are told: at least once, each by one worker at a time, and one of each client.

use std::time::Duration;

use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::task::{Attempt, QueuedTask, TaskKind, TaskOutcome, TaskStatus};
use crate::domain::time::Time;
use crate::domain::webhook::NoticeKind;
use crate::use_case::background::Background;
use crate::use_case::keeping::json;
use crate::use_case::ports::{Message, Messenger, Told};
use crate::use_case::record::{Kept, list, lock, update};
use crate::use_case::store::{Condition, Query, Transaction};
use crate::use_case::tables::{CLIENTS, TASKS};
use crate::use_case::tasks::audited;
use crate::use_case::webhooks::{Topic, notify, undescribed};

/// Deliveries that are looked at once.
const PAGE: u32 = 50;

/// A task that may be tried, and for whom.
#[derive(Clone, Debug)]
pub struct Due {
    pub caller: Caller,
    id: String,
    client: Option<String>,
    provider: Option<String>,
    is_registration: bool,
    at: Option<Time>,
}

impl Due {
    fn of(caller: Caller, task: QueuedTask) -> Self {
        let QueuedTask { id, kind, client, provider, next_at: at, .. } = task;
        Self { caller, id, client, provider, is_registration: kind == TaskKind::Register, at }
    }

    /// The provider at which it is to register a client.
    pub fn registers_at(&self) -> Option<&str> {
        self.provider.as_deref().filter(|_| self.is_registration)
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn at(&self) -> Option<Time> {
        self.at
    }

    /// The organisation, and its provider that is to be called.
    pub fn provider(&self) -> (String, String) {
        (self.caller.organisation.clone(), self.provider.clone().unwrap_or_default())
    }
}

/// Deliveries that are due, those first that have been so for longest.
///
/// # Errors
/// Those of the store.
pub async fn due(background: Background<'_>) -> Result<Vec<Due>, Refusal> {
    let mut found = Vec::new();
    for caller in background.callers().await? {
        let is_delivery = vec![Condition::Is("kind", TaskKind::Webhook.word().to_owned())];
        found.extend(due_page(background, &caller, is_delivery, (None, PAGE)).await?);
    }
    found.sort_by_key(Due::at);
    Ok(found)
}

/// So many of an organisation's tasks that fulfil these conditions and are due, beyond that identifier and in their order.
///
/// # Errors
/// Those of the store.
pub(super) async fn due_page(
    background: Background<'_>,
    caller: &Caller,
    mut conditions: Vec<Condition>,
    (after, limit): (Option<String>, u32),
) -> Result<Vec<Due>, Refusal> {
    let now = background.clock.now();
    conditions.push(Condition::Before("due", now.plus(Duration::from_millis(1)).to_string()));
    let query = Query { conditions, after, limit, ..Query::default() };
    let mut tx = background.store.read().await?;
    let due = list(tx.as_mut(), &caller.organisation, &query).await?;
    Ok(due.into_iter().map(|kept| Due::of(caller.clone(), kept.thing)).collect())
}

/// Takes it, for as long as its lease lasts. `None` when somebody else has it, or another task of its client, or it has
/// ended.
///
/// # Errors
/// Those of the store.
pub async fn claim(background: Background<'_>, due: &Due) -> Result<Option<QueuedTask>, Refusal> {
    let organisation = &due.caller.organisation;
    let mut tx = background.store.write().await?;
    let now = background.clock.now();
    if let Some(client) = &due.client {
        // Whoever takes a task of this client waits here.
        tx.lock(&CLIENTS, organisation, client).await?;
        let is_of_client = Condition::Is("client", client.clone());
        let is_running = Condition::Is("status", TaskStatus::Running.word().to_owned());
        let has_lease = Condition::From("due", now.plus(Duration::from_millis(1)).to_string());
        if tx.count(&TASKS, organisation, &[is_of_client, is_running, has_lease]).await? > 0 {
            return Ok(None);
        }
    }
    let Some(mut kept) = lock::<QueuedTask>(tx.as_mut(), organisation, &due.id).await? else { return Ok(None) };
    if !kept.thing.is_due(now) {
        return Ok(None);
    }
    kept.thing.begin(now);
    update(tx.as_mut(), &mut kept).await?;
    tx.commit().await?;
    Ok(Some(kept.thing))
}

/// Tries a delivery that was taken, and notes what became of it.
///
/// # Errors
/// Those of the store.
pub async fn attempt(
    background: Background<'_>,
    messenger: &dyn Messenger,
    due: &Due,
    task: &QueuedTask,
) -> Result<TaskOutcome, Refusal> {
    let attempt = tell(background, messenger, &due.caller, task).await;
    let outcome = attempt.outcome;
    conclude(background, &due.caller, task, attempt).await?;
    Ok(outcome)
}

/// Lets go of one that was taken, so that anybody may try it at once.
///
/// # Errors
/// Those of the store.
pub async fn give_back(background: Background<'_>, due: &Due, task: &QueuedTask) -> Result<(), Refusal> {
    let mut tx = background.store.write().await?;
    let Some(mut kept) = mine(tx.as_mut(), &due.caller, task).await? else { return Ok(()) };
    kept.thing.give_back(background.clock.now());
    update(tx.as_mut(), &mut kept).await?;
    Ok(tx.commit().await?)
}

/// `None` when somebody else has it by now, as this process was away for longer than the lease lasts, or it has ended.
async fn mine(
    tx: &mut dyn Transaction,
    caller: &Caller,
    task: &QueuedTask,
) -> Result<Option<Kept<QueuedTask>>, Refusal> {
    let kept = lock::<QueuedTask>(tx, &caller.organisation, &task.id).await?;
    Ok(kept.filter(|kept| kept.thing.attempt == task.attempt && !kept.thing.has_ended()))
}

async fn tell(background: Background<'_>, messenger: &dyn Messenger, caller: &Caller, task: &QueuedTask) -> Attempt {
    let delivery = task.delivery.clone().unwrap_or_default();
    let message = Message {
        organisation: caller.organisation.clone(),
        url: delivery.url,
        id: task.id.clone(),
        timestamp: background.clock.now().as_millis() / 1000,
        body: delivery.body,
    };
    let told = messenger.tell(&message).await;
    let at = background.clock.now();
    let attempt = Attempt { at, outcome: TaskOutcome::NotDone, status: None, error: None, description: None };
    match told {
        Told::Status(status @ 200..=299) => Attempt { outcome: TaskOutcome::Done, status: Some(status), ..attempt },
        Told::Status(410) => Attempt { outcome: TaskOutcome::Refused, status: Some(410), ..attempt },
        Told::Status(status) => Attempt { status: Some(status), ..attempt },
        Told::Failed(why) => Attempt { outcome: TaskOutcome::Unknown, description: Some(why), ..attempt },
        Told::NobodyThere => {
            Attempt { outcome: TaskOutcome::Refused, error: Some("not_configured".to_owned()), ..attempt }
        }
    }
}

async fn conclude(
    background: Background<'_>,
    caller: &Caller,
    task: &QueuedTask,
    attempt: Attempt,
) -> Result<(), Refusal> {
    let mut tx = background.store.write().await?;
    let cx = &mut background.context(tx.as_mut(), caller, attempt.at);
    let Some(mut kept) = mine(cx.tx, caller, task).await? else { return Ok(()) };
    let before = kept.thing.view();
    let is_given_up = kept.thing.delivered(attempt);
    update(cx.tx, &mut kept).await?;
    if is_given_up {
        notify(cx, NoticeKind::TaskStuck, Topic::Task, json(undescribed(&kept.thing))?).await?;
    }
    if kept.thing.status == TaskStatus::Refused {
        audited(cx, "task.refused", before, &kept.thing).await?;
    }
    Ok(tx.commit().await?)
}
