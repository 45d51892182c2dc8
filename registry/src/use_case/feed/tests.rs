//! A follower of the feed against a model, through random changes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use tessera_core::contract::contract::{Contract, Status};
use tessera_core::contract::row::Row;
use tessera_core::contract::writer::write_row;

use super::*;
use crate::domain::time::Time;
use crate::store::temporary::{TemporaryDatabase, temporary};
use crate::use_case::feed_store::FeedChange;
use crate::use_case::store::Store;

const ORGANISATION: &str = "default";
const ENVIRONMENT: &str = "production";

fn scope(apis: Option<&[&str]>) -> FeedScope {
    let apis = apis.map(|apis| apis.iter().map(|api| (*api).to_owned()).collect());
    FeedScope { organisation: ORGANISATION.into(), environment: ENVIRONMENT.into(), apis }
}

fn key(number: u8) -> FeedKey {
    let api = ["orders", "users", "files"][usize::from(number % 3)];
    FeedKey { api: api.into(), provider: "main".into(), client_id: format!("client-{}", number / 3) }
}

fn row(key: &FeedKey, tier: u8) -> String {
    let identity = Identity {
        api: key.api.as_str().into(),
        provider: Some(key.provider.as_str().into()),
        client_id: key.client_id.as_str().into(),
    };
    let tier = Some(format!("tier-{tier}").into());
    let contract = Contract { status: Status::Active, tier, name: None, not_before: None, expires_at: None };
    write_row(&Row { identity, contract }).unwrap()
}

async fn publish(database: &TemporaryDatabase, changes: &[FeedChange], now: u64) -> i64 {
    let mut tx = database.write().await.unwrap();
    let position = tx.publish(ORGANISATION, ENVIRONMENT, changes, Time::from_millis(now)).await.unwrap();
    tx.commit().await.unwrap();
    position
}

async fn begun() -> TemporaryDatabase {
    let database = temporary().await;
    let mut tx = database.write().await.unwrap();
    tx.begin_feed(ORGANISATION, ENVIRONMENT).await.unwrap();
    tx.commit().await.unwrap();
    database
}

async fn ask(database: &TemporaryDatabase, scope: &FeedScope, wish: &Poll, page_rows: u32) -> Told {
    let mut tx = database.read().await.unwrap();
    poll(&mut *tx, scope, wish, page_rows).await.unwrap()
}

/// Follows the feed as a gateway does.
#[derive(Default)]
struct Follower {
    cursor: Option<String>,
    rows: BTreeMap<(String, String, String), Value>,
    snapshots: usize,
}

impl Follower {
    async fn follow(&mut self, database: &TemporaryDatabase, scope: &FeedScope, page_rows: u32) {
        let mut wish = self.cursor.clone().map_or(Poll::Everything, Poll::Since);
        let mut fresh = BTreeMap::new();
        let mut cursors = BTreeSet::new();
        loop {
            let document = match ask(database, scope, &wish, page_rows).await {
                Told::Document(document) => document,
                Told::Gone => {
                    (wish, fresh, cursors) = (Poll::Everything, BTreeMap::new(), BTreeSet::new());
                    continue;
                }
                other => panic!("{other:?}"),
            };
            assert!(cursors.is_empty() || cursors.contains(&document.cursor), "each page has the cursor of the first");
            cursors.insert(document.cursor.clone());
            let json: Value = serde_json::from_str(&document.json).unwrap();
            let name = if document.kind == DocumentKind::Snapshot { "contracts" } else { "changes" };
            let rows = json[name].as_array().unwrap();
            assert!(rows.len() <= page_rows as usize);
            for row in rows {
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                let key = (text("api"), text("provider"), text("client_id"));
                if row["status"] == "removed" {
                    self.rows.remove(&key);
                } else if document.kind == DocumentKind::Snapshot {
                    assert!(fresh.last_key_value().is_none_or(|(last, _)| *last < key), "in the order of keys");
                    fresh.insert(key, row.clone());
                } else {
                    self.rows.insert(key, row.clone());
                }
            }
            match document.next {
                Some(next) => wish = Poll::Page(next),
                None => {
                    if document.kind == DocumentKind::Snapshot {
                        self.rows = fresh;
                        self.snapshots += 1;
                    }
                    self.cursor = Some(document.cursor);
                    return;
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Change(Vec<(u8, Option<u8>)>),
    Follow { page_rows: u32 },
    Forget,
    NewEpoch,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::btree_map(0..12u8, prop::option::weighted(0.7, any::<u8>()), 1..4)
            .prop_map(|changes| Step::Change(changes.into_iter().collect())),
        4 => (1..5u32).prop_map(|page_rows| Step::Follow { page_rows }),
        1 => Just(Step::Forget),
        1 => Just(Step::NewEpoch),
    ];
    prop::collection::vec(step, 1..40)
}

async fn run(steps: Vec<Step>) {
    let database = begun().await;
    let scopes = [scope(None), scope(Some(&["orders", "files"]))];
    let mut followers = [Follower::default(), Follower::default()];
    let mut model: BTreeMap<FeedKey, String> = BTreeMap::new();
    for (at, step) in (0..).zip(steps) {
        match step {
            Step::Change(changes) => {
                let changes = changes.into_iter().filter_map(|(number, tier)| {
                    let key = key(number);
                    let row = tier.map(|tier| row(&key, tier));
                    // Nobody removes what is not there.
                    (row.is_some() || model.contains_key(&key)).then_some(FeedChange { key, row })
                });
                let changes: Vec<_> = changes.collect();
                for FeedChange { key, row } in changes.clone() {
                    match row {
                        Some(row) => model.insert(key, row),
                        None => model.remove(&key),
                    };
                }
                publish(&database, &changes, at).await;
            }
            Step::Follow { page_rows } => {
                for (follower, scope) in followers.iter_mut().zip(&scopes) {
                    follower.follow(&database, scope, page_rows).await;
                    let sees = |key: &FeedKey| scope.apis.as_ref().is_none_or(|apis| apis.contains(&key.api));
                    let expected: Vec<Value> = model
                        .iter()
                        .filter(|(key, _)| sees(key))
                        .map(|(_, row)| serde_json::from_str(row).unwrap())
                        .collect();
                    assert_eq!(follower.rows.values().cloned().collect::<Vec<_>>(), expected);
                }
            }
            Step::Forget => {
                let mut tx = database.write().await.unwrap();
                tx.forget_removals(Time::from_millis(at)).await.unwrap();
                tx.commit().await.unwrap();
            }
            Step::NewEpoch => {
                let mut tx = database.write().await.unwrap();
                tx.set_epoch(&format!("epoch{at}")).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn who_follows_has_what_the_model_has(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}

#[tokio::test]
async fn what_is_unknown_here_is_told_apart() {
    let database = begun().await;
    let all = scope(None);
    publish(&database, &[FeedChange { key: key(0), row: Some(row(&key(0), 1)) }], 1).await;
    let Told::Document(first) = ask(&database, &all, &Poll::Everything, 10).await else { panic!() };
    assert!(!first.is_whole_delta && first.position == 1);
    let since = |cursor: &str| Poll::Since(cursor.to_owned());
    let Told::Document(nothing) = ask(&database, &all, &since(&first.cursor), 10).await else { panic!() };
    assert!(nothing.is_whole_delta && nothing.is_empty && nothing.cursor == first.cursor);

    let ahead = first.cursor.replacen(".1.", ".2.", 1);
    assert_eq!(ask(&database, &all, &since(&ahead), 10).await, Told::Behind);
    let other_scope = scope(Some(&["orders"]));
    assert_eq!(ask(&database, &other_scope, &since(&first.cursor), 10).await, Told::Gone);
    for nonsense in ["", "x", "a.1.b", &format!("{}.x", first.cursor)] {
        assert_eq!(ask(&database, &all, &since(nonsense), 10).await, Told::Gone, "{nonsense}");
        assert_eq!(ask(&database, &all, &Poll::Page(nonsense.to_owned()), 10).await, Told::Gone, "{nonsense}");
    }
    let elsewhere = FeedScope { environment: "none".into(), ..scope(None) };
    assert_eq!(ask(&database, &elsewhere, &Poll::Everything, 10).await, Told::Gone);

    let mut tx = database.write().await.unwrap();
    tx.set_held(Some(Time::from_millis(0))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(&database, &all, &Poll::Everything, 10).await, Told::Held);
}

#[tokio::test]
async fn many_changes_are_told_as_a_set() {
    let database = begun().await;
    let all = scope(None);
    let changes = |range: std::ops::Range<u32>, tier: u8| -> Vec<FeedChange> {
        let key = |number| FeedKey { api: "orders".into(), provider: "main".into(), client_id: format!("{number:06}") };
        range.map(|number| FeedChange { key: key(number), row: Some(row(&key(number), tier)) }).collect()
    };
    publish(&database, &changes(0..5500, 1), 1).await;
    let Told::Document(first) = ask(&database, &all, &Poll::Everything, 10_000).await else { panic!() };
    // A thousand are few, whatever their share; more than that only up to a fifth.
    for (changed, kind) in [(1000, DocumentKind::Delta), (1100, DocumentKind::Delta), (1101, DocumentKind::Snapshot)] {
        publish(&database, &changes(0..changed, 2), 2).await;
        let Told::Document(told) = ask(&database, &all, &Poll::Since(first.cursor.clone()), 10_000).await else {
            panic!()
        };
        assert_eq!(told.kind, kind, "{changed}");
    }
}

#[tokio::test]
async fn a_page_ends_by_its_size_too() {
    let database = begun().await;
    let name = "n".repeat(1000);
    let changes: Vec<_> = (0..4000)
        .map(|number| {
            let key = FeedKey { api: "orders".into(), provider: "main".into(), client_id: format!("{number:06}") };
            let row = row(&key, 1).replacen("tier-1", &format!("tier-1\",\"name\":\"{name}"), 1);
            FeedChange { key, row: Some(row) }
        })
        .collect();
    publish(&database, &changes, 1).await;
    let mut wish = Poll::Everything;
    let mut pages = 0;
    let mut rows = 0;
    loop {
        let Told::Document(page) = ask(&database, &scope(None), &wish, 10_000).await else { panic!() };
        assert!(page.json.len() < PAGE_BYTES + 4096, "{}", page.json.len());
        let json: Value = serde_json::from_str(&page.json).unwrap();
        rows += json["contracts"].as_array().unwrap().len();
        pages += 1;
        match page.next {
            Some(next) => wish = Poll::Page(next),
            None => break,
        }
    }
    assert_eq!((pages, rows), (3, 4000));
}
