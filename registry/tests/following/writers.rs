//! Those who change contracts, many at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tessera_core::contract::contract::Status;
use tessera_registry::domain::time::Time;
use tessera_registry::store::Database;
use tessera_registry::system::SystemClock;
use tessera_registry::use_case::feed_store::FeedKey;
use tessera_registry::use_case::ports::Clock;
use tessera_registry::use_case::store::{Store, StoreError};
use tokio::sync::RwLock;

use crate::dice::Dice;
use crate::model::{Held, Model, change};

pub const ORGANISATION: &str = "default";
pub const ENVIRONMENT: &str = "e";
pub const APIS: [&str; 3] = ["a0", "a1", "a2"];
/// Of each writer.
const CLIENTS: u64 = 6;

#[derive(Default)]
pub struct Shared {
    pub model: Model,
    pub ended: AtomicBool,
    /// Changes that were committed.
    pub published: AtomicI64,
    /// Held alone while nobody may write.
    pub gate: RwLock<()>,
    /// The positions are a sequence's, which two may read at once.
    pub sequence: bool,
}

impl Shared {
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

pub fn now() -> Time {
    SystemClock.now()
}

/// Changes clients of its own until the end, some transactions in vain.
pub async fn write(shared: Arc<Shared>, store: Arc<Database>, writer: u64, most: u64) {
    let mut dice = Dice(writer);
    for version in 0_u64.. {
        if shared.has_ended() {
            return;
        }
        let gate = shared.gate.read().await;
        let changes = changes(&mut dice, writer, version, most);
        shared.model.begin(&changes);
        match commit(&store, &changes, &mut dice).await {
            Ok(true) => {
                shared.model.answer(changes.keys());
                shared.published.fetch_add(i64::try_from(changes.len()).unwrap(), Ordering::Relaxed);
            }
            // With so many writers a turn may take longer than a transaction has patience.
            Ok(false) | Err(StoreError::Unavailable(_) | StoreError::Collided(_)) => shared.model.undo(changes.keys()),
            Err(StoreError::Exists) if shared.sequence => shared.model.undo(changes.keys()),
            Err(error) => panic!("{error}"),
        }
        drop(gate);
        if dice.one_in(3) {
            tokio::time::sleep(Duration::from_millis(dice.roll(60))).await;
        }
    }
}

fn changes(dice: &mut Dice, writer: u64, version: u64, most: u64) -> BTreeMap<FeedKey, Held> {
    let mut changes = BTreeMap::new();
    for _ in 0..=dice.roll(most) {
        let client = dice.roll(CLIENTS);
        let api = APIS[usize::try_from(client).unwrap() % APIS.len()].to_owned();
        let key = FeedKey { api, provider: "p".to_owned(), client_id: format!("{writer}-{client}") };
        let tier = format!("v{version}").into_boxed_str();
        let held = match dice.roll(4) {
            0 => None,
            1 => Some((Status::Suspended, tier)),
            _ => Some((Status::Active, tier)),
        };
        changes.insert(key, held);
    }
    changes
}

/// Whether it was committed.
async fn commit(store: &Database, changes: &BTreeMap<FeedKey, Held>, dice: &mut Dice) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let changes: Vec<_> = changes.iter().map(|(key, held)| change(key, held)).collect();
    tx.publish(ORGANISATION, ENVIRONMENT, &changes, now()).await?;
    if dice.one_in(4) {
        tokio::time::sleep(Duration::from_millis(dice.roll(3))).await;
    }
    if dice.one_in(8) {
        return Ok(false);
    }
    // What became of one that fails is not known.
    tx.commit().await.expect("a commit");
    Ok(true)
}
