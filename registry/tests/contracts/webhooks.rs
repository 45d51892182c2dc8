//! What webhooks are told, and until when it is tried.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tessera_registry::domain::contract_action::ContractAction as A;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::domain::task::TaskOutcome;
use tessera_registry::domain::webhook::{NoticeKind, Subscriber, Subscribers};
use tessera_registry::use_case::background::Background;
use tessera_registry::use_case::deliveries::{attempt, claim, due};
use tessera_registry::use_case::ports::{Message, Messenger, Told};
use tessera_registry::use_case::{audit, tasks};

use crate::world::{World, admin, asked, object};

/// How many of what was due have come to an end well, and how many not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Round {
    done: u64,
    failed: u64,
}

async fn run_due(background: Background<'_>, post: &Post) -> Result<Round, Refusal> {
    let mut round = Round::default();
    for due in due(background).await? {
        let task = claim(background, &due).await?.unwrap();
        match attempt(background, post, &due, &task).await? {
            TaskOutcome::Done => round.done += 1,
            _ => round.failed += 1,
        }
    }
    Ok(round)
}

#[derive(Default)]
struct Post {
    messages: Mutex<Vec<Message>>,
    answers: Mutex<VecDeque<Told>>,
}

#[async_trait]
impl Messenger for Post {
    async fn tell(&self, message: &Message) -> Told {
        self.messages.lock().unwrap().push(message.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or(Told::Status(204))
    }
}

impl Post {
    fn answering(told: impl IntoIterator<Item = Told>) -> Self {
        Self { answers: Mutex::new(told.into_iter().collect()), ..Self::default() }
    }

    fn types(&self) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        let kind = |message: &Message| serde_json::from_str::<Value>(&message.body).unwrap()["type"].clone();
        let mut types: Vec<_> = messages.iter().map(|message| kind(message).as_str().unwrap().to_owned()).collect();
        types.sort();
        types
    }
}

fn subscribers(events: Option<Vec<NoticeKind>>) -> Subscribers {
    let one = |organisation: &str| Subscriber {
        organisation: organisation.into(),
        url: "https://hook.example".into(),
        events: events.clone(),
    };
    Subscribers { origin: "https://registry.example".into(), all: vec![one("default"), one("other")] }
}

async fn worlds() -> Vec<World> {
    let mut worlds = World::each().await;
    worlds.iter_mut().for_each(|world| world.subscribers = subscribers(None));
    worlds
}

#[tokio::test]
async fn each_change_is_told_once() {
    for world in worlds().await {
        let (_, id) = world.active().await;
        let why = || json!({"reason": "why"});
        world.contract(&admin(), &id, A::Suspend, why()).await.unwrap();
        world.contract(&admin(), &id, A::Resume, why()).await.unwrap();
        world.contract(&admin(), &id, A::Revoke, why()).await.unwrap();
        let post = Post::default();
        assert_eq!(run_due(world.background(), &post).await, Ok(Round { done: 4, failed: 0 }));
        assert_eq!(post.types(), ["contract.approved", "contract.requested", "contract.revoked", "contract.suspended"]);
        let message = post.messages.lock().unwrap()[0].clone();
        let body: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(body["data"]["url"], format!("https://registry.example/contracts/{id}"));
        assert_eq!(body["data"]["contract"]["id"], json!(id));
        assert_eq!(body["data"]["contract"].get("allowed"), None);
        assert_eq!((&body["data"]["organisation"], &body["data"]["actor"]), (&json!("default"), &json!("user:dev")));
        assert_eq!(message.timestamp, 1_767_225_600);
        assert_eq!(run_due(world.background(), &Post::default()).await, Ok(Round::default()));
    }
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_under_the_same_id() {
    for world in worlds().await {
        let application = world.application(&admin()).await.unwrap();
        world.request(&admin(), &application, "gold").await.unwrap();
        let post = Post::answering([Told::Status(503), Told::Failed("no answer".into())]);
        for (pause, round) in [(0, 1), (9, 0), (1, 1), (19, 0), (1, 1)] {
            world.pass(Duration::from_secs(pause));
            let tried = run_due(world.background(), &post).await.unwrap();
            assert_eq!(tried.done + tried.failed, round, "{pause}");
        }
        let messages = post.messages.lock().unwrap().clone();
        assert!(messages.len() == 3 && messages.iter().all(|message| message.id == messages[0].id));
        let page = world.act(&admin(), async |cx| tasks::list(cx, &asked(&[])).await).await.unwrap();
        assert_eq!((&page.items[0]["status"], &page.items[0]["attempt"]), (&json!("done"), &json!(3)));
        assert_eq!(page.items[0].get("delivery"), None);
    }
}

#[tokio::test]
async fn one_that_is_given_up_is_told_of_once() {
    for world in worlds().await {
        let application = world.application(&admin()).await.unwrap();
        world.request(&admin(), &application, "gold").await.unwrap();
        let post = Post::answering(std::iter::repeat_n(Told::Status(500), 1000));
        for _ in 0..60 {
            run_due(world.background(), &post).await.unwrap();
            world.pass(Duration::from_secs(1800));
        }
        assert_eq!(post.types().iter().filter(|kind| *kind == "task.stuck").count(), 1);
        let page = world.act(&admin(), async |cx| tasks::list(cx, &asked(&[("stuck", "true")])).await).await.unwrap();
        assert_eq!((page.items.len(), &page.items[0]["status"]), (1, &json!("refused")));
        // 410 ends it at once.
        let other = world.application(&admin()).await.unwrap();
        world.request(&admin(), &other, "gold").await.unwrap();
        let gone = Post::answering([Told::Status(410)]);
        assert_eq!(run_due(world.background(), &gone).await, Ok(Round { done: 0, failed: 1 }));
        world.pass(Duration::from_secs(86_400));
        assert_eq!(run_due(world.background(), &gone).await, Ok(Round::default()));
    }
}

#[tokio::test]
async fn an_admin_has_it_tried_now_and_late_ones_are_marked() {
    for world in worlds().await {
        let application = world.application(&admin()).await.unwrap();
        world.request(&admin(), &application, "gold").await.unwrap();
        let post = Post::answering([Told::Status(500)]);
        run_due(world.background(), &post).await.unwrap();
        let page = world.act(&admin(), async |cx| tasks::list(cx, &asked(&[("kind", "webhook")])).await).await.unwrap();
        let id = page.items[0]["id"].as_str().unwrap();
        let retry = async || {
            let body = object(json!({}));
            world.act(&admin(), async |cx| tasks::retry(cx, id, &body).await).await
        };
        retry().await.unwrap();
        world.pass(Duration::from_secs(1));
        assert_eq!(tasks::mark_stuck(world.background(), Duration::from_secs(1)).await, Ok(1));
        assert_eq!(tasks::mark_stuck(world.background(), Duration::from_secs(1)).await, Ok(0));
        assert_eq!(run_due(world.background(), &post).await, Ok(Round { done: 1, failed: 0 }));
        assert_eq!(retry().await, Err(Refusal::Transition { current: "done", allowed: vec![] }));
    }
}

#[tokio::test]
async fn the_audit_tells_what_became_of_a_task_but_not_of_its_attempts() {
    for world in worlds().await {
        let application = world.application(&admin()).await.unwrap();
        world.request(&admin(), &application, "gold").await.unwrap();
        let post = Post::answering([Told::Status(500), Told::Status(500), Told::Status(410)]);
        run_due(world.background(), &post).await.unwrap();
        tasks::mark_stuck(world.background(), Duration::ZERO).await.unwrap();
        for _ in 0..2 {
            world.pass(Duration::from_secs(20));
            run_due(world.background(), &post).await.unwrap();
        }
        let entries = world.act(&admin(), async |cx| audit::list(cx, &asked(&[])).await).await.unwrap().items;
        let of_tasks: Vec<_> = entries.iter().filter(|entry| entry["subject"]["kind"] == "task").collect();
        let told = |member: &str| -> Vec<&Value> { of_tasks.iter().map(|entry| &entry[member]).collect() };
        assert_eq!(told("action"), ["task.stuck", "task.refused"]);
        assert_eq!(told("actor"), ["system", "system"]);
        assert_eq!(
            (&of_tasks[1]["before"]["status"], &of_tasks[1]["after"]["status"]),
            (&json!("running"), &json!("refused"))
        );
    }
}

#[tokio::test]
async fn only_what_was_asked_for_is_told() {
    for mut world in World::each().await {
        world.subscribers = subscribers(Some(vec![NoticeKind::ContractRejected]));
        world.active().await;
        assert_eq!(run_due(world.background(), &Post::default()).await, Ok(Round::default()));
    }
}
