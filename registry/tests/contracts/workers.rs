//! Who may try a task, when several could.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use tessera_registry::domain::task::{Delivery, QueuedTask, TaskOutcome, TaskStatus};
use tessera_registry::domain::time::Time;
use tessera_registry::use_case::audit;
use tessera_registry::use_case::deliveries::{Due, attempt, claim, due, give_back};
use tessera_registry::use_case::ended_tasks::{self, forget_ended};
use tessera_registry::use_case::epochs::note_epoch;
use tessera_registry::use_case::ports::{Clock, Message, Messenger, Told};
use tessera_registry::use_case::record::{get, insert, list};
use tessera_registry::use_case::store::{Query, Store};

use crate::world::{World, admin, asked, text};

struct Deaf;

#[async_trait]
impl Messenger for Deaf {
    async fn tell(&self, _: &Message) -> Told {
        Told::Status(204)
    }
}

/// A task that was made at that moment.
fn made(at: Time, status: TaskStatus) -> QueuedTask {
    let mut bits = [0; 10];
    getrandom::fill(&mut bits).unwrap();
    let id = uuid::Builder::from_unix_timestamp_millis(at.as_millis(), &bits).into_uuid().to_string();
    let task = QueuedTask { status, ..QueuedTask::delivery(id, Delivery::default(), at) };
    QueuedTask { next_at: task.next_at.filter(|_| !task.has_ended()), ..task }
}

#[tokio::test]
async fn the_audit_tells_of_a_new_epoch_once() {
    for world in World::each().await {
        for epoch in ["0000000000000001", "0000000000000002"] {
            let mut tx = world.store.write().await.unwrap();
            tx.set_epoch(epoch).await.unwrap();
            tx.commit().await.unwrap();
            for _ in 0..2 {
                note_epoch(world.background()).await.unwrap();
            }
        }
        let asked = asked(&[("action", "registry.epoch")]);
        let told = world.act(&admin(), async |cx| audit::list(cx, &asked).await).await.unwrap().items;
        assert_eq!(told.len(), 1, "what was before the first look is not known: {told:?}");
        assert_eq!(told[0]["before"], serde_json::json!({"epoch": "0000000000000001"}));
        assert_eq!(told[0]["after"], serde_json::json!({"epoch": "0000000000000002"}));
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten() {
    let day = Duration::from_secs(86_400);
    for world in World::each().await {
        let (now, soon) = (world.now(), world.now().plus(day));
        // One of them takes long.
        let late = made(now, TaskStatus::Waiting);
        let mut kept = vec![late.clone(), made(now, TaskStatus::Waiting), made(now, TaskStatus::Running)];
        let mut old = Vec::new();
        for status in [TaskStatus::Done, TaskStatus::Refused] {
            old.extend((0..600).map(|_| made(now, status)));
            kept.push(made(soon, status));
        }
        let mut tx = world.store.write().await.unwrap();
        for task in old.iter().chain(&kept) {
            insert(tx.as_mut(), "default", task.clone()).await.unwrap();
        }
        tx.commit().await.unwrap();
        world.pass(day);
        let due = all_due(&world).await.into_iter().find(|due| format!("{due:?}").contains(&late.id)).unwrap();
        let task = claim(world.background(), &due).await.unwrap().unwrap();
        assert_eq!(attempt(world.background(), &Deaf, &due, &task).await, Ok(TaskOutcome::Done));
        assert_eq!(forget_ended(world.background()).await, Ok(0));
        world.pass(ended_tasks::KEPT_FOR - day + Duration::from_millis(1));
        assert_eq!(forget_ended(world.background()).await, Ok(old.len()));
        let mut tx = world.store.read().await.unwrap();
        let query = Query { limit: 2000, ..Query::default() };
        let left = list::<QueuedTask>(tx.as_mut(), "default", &query).await.unwrap();
        let left: BTreeSet<String> = left.into_iter().map(|kept| kept.thing.id).collect();
        assert_eq!(left, kept.into_iter().map(|task| task.id).collect());
    }
}

/// A task of a client, or of none.
async fn queue(world: &World, client: Option<&str>) {
    let mut tx = world.store.write().await.unwrap();
    let mut task = QueuedTask::delivery(uuid::Uuid::now_v7().to_string(), Delivery::default(), world.now());
    task.client = client.map(str::to_owned);
    insert(tx.as_mut(), "default", task).await.unwrap();
    tx.commit().await.unwrap();
}

async fn all_due(world: &World) -> Vec<Due> {
    due(world.background()).await.unwrap()
}

/// What two replicas take that see the same.
async fn taken(world: &World, due: &[Due]) -> Vec<(Due, QueuedTask)> {
    let mut all = Vec::new();
    for due in due {
        let (one, other) = tokio::join!(claim(world.background(), due), claim(world.background(), due));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(one.is_none() || other.is_none(), "both have {due:?}");
        all.extend(one.or(other).map(|task| (due.clone(), task)));
    }
    all
}

#[tokio::test]
async fn a_task_is_taken_by_one_and_each_client_has_one_at_a_time() {
    for world in World::each().await {
        let application = world.application(&admin()).await.unwrap();
        let mut clients = Vec::new();
        for name in ["one", "two"] {
            let client = world.client(&admin(), &application, name).await.unwrap();
            clients.push(text(&client, "id").to_owned());
        }
        for client in [Some(&clients[0]), Some(&clients[0]), Some(&clients[1]), None, None] {
            queue(&world, client.map(String::as_str)).await;
        }
        let seen = all_due(&world).await;
        let first = taken(&world, &seen).await;
        assert_eq!((seen.len(), first.len()), (5, 4), "{seen:?}");
        // The second of the first client follows when the first has ended, by whatever replica.
        assert_eq!(taken(&world, &all_due(&world).await).await.len(), 0);
        for (due, task) in &first {
            assert_eq!(attempt(world.background(), &Deaf, due, task).await, Ok(TaskOutcome::Done));
        }
        assert_eq!(taken(&world, &all_due(&world).await).await.len(), 1);
        // Whoever has it is gone, which shows when its lease ends.
        assert_eq!(taken(&world, &all_due(&world).await).await.len(), 0);
        world.pass(Duration::from_secs(31));
        assert_eq!(taken(&world, &all_due(&world).await).await.len(), 1);
    }
}

#[tokio::test]
async fn what_is_given_back_is_due_at_once_and_only_by_whom_it_was_taken() {
    for world in World::each().await {
        queue(&world, None).await;
        let [(due, task)] = <[_; 1]>::try_from(taken(&world, &all_due(&world).await).await).unwrap();
        give_back(world.background(), &due, &task).await.unwrap();
        let [(again, other)] = <[_; 1]>::try_from(taken(&world, &all_due(&world).await).await).unwrap();
        assert_eq!((task.attempt, other.attempt), (1, 2));
        // Too late: another one has it.
        give_back(world.background(), &due, &task).await.unwrap();
        assert_eq!(attempt(world.background(), &Deaf, &due, &task).await, Ok(TaskOutcome::Done));
        assert_eq!(status(&world, &task).await, TaskStatus::Running);
        assert_eq!(attempt(world.background(), &Deaf, &again, &other).await, Ok(TaskOutcome::Done));
        give_back(world.background(), &again, &other).await.unwrap();
        assert_eq!(status(&world, &task).await, TaskStatus::Done);
    }
}

async fn status(world: &World, task: &QueuedTask) -> TaskStatus {
    let mut tx = world.store.read().await.unwrap();
    get::<QueuedTask>(tx.as_mut(), "default", &task.id).await.unwrap().unwrap().thing.status
}

#[tokio::test]
async fn what_has_waited_longest_comes_first() {
    for world in World::each().await {
        for _ in 0..3 {
            queue(&world, None).await;
            world.pass(Duration::from_secs(1));
        }
        let mut ids = Vec::new();
        for (due, task) in taken(&world, &all_due(&world).await).await {
            give_back(world.background(), &due, &task).await.unwrap();
            ids.push(task.id);
            world.pass(Duration::from_secs(1));
        }
        let again: Vec<_> = taken(&world, &all_due(&world).await).await.into_iter().map(|(_, task)| task.id).collect();
        assert_eq!((again.len(), again), (3, ids));
    }
}
