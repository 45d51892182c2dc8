//! Those who try what is due: so many at once as the configuration says.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::task::QueuedTask;
use crate::tasks::occupied::Occupied;
use crate::tasks::work::{Work, background, warn};
use crate::use_case::client_calls::{Callers, call};
use crate::use_case::client_ends::conclude;
use crate::use_case::client_work::{self, Taken, take};
use crate::use_case::deliveries::{Due, attempt, claim, due, give_back};
use crate::use_case::due_pass::DuePass;

/// Between two looks at what is due.
const TURN: Duration = Duration::from_secs(1);
/// What is under way when the service ends has so long; then whoever comes next has it. A call of a provider has its
/// timeout before that: what it does there may be done once only.
const GRACE: Duration = Duration::from_secs(5);
/// So often what a call has brought is tried to be written where the database answers, and says something else.
const CONCLUSIONS: usize = 60;

/// What is known of providers from one turn to the next.
struct Places {
    occupied: Occupied,
    pass: DuePass,
}

/// Tries what is due until the service ends; returns when nothing is under way.
pub(super) async fn run(work: Arc<Work>, mut ending: watch::Receiver<bool>) {
    let mut trying = JoinSet::new();
    let mut places = Places { occupied: Occupied::of(work.tasks.workers), pass: DuePass::default() };
    while !*ending.borrow() {
        if let Err(error) = begin(&work, &ending, &mut trying, &mut places).await {
            warn(&error);
        }
        tokio::select! {
            _ = ending.wait_for(|ending| *ending) => {}
            Some(_) = trying.join_next() => {}
            () = sleep(TURN) => {}
        }
    }
    while trying.join_next().await.is_some() {}
}

/// Gives each free worker something that is due.
async fn begin(
    work: &Arc<Work>,
    ending: &watch::Receiver<bool>,
    trying: &mut JoinSet<()>,
    places: &mut Places,
) -> Result<(), Refusal> {
    while trying.try_join_next().is_some() {}
    if trying.len() >= work.tasks.workers {
        return Ok(());
    }
    for due in due(background(work)).await? {
        if trying.len() >= work.tasks.workers || *ending.borrow() {
            break;
        }
        if let Some(task) = claim(background(work), &due).await? {
            trying.spawn(try_one(Arc::clone(work), ending.clone(), due, task));
        }
    }
    begin_at_providers(work, ending, trying, places).await
}

/// The same for what is due at providers: as long as a worker is free, what cannot have a turn hides nothing.
async fn begin_at_providers(
    work: &Arc<Work>,
    ending: &watch::Receiver<bool>,
    trying: &mut JoinSet<()>,
    Places { occupied, pass }: &mut Places,
) -> Result<(), Refusal> {
    pass.begin();
    while trying.len() < work.tasks.workers && !*ending.borrow() {
        let page = pass.page(background(work), &occupied.full()).await?;
        if page.is_empty() {
            return Ok(());
        }
        for due in page {
            if trying.len() >= work.tasks.workers || *ending.borrow() {
                break;
            }
            let provider = due.provider();
            if occupied.full().contains(&provider) || !pass.may_take(background(work), &due).await? {
                continue;
            }
            if let Some(taken) = take(background(work), &due).await? {
                let (place, work) = (occupied.take(provider), Arc::clone(work));
                let attempt = try_at_provider(work, ending.clone(), due.caller, taken);
                trying.spawn(async move {
                    attempt.await;
                    drop(place);
                });
            }
        }
    }
    Ok(())
}

async fn try_at_provider(work: Arc<Work>, ending: watch::Receiver<bool>, caller: Caller, taken: Taken) {
    let callers = Callers { registrar: &*work.outbound.registrar, judge: &*work.outbound.judge };
    let patient = taken.provider.provider.timeout.duration().saturating_add(GRACE);
    let ended = tokio::select! {
        ended = call(callers, &taken) => ended,
        () = patience(ending.clone(), patient) => {
            if let Err(error) = client_work::give_back(background(&work), &caller, &taken.task).await {
                warn(&error);
            }
            return;
        }
    };
    let write = || conclude(background(&work), &caller, &taken, ended.clone());
    if !written(write, patience(ending, GRACE), TURN).await {
        let task = &taken.task;
        tracing::error!(task = task.id, client = task.client, "what a provider has answered could not be written");
    }
}

/// What a provider has said is not said again: it is written as soon as the database can be asked, however late that is,
/// unless the service ends. Whether it was.
async fn written<T, F>(write: impl Fn() -> F, ended: impl Future<Output = ()>, pause: Duration) -> bool
where
    F: Future<Output = Result<T, Refusal>>,
{
    let (mut ended, mut failed) = (pin!(ended), 0);
    while failed < CONCLUSIONS {
        match write().await {
            Ok(_) => return true,
            Err(error) => {
                failed += usize::from(!matches!(error, Refusal::Unavailable | Refusal::Collided));
                warn(&error);
            }
        }
        tokio::select! {
            () = &mut ended => return false,
            () = sleep(pause) => {}
        }
    }
    false
}

async fn try_one(work: Arc<Work>, ending: watch::Receiver<bool>, due: Due, task: QueuedTask) {
    let background = background(&work);
    let done = tokio::select! {
        done = attempt(background, &*work.messenger, &due, &task) => done.map(drop),
        () = patience(ending, GRACE) => give_back(background, &due, &task).await,
    };
    if let Err(error) = done {
        warn(&error);
    }
}

async fn patience(mut ending: watch::Receiver<bool>, more: Duration) {
    let _ = ending.wait_for(|ending| *ending).await;
    sleep(more).await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use tokio::sync::Notify;

    use super::*;

    /// How often it was tried to write what then can be written, and whether it was. The service ends at that try.
    async fn tried(refusals: usize, refusal: Refusal, end: Option<usize>) -> (usize, bool) {
        let (tries, ended) = (Cell::new(0), Notify::new());
        let write = || {
            tries.set(tries.get() + 1);
            if Some(tries.get()) == end {
                ended.notify_one();
            }
            ready(if tries.get() > refusals { Ok(()) } else { Err(refusal.clone()) })
        };
        let is_written = match end {
            Some(_) => written(write, ended.notified(), Duration::from_millis(10)).await,
            None => written(write, pending(), Duration::ZERO).await,
        };
        (tries.get(), is_written)
    }

    #[tokio::test]
    async fn what_a_provider_has_said_waits_for_the_database_as_long_as_the_service_runs() {
        for refusal in [Refusal::Unavailable, Refusal::Collided] {
            assert_eq!(tried(200, refusal, None).await, (201, true));
        }
        assert_eq!(tried(200, Refusal::Unavailable, Some(7)).await, (7, false));
    }

    #[tokio::test]
    async fn what_the_database_does_not_take_occupies_no_worker_for_ever() {
        assert_eq!(tried(200, Refusal::Internal, None).await, (CONCLUSIONS, false));
        assert_eq!(tried(CONCLUSIONS - 1, Refusal::Internal, None).await, (CONCLUSIONS, true));
    }
}
