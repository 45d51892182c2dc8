//! Gateways that follow the feed while others write: whatever they are told, and whenever, they end with what there is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tessera_registry::domain::time::Time;
use tessera_registry::store::Database;
use tessera_registry::use_case::feed::{Poll, Told, poll};
use tessera_registry::use_case::feed_store::{FeedChange, FeedKey, FeedScope};
use tessera_registry::use_case::store::{Store, StoreError};
use tokio::task::JoinSet;

use crate::database::{TestDatabase, every};
use crate::sequence::SEQUENCE;

const NOW: Time = Time::from_millis(1_700_000_000_000);
/// Few enough that most answers have several.
const PAGE_ROWS: u32 = 5;
const WRITERS: u64 = 16;
/// Transactions of each.
const TIMES: u64 = 25;

/// Where they come from. Those of a sequence two may read at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Positions {
    Counter,
    Sequence,
}

/// Client id → version.
type Known = BTreeMap<String, u64>;

/// Numbers that look random, the same ones in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn change(client: &str, version: Option<u64>) -> FeedChange {
    let key = FeedKey { api: "a".to_owned(), provider: "p".to_owned(), client_id: client.to_owned() };
    let row = version.map(|version| {
        let row = serde_json::json!({ "api": "a", "provider": "p", "client_id": client, "name": version.to_string() });
        row.to_string()
    });
    FeedChange { key, row }
}

/// Changes clients of its own, some transactions in vain, and says what is there in the end and how often it changed
/// something.
async fn write(store: Arc<Database>, writer: u64, positions: Positions) -> (Known, i64) {
    let (mut dice, mut known, mut published) = (Dice(writer), Known::new(), 0);
    let most = if positions == Positions::Sequence { 1 } else { 4 };
    for version in 0..TIMES {
        let mut after = known.clone();
        let mut changes = Vec::new();
        for client in 0..=dice.roll(most) {
            let client = format!("{writer}-{client}");
            let is_there = dice.roll(3) > 0;
            let _ = if is_there { after.insert(client.clone(), version) } else { after.remove(&client) };
            changes.push(change(&client, is_there.then_some(version)));
        }
        let mut tx = loop {
            // With so many writers a turn may take longer than a test machine has patience.
            if let Ok(tx) = store.write().await {
                break tx;
            }
        };
        match tx.publish("o", "e", &changes, NOW).await {
            Ok(_) => (),
            // The same for the counter: this one is in vain.
            Err(StoreError::Unavailable(_)) => continue,
            Err(StoreError::Exists) if positions == Positions::Sequence => continue,
            Err(error) => panic!("{error}"),
        }
        if dice.roll(4) == 0 {
            tokio::time::sleep(Duration::from_millis(dice.roll(3))).await;
        }
        if dice.roll(8) > 0 {
            tx.commit().await.unwrap();
            published += i64::try_from(changes.len()).unwrap();
            known = after;
        }
    }
    (known, published)
}

#[derive(Default)]
struct Follower {
    cursor: Option<String>,
    known: Known,
}

impl Follower {
    /// One poll with all its pages, if it gets an answer.
    async fn follow(&mut self, store: &Database) -> bool {
        let mut asked = self.cursor.clone().map_or(Poll::Everything, Poll::Since);
        let mut seen = self.known.clone();
        loop {
            let scope = FeedScope { organisation: "o".to_owned(), environment: "e".to_owned(), apis: None };
            let told = match store.read().await {
                Ok(mut tx) => poll(&mut *tx, &scope, &asked, PAGE_ROWS).await,
                Err(error) => Err(error),
            };
            let document = match told {
                Ok(Told::Document(document)) => document,
                // Another replica has told it more.
                Ok(Told::Behind) | Err(StoreError::Unavailable(_)) => return false,
                told => panic!("{asked:?}: {told:?}"),
            };
            let json: Value = serde_json::from_str(&document.json).unwrap();
            if json.get("contracts").is_some() && !matches!(asked, Poll::Page(_)) {
                seen.clear();
            }
            for row in json.get("contracts").or(json.get("changes")).unwrap().as_array().unwrap() {
                let client = row["client_id"].as_str().unwrap().to_owned();
                match row.get("name").map(|name| name.as_str().unwrap().parse().unwrap()) {
                    Some(version) => assert!(seen.insert(client, version).is_none_or(|before| before <= version)),
                    None => drop(seen.remove(&client)),
                }
            }
            match document.next {
                Some(next) => asked = Poll::Page(next),
                None => {
                    self.cursor = Some(document.cursor);
                    self.known = seen;
                    return true;
                }
            }
        }
    }
}

/// What followers know in the end, and what they should; and where the counter stands, and how much was published.
async fn followed(database: &TestDatabase, positions: Positions) -> (Vec<Known>, Known, i64, i64) {
    let replicas = [Arc::new(database.open().await), Arc::new(database.open().await)];
    let ended = Arc::new(AtomicBool::new(false));
    let mut followers = JoinSet::new();
    for number in 0..3 {
        let (replicas, ended) = (replicas.clone(), Arc::clone(&ended));
        followers.spawn(async move {
            let mut follower = Follower::default();
            let mut turn = number;
            while !ended.load(Ordering::Relaxed) {
                follower.follow(&replicas[turn % 2]).await;
                turn += 1;
            }
            while !follower.follow(&replicas[0]).await {}
            follower.known
        });
    }
    let mut writing = JoinSet::new();
    for writer in 0..WRITERS {
        writing.spawn(write(Arc::clone(&replicas[(writer % 2) as usize]), writer, positions));
    }
    let (mut expected, mut published) = (Known::new(), 0);
    while let Some(written) = writing.join_next().await {
        let (known, count) = written.unwrap();
        expected.extend(known);
        published += count;
    }
    ended.store(true, Ordering::Relaxed);
    let position = replicas[0].read().await.unwrap().head("o", "e").await.unwrap().unwrap().position;
    (followers.join_all().await, expected, position, published)
}

async fn begin(database: &TestDatabase) {
    let store = database.open().await;
    let mut tx = store.write().await.unwrap();
    tx.begin_feed("o", "e").await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_misses_a_change_and_no_position_is_skipped() {
    for database in every() {
        begin(&database).await;
        let (known, expected, position, published) = followed(&database, Positions::Counter).await;
        assert!(!expected.is_empty());
        for known in known {
            assert_eq!(known, expected);
        }
        assert_eq!(position, published);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_sequence_in_place_of_the_counter_they_would() {
    for _ in 0..10 {
        let database = TestDatabase::postgres();
        begin(&database).await;
        database.run(SEQUENCE).await;
        let (known, expected, ..) = followed(&database, Positions::Sequence).await;
        if known.iter().any(|known| *known != expected) {
            return;
        }
    }
    panic!("this test cannot tell a sequence from the counter");
}
