//! What roles reach, in trees of every size.

use serde_json::json;
use tessera_registry::domain::principal::Duty;
use tessera_registry::use_case::permission::Reach;
use tessera_registry::use_case::store::{Condition, Store, Stored};
use tessera_registry::use_case::tables::GROUPS;
use tessera_registry::use_case::{apis, applications, contracts, groups};

use crate::apis::{make_api, with_groups};
use crate::call;
use crate::database::every;
use crate::world::{asked, caller};

#[tokio::test]
async fn duties_are_inherited_downwards_only() {
    for files in every() {
        let world = with_groups(files).await;
        let who = caller("default", &["a:owner", "b:developer", "gone:auditor"]);
        let reach = call!(world, &who, |cx| Reach::of(cx.tx, &who).await).unwrap();
        assert!(reach.has("a", &[Duty::Owner]) && reach.has("b", &[Duty::Owner]));
        assert!(reach.has("b", &[Duty::Developer]) && !reach.has("a", &[Duty::Developer]));
        assert!(["root", "c", "gone"].iter().all(|group| !reach.has(group, &[Duty::Owner, Duty::Auditor])));
        let of_b = Condition::IsIn("group_id", vec!["b".to_owned()]);
        assert_eq!(reach.condition("group_id", &[Duty::Developer]), of_b);
        let everywhere = caller("default", &["root:owner", "a:auditor"]);
        let reach = call!(world, &everywhere, |cx| Reach::of(cx.tx, &everywhere).await).unwrap();
        assert!(reach.has("c", &[Duty::Owner]) && !reach.has("c", &[Duty::Auditor]) && !reach.audits_all());
        assert_eq!(reach.condition("group_id", &[Duty::Owner]), Condition::All(Vec::new()));
        for nobody in [caller("default", &[]), caller("other", &["a:owner"]), caller("default", &["gone:owner"])] {
            assert!(!call!(world, &nobody, |cx| Reach::of(cx.tx, &nobody).await).unwrap().is_member());
        }
    }
}

/// More than SQLite takes as values of one statement.
#[tokio::test]
async fn lists_do_not_end_where_there_are_many_groups() {
    for (files, many) in every().into_iter().zip([33_000, 300]) {
        let world = with_groups(files).await;
        make_api(&world, "orders", "b", json!({"lifecycle": "draft"})).await;
        let mut tx = world.database.write().await.unwrap();
        let group = |number: usize| Stored {
            organisation: "default".to_owned(),
            id: format!("g{number}"),
            revision: 1,
            columns: vec![Some("a".to_owned())],
            body: json!({"id": format!("g{number}"), "parent": "a", "title": "t", "created_at": world.now(),
                "updated_at": world.now()})
            .to_string(),
        };
        tx.insert_all(&GROUPS, &(0..many).map(group).collect::<Vec<_>>()).await.unwrap();
        tx.commit().await.unwrap();
        for role in ["root:owner", "a:owner"] {
            let who = caller("default", &[role]);
            assert_eq!(call!(world, &who, |cx| apis::list(cx, &asked(&[])).await).unwrap().items.len(), 1, "{role}");
            call!(world, &who, |cx| contracts::list(cx, &asked(&[])).await).unwrap();
            call!(world, &who, |cx| applications::list(cx, &asked(&[])).await).unwrap();
            call!(world, &who, |cx| groups::get(cx, "b").await).unwrap();
        }
    }
}
