//! The feed in the database.

use std::time::Duration;

use tessera_registry::domain::time::Time;
use tessera_registry::use_case::feed_store::{FeedChange, FeedKey, FeedScope, Head};
use tessera_registry::use_case::store::{Store, StoreError, Transaction};

use crate::database::every;

const NOW: Time = Time::from_millis(1_000_000);

fn key(client: &str) -> FeedKey {
    FeedKey { api: "a".to_owned(), provider: "p".to_owned(), client_id: client.to_owned() }
}

fn there(client: &str) -> FeedChange {
    FeedChange { key: key(client), row: Some(format!("\"{client}\"")) }
}

fn gone(client: &str) -> FeedChange {
    FeedChange { key: key(client), row: None }
}

fn scope(apis: Option<&[&str]>) -> FeedScope {
    let apis = apis.map(|apis| apis.iter().map(|api| (*api).to_owned()).collect());
    FeedScope { organisation: "o".to_owned(), environment: "e".to_owned(), apis }
}

async fn begun(store: &dyn Store) -> Box<dyn Transaction> {
    let mut tx = store.write().await.unwrap();
    tx.begin_feed("o", "e").await.unwrap();
    tx.commit().await.unwrap();
    store.write().await.unwrap()
}

async fn changed(tx: &mut dyn Transaction, after: i64, limit: u32) -> Vec<(i64, String, bool)> {
    let rows = tx.changes(&scope(None), after, limit).await.unwrap();
    rows.into_iter().map(|row| (row.position, row.key.client_id, row.row.is_some())).collect()
}

#[tokio::test]
async fn each_identity_has_one_row_under_its_latest_position() {
    for database in every() {
        let store = database.open().await;
        let mut tx = begun(&store).await;
        assert_eq!(tx.head("o", "e").await.unwrap(), Some(Head::default()));
        assert_eq!(tx.head("o", "f").await.unwrap(), None);
        assert_eq!(tx.publish("o", "e", &[there("x"), there("y"), there("z")], NOW).await.unwrap(), 3);
        assert_eq!(tx.publish("o", "e", &[gone("y"), there("x"), gone("x")], NOW).await.unwrap(), 5);
        assert_eq!(tx.publish("o", "e", &[], NOW).await.unwrap(), 5);
        assert_eq!(tx.head("o", "e").await.unwrap(), Some(Head { position: 5, kept: 0, rows: 1 }));
        let rows = [(3, "z".to_owned(), true), (4, "y".to_owned(), false), (5, "x".to_owned(), false)];
        assert_eq!(changed(&mut *tx, 0, 9).await, rows);
        assert_eq!(changed(&mut *tx, 3, 1).await, rows[1..2]);
        assert_eq!(tx.count_rows(&scope(None)).await.unwrap(), 1);
        assert_eq!(tx.count_rows(&scope(Some(&["a"]))).await.unwrap(), 1);
        assert_eq!(tx.count_rows(&scope(Some(&["b"]))).await.unwrap(), 0);
        assert_eq!(tx.count_changes(&scope(None), 3, 100).await.unwrap(), 2);
        assert_eq!(tx.count_changes(&scope(None), 0, 2).await.unwrap(), 2);
        assert_eq!(tx.count_changes(&scope(Some(&[])), 0, 2).await.unwrap(), 0);
        assert!(tx.changes(&scope(Some(&["b"])), 0, 9).await.unwrap().is_empty());
        assert!(matches!(tx.publish("o", "f", &[there("x")], NOW).await, Err(StoreError::Broken(_))));
    }
}

#[tokio::test]
async fn a_snapshot_is_in_the_order_of_keys() {
    for database in every() {
        let store = database.open().await;
        let mut tx = begun(&store).await;
        let mut changes = Vec::new();
        for api in ["b", "a", "A"] {
            for client_id in (0..100).map(|number| format!("{number}")) {
                let key = FeedKey { api: api.to_owned(), provider: "p".to_owned(), client_id };
                changes.push(FeedChange { key, row: Some("{}".to_owned()) });
            }
        }
        assert_eq!(tx.publish("o", "e", &changes, NOW).await.unwrap(), 300);
        assert_eq!(tx.publish("o", "e", &[FeedChange { row: None, ..changes[0].clone() }], NOW).await.unwrap(), 301);
        for apis in [None, Some(["a", "b"].as_slice())] {
            let mut seen = Vec::new();
            loop {
                let part = tx.snapshot(&scope(apis), seen.last(), 7).await.unwrap();
                if part.is_empty() {
                    break;
                }
                seen.extend(part.into_iter().map(|row| row.key));
            }
            let mut expected: Vec<_> = changes[1..].iter().map(|change| change.key.clone()).collect();
            expected.retain(|key| apis.is_none_or(|apis| apis.contains(&key.api.as_str())));
            expected.sort();
            assert_eq!(seen, expected);
            assert_eq!(tx.count_rows(&scope(apis)).await.unwrap(), expected.len() as i64);
        }
    }
}

#[tokio::test]
async fn removals_are_forgotten_when_they_are_old() {
    for database in every() {
        let store = database.open().await;
        let mut tx = begun(&store).await;
        let later = NOW.plus(Duration::from_secs(1));
        tx.publish("o", "e", &[there("a"), there("b"), there("c"), there("d")], NOW).await.unwrap();
        tx.publish("o", "e", &[gone("a"), gone("b")], NOW).await.unwrap();
        tx.publish("o", "e", &[there("a"), gone("c")], later).await.unwrap();
        tx.forget_removals(NOW).await.unwrap();
        assert_eq!(tx.head("o", "e").await.unwrap().unwrap().kept, 0);
        tx.forget_removals(later).await.unwrap();
        assert_eq!(tx.head("o", "e").await.unwrap(), Some(Head { position: 8, kept: 6, rows: 2 }));
        let rows = [(4, "d".to_owned(), true), (7, "a".to_owned(), true), (8, "c".to_owned(), false)];
        assert_eq!(changed(&mut *tx, 0, 9).await, rows);
        tx.forget_removals(later).await.unwrap();
        assert_eq!(tx.head("o", "e").await.unwrap().unwrap().kept, 6);
    }
}

#[tokio::test]
async fn an_environment_that_comes_again_goes_on_counting() {
    for database in every() {
        let store = database.open().await;
        let mut tx = begun(&store).await;
        tx.publish("o", "e", &[there("a")], NOW).await.unwrap();
        tx.end_feed("o", "e").await.unwrap();
        assert_eq!(tx.head("o", "e").await.unwrap(), None);
        tx.begin_feed("o", "e").await.unwrap();
        assert_eq!(tx.head("o", "e").await.unwrap(), Some(Head { position: 2, kept: 2, rows: 0 }));
        assert!(changed(&mut *tx, 0, 9).await.is_empty());
        assert!(matches!(tx.begin_feed("o", "e").await, Err(StoreError::Exists)));
    }
}

#[tokio::test]
async fn commits_are_known_at_once_here_and_soon_elsewhere() {
    for database in every() {
        let (here, there_too) = (database.open().await, database.open().await);
        let tx = begun(&here).await;
        drop(tx);
        let (mut near, mut far) = (here.heads(), there_too.heads());
        let feed = ("o".to_owned(), "e".to_owned());
        near.wait_for(|heads| heads.positions.contains_key(&feed)).await.unwrap();
        let mut tx = here.write().await.unwrap();
        tx.publish("o", "e", &[there("a")], NOW).await.unwrap();
        assert_eq!(near.borrow().positions[&feed], 0);
        tx.commit().await.unwrap();
        assert_eq!(near.borrow().positions[&feed], 1);
        let soon = far.wait_for(|heads| heads.positions.get(&feed) == Some(&1));
        tokio::time::timeout(Duration::from_secs(60), soon).await.unwrap().unwrap();
        let mut tx = here.write().await.unwrap();
        assert_eq!(tx.epoch().await.unwrap(), far.borrow().epoch);
        tx.set_epoch("another").await.unwrap();
        tx.set_held(Some(NOW)).await.unwrap();
        assert_eq!(tx.held().await.unwrap(), Some(NOW));
        tx.commit().await.unwrap();
        let soon = far.wait_for(|heads| heads.held && heads.epoch == "another");
        tokio::time::timeout(Duration::from_secs(60), soon).await.unwrap().unwrap();
        let mut tx = here.write().await.unwrap();
        tx.set_held(None).await.unwrap();
        assert_eq!(tx.held().await.unwrap(), None);
        tx.commit().await.unwrap();
    }
}
