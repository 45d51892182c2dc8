//! The delivery of what webhooks are told: at least once, by one process at a time.

use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::task::{Attempt, QueuedTask, TaskKind, TaskOutcome};
use crate::domain::webhook::NoticeKind;
use crate::use_case::background::Background;
use crate::use_case::keeping::json;
use crate::use_case::ports::{Message, Messenger, Told};
use crate::use_case::record::{list, lock, update};
use crate::use_case::store::{Condition, Query};
use crate::use_case::webhooks::{Topic, notify, undescribed};

/// Deliveries that are looked at once.
const PAGE: u32 = 50;

/// How many deliveries of one round were taken, and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub done: u64,
    pub failed: u64,
}

/// Tries every delivery that is due. Several may do so at once: each delivery is claimed before it is tried.
///
/// # Errors
/// Those of the store.
pub async fn run_due(background: Background<'_>, messenger: &dyn Messenger) -> Result<Round, Refusal> {
    let mut round = Round::default();
    for caller in background.callers().await? {
        let now = background.clock.now();
        let is_delivery = Condition::Is("kind", TaskKind::Webhook.word().to_owned());
        let is_due = Condition::Before("due", now.plus(std::time::Duration::from_millis(1)).to_string());
        let query = Query { conditions: vec![is_delivery, is_due], limit: PAGE, ..Query::default() };
        let mut tx = background.store.read().await?;
        let due = list::<QueuedTask>(tx.as_mut(), &caller.organisation, &query).await?;
        drop(tx);
        for task in due {
            let Some(task) = claim(background, &caller, &task.thing.id).await? else { continue };
            let outcome = tell(background, messenger, &caller, &task).await;
            match outcome.outcome {
                TaskOutcome::Done => round.done += 1,
                _ => round.failed += 1,
            }
            conclude(background, &caller, &task, outcome).await?;
        }
    }
    Ok(round)
}

/// `None` when another process has it, or it has ended.
async fn claim(background: Background<'_>, caller: &Caller, id: &str) -> Result<Option<QueuedTask>, Refusal> {
    let mut tx = background.store.write().await?;
    let Some(mut kept) = lock::<QueuedTask>(tx.as_mut(), &caller.organisation, id).await? else { return Ok(None) };
    let now = background.clock.now();
    if !kept.thing.is_due(now) {
        return Ok(None);
    }
    kept.thing.begin(now);
    update(tx.as_mut(), &mut kept).await?;
    tx.commit().await?;
    Ok(Some(kept.thing))
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
    let Some(mut kept) = lock::<QueuedTask>(cx.tx, &caller.organisation, &task.id).await? else { return Ok(()) };
    // Somebody else has it by now: this process was away for longer than it may be.
    if kept.thing.attempt != task.attempt || kept.thing.has_ended() {
        return Ok(());
    }
    let is_given_up = kept.thing.delivered(attempt);
    update(cx.tx, &mut kept).await?;
    if is_given_up {
        notify(cx, NoticeKind::TaskStuck, Topic::Task, json(undescribed(&kept.thing))?).await?;
    }
    Ok(tx.commit().await?)
}
