//! What the service does of its own accord while it runs.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::configuration::{FeedSettings, TaskSettings};
use crate::domain::refusal::Refusal;
use crate::http::registry::Registry;
use crate::store::Database;
use crate::use_case::background::Background;
use crate::use_case::deliveries::run_due;
use crate::use_case::ports::Messenger;
use crate::use_case::retiring::retire_due;
use crate::use_case::store::{Store, StoreError};
use crate::use_case::tasks::mark_stuck;

/// Between two looks at what is due.
const TURN: Duration = Duration::from_secs(1);
/// Between two looks at what the metrics tell of the database.
const LOOK: Duration = Duration::from_secs(5);
/// Between two times that old removals are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Everything that the work needs.
pub struct Work {
    pub registry: Arc<Registry>,
    pub database: Arc<Database>,
    pub messenger: Arc<dyn Messenger>,
    pub feed: FeedSettings,
    pub tasks: TaskSettings,
}

/// Runs everything, until the service ends; returns when all of it has.
pub async fn run(work: Arc<Work>, ending: watch::Receiver<bool>) {
    let kinds = [
        tokio::spawn(every(TURN, ending.clone(), Arc::clone(&work), deliver)),
        tokio::spawn(every(TURN, ending.clone(), Arc::clone(&work), retire)),
        tokio::spawn(every(SWEEP, ending.clone(), Arc::clone(&work), forget)),
        tokio::spawn(every(LOOK, ending, work, tell)),
    ];
    for kind in kinds {
        // One that panicked has said so.
        let _ = kind.await;
    }
}

/// Does it again and again; what goes wrong goes to the log, and is tried again.
async fn every<E, F, D>(pause: Duration, mut ending: watch::Receiver<bool>, work: Arc<Work>, piece: D)
where
    E: Display,
    F: Future<Output = Result<(), E>>,
    D: Fn(Arc<Work>) -> F,
{
    loop {
        if let Err(error) = piece(Arc::clone(&work)).await {
            metrics::counter!("tessera_registry_database_errors_total").increment(1);
            tracing::warn!(%error, "work of the service failed and is tried again");
        }
        if timeout(pause, ending.wait_for(|ending| *ending)).await.is_ok() {
            return;
        }
    }
}

fn background(work: &Work) -> Background<'_> {
    let (outside, settings) = (&work.registry.outside, &work.registry.settings);
    Background {
        store: &*outside.store,
        clock: &*outside.clock,
        randomness: &*outside.randomness,
        sealing: &*outside.sealing,
        limits: &settings.limits,
        subscribers: &settings.subscribers,
    }
}

/// The text of a refusal, for the log.
struct Refused(Refusal);

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

async fn deliver(work: Arc<Work>) -> Result<(), Refused> {
    run_due(background(&work), &*work.messenger).await.map_err(Refused)?;
    mark_stuck(background(&work), work.tasks.stuck_after).await.map(drop).map_err(Refused)
}

async fn retire(work: Arc<Work>) -> Result<(), Refused> {
    retire_due(background(&work)).await.map(drop).map_err(Refused)
}

async fn forget(work: Arc<Work>) -> Result<(), StoreError> {
    let outside = &work.registry.outside;
    let now = outside.clock.now();
    let mut tx = outside.store.write().await?;
    tx.forget_removals(now.minus(work.feed.removals_kept)).await?;
    tx.commit().await
}

async fn tell(work: Arc<Work>) -> Result<(), StoreError> {
    let (idle, used) = work.database.connections();
    for (state, count) in [("idle", idle), ("used", used)] {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        metrics::gauge!("tessera_registry_database_connections", "state" => state).set(f64::from(count));
    }
    let heads = work.database.heads().borrow().clone();
    metrics::gauge!("tessera_registry_held").set(f64::from(u8::from(heads.held)));
    for ((organisation, environment), position) in heads.positions {
        let labels = [("organisation", organisation), ("environment", environment)];
        metrics::gauge!("tessera_registry_feed_position", &labels).set(position as f64);
    }
    Ok(())
}
