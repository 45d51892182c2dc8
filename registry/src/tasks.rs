//! What the service does of its own accord while it runs.

mod measuring;
mod occupied;
mod work;
mod workers;

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::refusal::Refusal;
use crate::tasks::work::{background, warn};
use crate::use_case::client_secret::lapse_due;
use crate::use_case::ended_tasks::forget_ended;
use crate::use_case::epochs::note_epoch;
use crate::use_case::expiring::tell_expiring;
use crate::use_case::idempotency;
use crate::use_case::retiring::retire_due;
use crate::use_case::store::StoreError;
use crate::use_case::tasks::mark_stuck;

pub use crate::tasks::work::{Outbound, Work};

/// Between two looks at what is due.
const TURN: Duration = Duration::from_secs(1);
/// Between two times that what is old is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Runs everything, until the service ends; returns when all of it has.
pub async fn run(work: Arc<Work>, ending: watch::Receiver<bool>) {
    let kinds = [
        tokio::spawn(workers::run(Arc::clone(&work), ending.clone())),
        tokio::spawn(measuring::run(Arc::clone(&work), ending.clone())),
        tokio::spawn(every(TURN, ending.clone(), Arc::clone(&work), mark)),
        tokio::spawn(every(TURN, ending.clone(), Arc::clone(&work), retire)),
        tokio::spawn(every(SWEEP, ending.clone(), Arc::clone(&work), lapse)),
        tokio::spawn(every(SWEEP, ending.clone(), Arc::clone(&work), tell)),
        tokio::spawn(every(SWEEP, ending.clone(), Arc::clone(&work), forget)),
        tokio::spawn(every(SWEEP, ending.clone(), Arc::clone(&work), prune)),
        tokio::spawn(every(SWEEP, ending, work, note)),
    ];
    for kind in kinds {
        // One that panicked has said so.
        let _ = kind.await;
    }
}

/// Does it again and again; what goes wrong goes to the log, and is tried again.
async fn every<E, F, D>(pause: Duration, mut ending: watch::Receiver<bool>, work: Arc<Work>, piece: D)
where
    E: Debug,
    F: Future<Output = Result<(), E>>,
    D: Fn(Arc<Work>) -> F,
{
    loop {
        if let Err(error) = piece(Arc::clone(&work)).await {
            warn(&error);
        }
        if timeout(pause, ending.wait_for(|ending| *ending)).await.is_ok() {
            return;
        }
    }
}

async fn mark(work: Arc<Work>) -> Result<(), Refusal> {
    mark_stuck(background(&work), work.tasks.stuck_after).await.map(drop)
}

async fn retire(work: Arc<Work>) -> Result<(), Refusal> {
    retire_due(background(&work)).await.map(drop)
}

async fn lapse(work: Arc<Work>) -> Result<(), Refusal> {
    lapse_due(background(&work)).await.map(drop)
}

async fn tell(work: Arc<Work>) -> Result<(), Refusal> {
    tell_expiring(background(&work)).await.map(drop)
}

async fn forget(work: Arc<Work>) -> Result<(), StoreError> {
    let outside = &work.registry.outside;
    let now = outside.clock.now();
    let mut tx = outside.store.write().await?;
    tx.forget_removals(now.minus(work.feed.removals_kept)).await?;
    tx.commit().await
}

async fn prune(work: Arc<Work>) -> Result<(), Refusal> {
    idempotency::forget(background(&work)).await?;
    forget_ended(background(&work)).await.map(drop)
}

async fn note(work: Arc<Work>) -> Result<(), Refusal> {
    note_epoch(background(&work)).await
}
