//! What the service does of its own accord while it runs.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::configuration::Configuration;
use crate::domain::time::Time;
use crate::http::registry::Registry;
use crate::store::Database;
use crate::use_case::store::{Store, StoreError};

/// Between two looks at what the metrics tell of the database.
const LOOK: Duration = Duration::from_secs(5);
/// Between two times that old removals and answers are forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// Answers to requests with an `Idempotency-Key` are kept so long.
pub const KEYS_KEPT: Duration = Duration::from_secs(86_400);

/// Runs everything, until the service ends; the future ends when all of it has.
pub fn run(
    registry: Arc<Registry>,
    configuration: &Configuration,
    database: Arc<Database>,
    ending: watch::Receiver<bool>,
) -> impl Future<Output = ()> + use<> {
    let kept = configuration.feed.removals_kept;
    let sweeping = tokio::spawn(every(SWEEP, ending.clone(), {
        let registry = Arc::clone(&registry);
        move || forget(Arc::clone(&registry), kept)
    }));
    let looking = tokio::spawn(every(LOOK, ending, move || {
        let database = Arc::clone(&database);
        async move {
            tell(&database);
            Ok(())
        }
    }));
    async move {
        let _ = tokio::join!(sweeping, looking);
    }
}

/// Does it again and again; what goes wrong goes to the log, and is tried again.
async fn every<F, D>(pause: Duration, mut ending: watch::Receiver<bool>, mut work: D)
where
    D: FnMut() -> F,
    F: Future<Output = Result<(), StoreError>>,
{
    loop {
        if let Err(error) = work().await {
            tracing::warn!(%error, "work of the service failed and is tried again");
        }
        if timeout(pause, ending.wait_for(|ending| *ending)).await.is_ok() {
            return;
        }
    }
}

async fn forget(registry: Arc<Registry>, kept: Duration) -> Result<(), StoreError> {
    let outside = &registry.outside;
    let now: Time = outside.clock.now();
    let mut tx = outside.store.write().await?;
    tx.forget_removals(now.minus(kept)).await?;
    tx.commit().await
}

fn tell(database: &Database) {
    let (idle, used) = database.connections();
    for (state, count) in [("idle", idle), ("used", used)] {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        metrics::gauge!("tessera_registry_database_connections", "state" => state).set(f64::from(count));
    }
    let heads = database.heads().borrow().clone();
    metrics::gauge!("tessera_registry_held").set(f64::from(u8::from(heads.held)));
    for ((organisation, environment), position) in heads.positions {
        let labels = [("organisation", organisation), ("environment", environment)];
        metrics::gauge!("tessera_registry_feed_position", &labels).set(position as f64);
    }
}
