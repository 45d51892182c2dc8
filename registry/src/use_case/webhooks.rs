//! What webhooks are told: a delivery for each of them is made in the transaction of the change.

use serde_json::{Value, json};

use crate::domain::refusal::Refusal;
use crate::domain::task::{Delivery, QueuedTask, TaskView};
use crate::domain::webhook::NoticeKind;
use crate::use_case::context::Context;
use crate::use_case::record::{Record, insert};
use crate::use_case::store::Table;
use crate::use_case::tables::TASKS;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Contract,
    Client,
    Task,
}

impl Record for QueuedTask {
    const TABLE: &'static Table = &TASKS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![
            Some(self.kind.word().to_owned()),
            self.client.clone(),
            Some(self.status.word().to_owned()),
            Some(self.stuck.to_string()),
            self.next_at.map(|at| at.to_string()),
        ]
    }
}

/// Tells every webhook that wants to know. `thing` is as an admin sees it, without `allowed` and `description`.
///
/// # Errors
/// Those of the store.
pub async fn notify(cx: &mut Context<'_>, kind: NoticeKind, topic: Topic, thing: Value) -> Result<(), Refusal> {
    let subscribers = cx.subscribers;
    let organisation = &cx.caller.organisation;
    let id = thing.get("id").and_then(Value::as_str).unwrap_or_default();
    let (name, path) = match topic {
        Topic::Contract => ("contract", format!("contracts/{id}")),
        Topic::Client => ("client", format!("clients/{id}")),
        Topic::Task => ("task", "admin/tasks".to_owned()),
    };
    let url = format!("{}/{path}", subscribers.origin);
    let actor = cx.caller.principal.to_string();
    let mut data = json!({"organisation": organisation, "actor": actor, "url": url});
    if let Some(members) = data.as_object_mut() {
        members.insert(name.to_owned(), thing);
    }
    let body = json!({"type": kind.word(), "timestamp": cx.now, "data": data}).to_string();
    for subscriber in subscribers.of(organisation, kind) {
        let is_repeated = kind != NoticeKind::TaskStuck;
        let delivery = Delivery { url: subscriber.url.clone(), body: body.clone(), is_repeated };
        insert(cx.tx, organisation, QueuedTask::delivery(cx.randomness.id(cx.now), delivery, cx.now)).await?;
    }
    Ok(())
}

/// Without what a server has said, which is for admins.
pub fn undescribed(task: &QueuedTask) -> TaskView {
    let mut view = task.view();
    if let Some(last) = &mut view.last {
        last.description = None;
    }
    view
}
