//! Limits and uniqueness, also when everybody comes at once.

use std::sync::Arc;

use serde_json::json;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::apis;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::shown::Expected;

use crate::world::{World, admin, developer, object};

/// Ends of fifty that were begun at once.
async fn fifty<T: Send + 'static>(
    world: &Arc<World>,
    one: impl Fn(Arc<World>, usize) -> std::pin::Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send>>,
) -> Vec<Result<T, Refusal>> {
    let running: Vec<_> = (0..50).map(|number| tokio::spawn(one(Arc::clone(world), number))).collect();
    let mut ends = Vec::new();
    for end in running {
        ends.push(end.await.unwrap());
    }
    // On a machine that is busy with other things, some do not come to their turn in time.
    ends.retain(|end| !matches!(end, Err(Refusal::Unavailable)));
    ends
}

async fn fifty_applications(world: &World) -> Vec<String> {
    let mut applications = Vec::new();
    for _ in 0..50 {
        applications.push(world.application(&developer()).await.unwrap());
    }
    applications
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_for_the_last_place_one_succeeds() {
    for mut world in World::each().await {
        world.limits.open_requests = 1;
        let world = Arc::new(world);
        let applications = fifty_applications(&world).await;
        let ends = fifty(&world, |world, number| {
            let application = applications[number].clone();
            Box::pin(async move { world.request(&developer(), &application, "gold").await })
        })
        .await;
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
        let is_limit = |end: &&Result<_, _>| matches!(end, Err(Refusal::LimitReached(_)));
        assert_eq!(ends.iter().filter(is_limit).count(), ends.len() - 1);

        let ends = fifty(&world, |world, number| {
            let application = applications[0].clone();
            Box::pin(async move { world.client(&admin(), &application, &format!("c{number}")).await })
        })
        .await;
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 3);
        assert_eq!(ends.iter().filter(is_limit).count(), ends.len() - 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_taken_stays_taken() {
    for world in World::each().await {
        let world = Arc::new(world);
        let applications = fifty_applications(&world).await;
        let ends = fifty(&world, |world, number| {
            let application = applications[number].clone();
            Box::pin(async move { world.client(&developer(), &application, "same").await })
        })
        .await;
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
        assert!(ends.iter().all(|end| matches!(end, Ok(_) | Err(Refusal::Exists(_)))), "{ends:?}");
        let ends = fifty(&world, |world, _| {
            let application = applications[0].clone();
            Box::pin(async move { world.request(&developer(), &application, "free").await })
        })
        .await;
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
        assert!(ends.iter().all(|end| matches!(end, Ok(_) | Err(Refusal::Exists(_)))), "{ends:?}");
        world.audited_all().await;
    }
}

#[tokio::test]
async fn what_is_deprecated_or_unknown_takes_no_requests() {
    for world in World::each().await {
        let application = world.application(&developer()).await.unwrap();
        let pointers = async |tier| match world.request(&developer(), &application, tier).await {
            Err(Refusal::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(pointers("none").await, ["/tier"]);
        let body = object(json!({"lifecycle": "deprecated"}));
        let patch = async |cx: &mut Context<'_>| apis::patch(cx, ("prod", "orders"), &Expected::Any, &body).await;
        world.act(&admin(), patch).await.unwrap();
        assert_eq!(pointers("gold").await, ["/api"]);
        let nowhere = world.request(&developer(), "0197d3f0-0000-7000-8000-000000000000", "gold").await;
        assert!(matches!(nowhere, Err(Refusal::Invalid(faults)) if faults.len() == 2));
    }
}
