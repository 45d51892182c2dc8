//! What must hold when several do something at once.

use std::sync::Arc;

use serde_json::json;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::shown::Expected;
use tessera_registry::use_case::tree::Tree;
use tessera_registry::use_case::{apis, environments, gateway_tokens, gateways, groups, providers};

use crate::apis::with_groups;
use crate::call;
use crate::database::every;
use crate::world::{World, caller, object};

/// Runs all of them at once, each as its number says, and counts those that succeed.
async fn at_once<F, T>(world: &Arc<World>, count: usize, one: impl Fn(Arc<World>, usize) -> F) -> usize
where
    F: Future<Output = Result<T, Refusal>> + Send + 'static,
    T: Send + 'static,
{
    let running: Vec<_> = (0..count).map(|number| tokio::spawn(one(Arc::clone(world), number))).collect();
    let mut succeeded = 0;
    for task in running {
        succeeded += usize::from(task.await.unwrap().is_ok());
    }
    succeeded
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_move_below_each_other_make_no_circle() {
    for files in every() {
        let world = Arc::new(with_groups(files).await);
        let moved = at_once(&world, 8, |world, number| async move {
            let (id, parent) = if number % 2 == 0 { ("a", "c") } else { ("c", "a") };
            let (admin, patch) = (caller("default", &["admin"]), object(json!({"parent": parent})));
            call!(world, &admin, |cx| groups::patch(cx, id, &Expected::Any, &patch).await)
        });
        assert!(moved.await >= 1);
        let tree = call!(world, &caller("default", &["admin"]), |cx| Tree::read(cx.tx, "default").await).unwrap();
        assert!(tree.groups().all(|id| tree.fault_of(id).is_none()), "{tree:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_put_into_a_group_that_goes() {
    for files in every() {
        let world = Arc::new(with_groups(files).await);
        at_once(&world, 9, |world, number| async move {
            let admin = caller("default", &["admin"]);
            let api = object(json!({"environment": "prod", "id": format!("x{number}"), "group": "c", "title": "t"}));
            let group = object(json!({"id": format!("g{number}"), "parent": "c"}));
            match number % 3 {
                0 => call!(world, &admin, |cx| groups::delete(cx, "c", &Expected::Any).await).map(drop),
                1 => call!(world, &admin, |cx| apis::create(cx, &api).await).map(drop),
                _ => call!(world, &admin, |cx| groups::create(cx, &group).await).map(drop),
            }
        })
        .await;
        let admin = caller("default", &["admin"]);
        let all = crate::world::asked(&[("group", "c")]);
        let left = call!(world, &admin, |cx| apis::list(cx, &all).await).unwrap().items;
        let tree = call!(world, &admin, |cx| Tree::read(cx.tx, "default").await).unwrap();
        assert!(tree.has("c") || left.is_empty(), "{left:?}");
        assert!(tree.groups().all(|id| tree.fault_of(id).is_none()), "{tree:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tokens_asked_for_at_once_two_are_made() {
    for files in every() {
        let world = Arc::new(with_groups(files).await);
        let (admin, body) = (caller("default", &["admin"]), object(json!({"environment": "prod", "title": "Edge"})));
        let made = call!(world, &admin, |cx| gateways::create(cx, &body).await).unwrap();
        let id: Arc<str> = made.value["id"].as_str().unwrap().into();
        let made = at_once(&world, 50, |world, _| {
            let id = Arc::clone(&id);
            async move {
                let admin = caller("default", &["admin"]);
                call!(world, &admin, |cx| gateway_tokens::create(cx, &id).await)
            }
        });
        assert_eq!(made.await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_names_the_same_in_another_order_does_not_wait_for_ever() {
    for files in every() {
        let world = Arc::new(with_groups(files).await);
        let admin = caller("default", &["admin"]);
        for number in 0..8 {
            let body = object(json!({"id": format!("e{number}")}));
            call!(world, &admin, |cx| environments::create(cx, &body).await).unwrap();
        }
        let made = at_once(&world, 12, |world, number| async move {
            let mut named: Vec<_> = (0..8).map(|environment| format!("e{environment}")).collect();
            if number % 2 == 0 {
                named.reverse();
            }
            let body = object(json!({"id": format!("p{number}"), "kind": "manual", "environments": named}));
            let admin = caller("default", &["admin"]);
            call!(world, &admin, |cx| providers::create(cx, &body).await)
        });
        assert_eq!(made.await, 12);
    }
}
