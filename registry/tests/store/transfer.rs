//! Export and import, backup and restore, release.

use std::time::Duration;

use tessera_registry::domain::principal::Role;
use tessera_registry::domain::time::Time;
use tessera_registry::store::Database;
use tessera_registry::use_case::feed_store::{FeedChange, FeedKey, FeedRow, FeedScope};
use tessera_registry::use_case::organisations::ensure;
use tessera_registry::use_case::shown::{Expected, Shown};
use tessera_registry::use_case::store::{Store, Stored};
use tessera_registry::use_case::tables::{GATEWAY_TOKENS, ORGANISATIONS, REGISTRY_TOKENS, TABLES};
use tessera_registry::use_case::transfer::{Arrival, TransferError, Transferred, export, holding, import, release};
use tessera_registry::use_case::{environments, gateway_tokens, gateways, registry_tokens};

use crate::database::{TestDatabase, every};
use crate::surroundings::Surroundings;

const NOW: Time = Time::from_millis(1_700_000_000_000);
const REPLACE: Arrival = Arrival::Restore { replace: true };

/// As `serve` does when it starts.
async fn started(store: &Database) {
    let mut tx = store.write().await.unwrap();
    ensure(&mut Surroundings::new(NOW).context(&mut *tx)).await.unwrap();
    tx.commit().await.unwrap();
}

/// Some records in every table, and rows in the feed.
async fn filled(store: &Database) {
    started(store).await;
    let mut tx = store.write().await.unwrap();
    for table in TABLES.into_iter().filter(|table| **table != ORGANISATIONS) {
        let record = |number: usize| {
            let id = format!("e{number:03}");
            let column = |name: &&str| number.is_multiple_of(2).then(|| format!("{name} {number}"));
            let body = serde_json::json!({ "id": id, "text": "ü \u{0}\n\"".repeat(number), "whole": i64::MAX });
            let (organisation, columns) = ("default".to_owned(), table.columns.iter().map(column).collect());
            Stored { organisation, id, revision: 1, columns, body: body.to_string() }
        };
        tx.insert_all(table, &(0..105).map(record).collect::<Vec<_>>()).await.unwrap();
    }
    for environment in ["e000", "e007"] {
        tx.begin_feed("default", environment).await.unwrap();
        let change = |number: usize, row: Option<String>| {
            let (api, provider) = (format!("a{}", number % 3), "p".to_owned());
            FeedChange { key: FeedKey { api, provider, client_id: format!("{number}") }, row }
        };
        let there: Vec<_> = (0..1050).map(|number| change(number, Some(format!("{{\"n\" : {number}}}")))).collect();
        tx.publish("default", environment, &there, NOW).await.unwrap();
        let gone: Vec<_> = (0..50).map(|number| change(number, None)).collect();
        tx.publish("default", environment, &gone, NOW).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn exported(store: &Database, now: Time) -> String {
    let mut out = Vec::new();
    let lines = export(&mut *store.read().await.unwrap(), now, &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count() as u64, lines);
    text
}

async fn imported(store: &Database, file: &str, arrival: Arrival) -> Result<Transferred, TransferError> {
    let mut tx = store.write().await.unwrap();
    let arrived = import(&mut Surroundings::new(NOW).context(&mut *tx), &mut file.as_bytes(), arrival).await?;
    tx.commit().await.unwrap();
    Ok(arrived)
}

/// Without the first line, the last, and what an import adds to the audit.
fn lasting(text: &str) -> Vec<&str> {
    let added = |line: &&str| !line.contains("registry.import") && !line.contains(r#""table":"organisations""#);
    let lines: Vec<_> = text.lines().collect();
    lines[1..lines.len() - 1].iter().copied().filter(added).collect()
}

#[tokio::test]
async fn everything_moves_from_each_database_to_each() {
    for from in every() {
        let store = from.open().await;
        filled(&store).await;
        let file = exported(&store, NOW).await;
        assert_eq!(exported(&store, NOW).await, file);
        assert!(!file.contains("idempotency"));
        for to in every() {
            let other = to.open().await;
            started(&other).await;
            imported(&other, &file, Arrival::Import).await.unwrap();
            let mut tx = other.read().await.unwrap();
            assert_ne!(tx.epoch().await.unwrap(), store.read().await.unwrap().epoch().await.unwrap());
            assert_eq!(tx.held().await.unwrap(), Some(NOW));
            let scope = FeedScope { organisation: "default".to_owned(), environment: "e007".to_owned(), apis: None };
            let rows = |rows: Vec<FeedRow>| rows.into_iter().map(|row| (row.key, row.row)).collect::<Vec<_>>();
            let mut before = store.read().await.unwrap();
            assert_eq!(
                rows(tx.snapshot(&scope, None, 9999).await.unwrap()),
                rows(before.snapshot(&scope, None, 9999).await.unwrap())
            );
            assert_eq!(tx.head("default", "e007").await.unwrap().unwrap().position, 1000);
            // Still as old as the first export: it is held.
            let again = exported(&other, NOW.plus(Duration::from_secs(9))).await;
            assert_eq!(again.lines().next(), file.lines().next());
            assert_eq!(lasting(&again), lasting(&file));
        }
    }
}

#[tokio::test]
async fn a_database_that_is_in_use_is_replaced_only_when_that_is_asked() {
    for database in every() {
        let store = database.open().await;
        started(&store).await;
        let file = exported(&store, NOW).await;
        filled_tokens(&store).await;
        for arrival in [Arrival::Import, Arrival::Restore { replace: false }] {
            let refused = imported(&store, &file, arrival).await;
            assert!(matches!(refused, Err(TransferError::NotEmpty)));
        }
        imported(&store, &file, REPLACE).await.unwrap();
        assert!(store.read().await.unwrap().scan(&GATEWAY_TOKENS, None, 9).await.unwrap().is_empty());
        let text = exported(&store, NOW).await;
        assert_eq!(text.matches("registry.restore").count(), 2, "in a column and in the entry");
    }
}

async fn filled_tokens(store: &Database) {
    let mut tx = store.write().await.unwrap();
    let (organisation, id, body) = ("default".to_owned(), "t".to_owned(), "{}".to_owned());
    tx.insert(&GATEWAY_TOKENS, &Stored { organisation, id, revision: 1, columns: vec![None, None], body })
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_held_is_released_once() {
    for database in [TestDatabase::sqlite()] {
        let store = database.open().await;
        filled(&store).await;
        let later = NOW.plus(Duration::from_secs(90));
        assert!(matches!(holding(&mut *store.read().await.unwrap(), later).await, Err(TransferError::NotHeld)));
        let file = exported(&store, NOW).await;
        imported(&store, &file, REPLACE).await.unwrap();
        let mut heads = store.heads();
        heads.wait_for(|heads| heads.held).await.unwrap();
        let held = holding(&mut *store.read().await.unwrap(), later).await.unwrap();
        assert_eq!((held.backup, held.age.as_secs(), held.contracts), (NOW, 90, 2000));
        let mut tx = store.write().await.unwrap();
        release(&mut Surroundings::new(later).context(&mut *tx)).await.unwrap();
        tx.commit().await.unwrap();
        heads.wait_for(|heads| !heads.held).await.unwrap();
        let mut tx = store.write().await.unwrap();
        let again = release(&mut Surroundings::new(later).context(&mut *tx)).await;
        assert!(matches!(again, Err(TransferError::NotHeld)));
    }
}

#[tokio::test]
async fn tokens_that_were_revoked_do_not_come_back() {
    for database in every() {
        let store = database.open().await;
        started(&store).await;
        let surroundings = Surroundings::new(NOW);
        let object = |value: serde_json::Value| value.as_object().unwrap().clone();
        let id = |shown: &Shown| shown.value["id"].as_str().unwrap().to_owned();
        let mut tx = store.write().await.unwrap();
        let mut cx = surroundings.context(&mut *tx);
        let (roles, day) = ([Role::Admin], Duration::from_secs(86_400));
        let (_, leaked) = registry_tokens::create(&mut cx, None, &roles, day).await.unwrap();
        let (_, good) = registry_tokens::create(&mut cx, None, &roles, day).await.unwrap();
        environments::create(&mut cx, &object(serde_json::json!({"id": "prod"}))).await.unwrap();
        let body = object(serde_json::json!({"environment": "prod", "title": "Edge"}));
        let stays = id(&gateways::create(&mut cx, &body).await.unwrap());
        let goes = id(&gateways::create(&mut cx, &body).await.unwrap());
        let known = id(&gateway_tokens::create(&mut cx, &stays).await.unwrap());
        let old = id(&gateway_tokens::create(&mut cx, &stays).await.unwrap());
        gateway_tokens::create(&mut cx, &goes).await.unwrap();
        tx.commit().await.unwrap();
        let file = exported(&store, NOW).await;

        let mut tx = store.write().await.unwrap();
        let mut cx = surroundings.context(&mut *tx);
        registry_tokens::delete(&mut cx, &leaked.id).await.unwrap();
        gateway_tokens::delete(&mut cx, &stays, &old).await.unwrap();
        gateways::delete(&mut cx, &goes, &Expected::Any).await.unwrap();
        tx.commit().await.unwrap();
        // Also the second time, when the audit that is replaced is that of the backup.
        for _ in 0..2 {
            let arrived = imported(&store, &file, REPLACE).await.unwrap();
            assert_eq!((arrived.tokens, arrived.revoked), (2, 3));
            let mut tx = store.read().await.unwrap();
            let mut ids = Vec::new();
            for table in [&REGISTRY_TOKENS, &GATEWAY_TOKENS] {
                ids.extend(tx.scan(table, None, 9).await.unwrap().into_iter().map(|stored| stored.id));
            }
            assert_eq!(ids, [good.id.clone(), known.clone()]);
        }
        let other = database_of(&database);
        let empty = other.open().await;
        let arrived = imported(&empty, &file, Arrival::Restore { replace: false }).await.unwrap();
        assert_eq!((arrived.tokens, arrived.revoked), (5, 0), "nothing is known of what was revoked");
    }
}

/// Another one of its kind.
fn database_of(database: &TestDatabase) -> TestDatabase {
    if database.url.starts_with("sqlite:") { TestDatabase::sqlite() } else { TestDatabase::postgres() }
}

#[tokio::test]
async fn a_file_that_is_not_whole_changes_nothing() {
    let (from, to) = (TestDatabase::sqlite(), TestDatabase::sqlite());
    let (store, other) = (from.open().await, to.open().await);
    filled(&store).await;
    filled_tokens(&other).await;
    let file = exported(&store, NOW).await;
    let before = exported(&other, NOW).await;
    let lines: Vec<&str> = file.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let changed = |from: &str, to: &str| file.replacen(from, to, 1);
    let mut twice = lines.clone();
    twice.insert(9, lines[8]);
    let mut orphan = lines.clone();
    orphan.retain(|line| !line.contains(r#""table":"environments""#));
    let end = |count: usize| format!("{{\"end\":{{\"lines\":{count}}}}}\n");
    let broken = [
        (String::new(), "the end is missing"),
        ("\n".to_owned(), "EOF"),
        (joined(&lines[1..]), "does not begin"),
        (joined(&lines[..lines.len() - 1]), "the end is missing"),
        (file[..file.len() / 2].to_owned(), "cut"),
        (joined(&[&lines[..5], &lines[6..]].concat()), "there should be"),
        (file.clone() + "\n", "after the end"),
        (joined(&lines[..1]) + &file, "begins again"),
        (changed(r#""version":1"#, r#""version":2"#), "version 2"),
        (changed(r#""table":"groups""#, r#""table":"idempotency_keys""#), "no table"),
        (changed(r#""parent":"#, r#""sql":"#), "no column"),
        (changed(r#""revision":1,"#, r#""revision":0,"#), "no revision"),
        (joined(&twice[..twice.len() - 1]) + &end(twice.len() - 1), "twice"),
        (joined(&orphan[..orphan.len() - 1]) + &end(orphan.len() - 1), "environment"),
        (joined(&lines[..1]) + "[".repeat(20_000).as_str() + "\n", "line 2"),
    ];
    for (file, why) in broken {
        let refused = imported(&other, &file, REPLACE).await.unwrap_err();
        assert!(
            matches!(&refused, TransferError::Invalid { .. }) && refused.to_string().contains(why),
            "{why}: {refused}"
        );
        assert_eq!(exported(&other, NOW).await, before, "{why}");
    }
}
