//! Those who try what is due: so many at once as the configuration says.

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
/// What is under way when the service ends has so long; then whoever comes next has it.
const GRACE: Duration = Duration::from_secs(5);
/// So often what a call has brought is tried to be written.
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
    let ended = tokio::select! {
        ended = call(callers, &taken) => ended,
        () = patience(ending) => {
            if let Err(error) = client_work::give_back(background(&work), &caller, &taken.task).await {
                warn(&error);
            }
            return;
        }
    };
    // What a provider has said is not said again: it is written as soon as the database can be asked.
    for _ in 0..CONCLUSIONS {
        match conclude(background(&work), &caller, &taken, ended.clone()).await {
            Ok(_) => return,
            Err(error) => warn(&error),
        }
        sleep(TURN).await;
    }
}

async fn try_one(work: Arc<Work>, ending: watch::Receiver<bool>, due: Due, task: QueuedTask) {
    let background = background(&work);
    let done = tokio::select! {
        done = attempt(background, &*work.messenger, &due, &task) => done.map(drop),
        () = patience(ending) => give_back(background, &due, &task).await,
    };
    if let Err(error) = done {
        warn(&error);
    }
}

async fn patience(mut ending: watch::Receiver<bool>) {
    let _ = ending.wait_for(|ending| *ending).await;
    sleep(GRACE).await;
}
