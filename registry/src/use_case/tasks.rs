//! Tasks, as admins see them, and those that take too long.

use std::time::Duration;

use crate::domain::members::{Members, Object};
use crate::domain::refusal::Refusal;
use crate::domain::task::{QueuedTask, TASK_KINDS, TASK_STATES, TaskKind, TaskStatus, TaskView};
use crate::domain::webhook::NoticeKind;
use crate::use_case::audit::{Change, record};
use crate::use_case::background::Background;
use crate::use_case::context::Context;
use crate::use_case::keeping::{auditor, filtered, find, hold, json, page, wrong_query};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, list as records, update};
use crate::use_case::shown::{Asked, Page, Shown};
use crate::use_case::store::{Condition, Query};
use crate::use_case::webhooks::{Topic, notify, undescribed};

/// Tasks that are looked at once.
const PAGE: u32 = 200;

fn shown(kept: &Kept<QueuedTask>) -> Result<Shown, Refusal> {
    Ok(Shown { value: json(kept.thing.view())?, revision: kept.revision })
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    auditor(&Reach::of(cx.tx, cx.caller).await?)?;
    shown(&find(cx, id).await?)
}

/// # Errors
/// A filter that cannot be read; those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    let conditions = filtered(asked, filter)?;
    if !Reach::of(cx.tx, cx.caller).await?.audits_all() {
        return Ok(Page::default());
    }
    let (tasks, next) = page::<QueuedTask>(cx, asked, conditions).await?;
    Ok(Page { items: tasks.iter().map(|kept| json(kept.thing.view())).collect::<Result<_, _>>()?, next })
}

fn filter(name: &str, value: &str) -> Result<Condition, Refusal> {
    match name {
        "status" if TASK_STATES.iter().any(|(word, _)| *word == value) => Ok(Condition::Is("status", value.to_owned())),
        "status" => wrong_query(name, "is not a status of tasks"),
        "kind" if TASK_KINDS.iter().any(|(word, _)| *word == value) => Ok(Condition::Is("kind", value.to_owned())),
        "kind" => wrong_query(name, "is not a kind of tasks"),
        "client" => Ok(Condition::Is("client", value.to_owned())),
        "stuck" if value == "true" => Ok(Condition::Is("stuck", value.to_owned())),
        "stuck" => wrong_query(name, "can only be `true`"),
        _ => wrong_query(name, "is not known"),
    }
}

/// Has it tried now.
///
/// # Errors
/// There is none for the caller; no permission; faults of the body; it does not wait; those of the store.
pub async fn retry(cx: &mut Context<'_>, id: &str, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    auditor(&reach)?;
    let mut kept = hold::<QueuedTask>(cx, id).await?;
    if !reach.is_admin() {
        return Err(Refusal::Forbidden);
    }
    Members::of_new(body).finish()?;
    if kept.thing.status != TaskStatus::Waiting {
        return Err(Refusal::Transition { current: kept.thing.status.word(), allowed: Vec::new() });
    }
    let before = kept.thing.view();
    (kept.thing.next_at, kept.thing.updated_at) = (Some(cx.now), cx.now);
    update(cx.tx, &mut kept).await?;
    audited(cx, "task.retry", before, &kept.thing).await?;
    shown(&kept)
}

/// Writes that somebody has had it tried, that it is stuck, or that it is given up: its attempts, and that one was done,
/// are no changes of state that somebody answers for.
///
/// # Errors
/// Those of the store.
pub async fn audited(cx: &mut Context<'_>, action: &str, before: TaskView, task: &QueuedTask) -> Result<(), Refusal> {
    let (before, after) = (Some(json(before)?), Some(json(task.view())?));
    let (kind, groups, reason) = ("task", [None, None], None);
    record(cx, Change { action, kind, id: &task.id, groups, reason, before, after }).await
}

/// Marks the tasks that have not ended in time, and tells of them. A delivery that fails is told of when it is given up.
///
/// # Errors
/// Those of the store.
pub async fn mark_stuck(background: Background<'_>, stuck_after: Duration) -> Result<u64, Refusal> {
    let mut marked = 0;
    for caller in background.callers().await? {
        let now = background.clock.now();
        let has_not_ended = Condition::From("due", String::new());
        let is_new = Condition::Is("stuck", "false".to_owned());
        let query = Query { conditions: vec![has_not_ended, is_new], limit: PAGE, ..Query::default() };
        let mut tx = background.store.read().await?;
        let open = records::<QueuedTask>(tx.as_mut(), &caller.organisation, &query).await?;
        drop(tx);
        let is_late = |task: &QueuedTask| !task.has_ended() && now.since(task.created_at) >= stuck_after;
        for task in open.into_iter().filter(|kept| is_late(&kept.thing)) {
            let mut tx = background.store.write().await?;
            let cx = &mut background.context(tx.as_mut(), &caller, now);
            let mut kept = hold::<QueuedTask>(cx, &task.thing.id).await?;
            if kept.thing.stuck || !is_late(&kept.thing) {
                continue;
            }
            let before = kept.thing.view();
            (kept.thing.stuck, kept.thing.updated_at) = (true, now);
            update(cx.tx, &mut kept).await?;
            if kept.thing.kind != TaskKind::Webhook {
                notify(cx, NoticeKind::TaskStuck, Topic::Task, json(undescribed(&kept.thing))?).await?;
            }
            audited(cx, "task.stuck", before, &kept.thing).await?;
            tx.commit().await?;
            marked += 1;
        }
    }
    Ok(marked)
}
