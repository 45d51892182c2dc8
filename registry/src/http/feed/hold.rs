//! Polls that are held until there is something to tell (RFC 7240, `wait`).

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::http::feed::answer;
use crate::http::feed::poller::{Poller, Wish};
use crate::http::feed::state::Feed;
use crate::http::feed::validity::{LOOK, Validity};
use crate::http::problem::HttpProblem;
use crate::http::problem_types::UNAVAILABLE;
use crate::use_case::feed::{self, Poll, Told};
use crate::use_case::feed_store::{FeedScope, Heads};
use crate::use_case::store::StoreError;

/// The database has so long to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The polls that are held, and what wakes them.
pub struct Holds {
    room: Arc<Semaphore>,
    heads: watch::Receiver<Heads>,
    /// True when the process ends.
    ending: watch::Receiver<bool>,
    validity: Validity,
}

impl Holds {
    pub fn new(most: usize, heads: watch::Receiver<Heads>, ending: watch::Receiver<bool>) -> Self {
        Self { room: Arc::new(Semaphore::new(most)), heads, ending, validity: Validity::default() }
    }

    /// The answer, now or when there is news, and to whom.
    ///
    /// # Errors
    /// The answer that is no document.
    pub async fn answered(
        &self,
        feed: &Feed,
        poller: &Poller,
        headers: &HeaderMap,
        wish: &Wish,
    ) -> Result<Response, HttpProblem> {
        // Whatever happens from here on wakes the poll, also what happens before it is held.
        let mut watch = Watch::begin(self.heads.clone(), &poller.scope);
        let told = ask(feed, poller, &wish.poll).await?;
        let (Some(wait), Poll::Since(since), true) = (wish.wait, &wish.poll, has_nothing(&told)) else {
            return answer::written(told, &wish.known, None);
        };
        let Some(_room) = self.take_room() else {
            return answer::written(told, &wish.known, None);
        };
        self.wait(feed, poller, since, wait, &mut watch).await;
        let poller = Poller::identified(&feed.registry, headers).await?.ok_or_else(HttpProblem::unauthenticated)?;
        let told = ask(feed, &poller, &wish.poll).await?;
        answer::written(told, &wish.known, Some(wait.as_secs()))
    }

    fn take_room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// Until there may be something to tell, the token is no longer valid, the time is over, or the process ends.
    async fn wait(&self, feed: &Feed, poller: &Poller, since: &str, wait: Duration, watch: &mut Watch) {
        let _counted = Counted::begin();
        let (deadline, mut ending) = (Instant::now() + wait, self.ending.clone());
        let mut look = Instant::now() + LOOK;
        loop {
            tokio::select! {
                () = sleep_until(deadline) => return,
                () = ended(&mut ending) => return,
                () = sleep_until(look) => {
                    if !self.validity.has(&*feed.registry.outside.store, &poller.token).await {
                        return;
                    }
                    look = Instant::now() + LOOK;
                }
                is_open = watch.moved() => {
                    if !is_open || has_news(feed, poller, since).await {
                        return;
                    }
                }
            }
        }
    }
}

/// When the process ends.
async fn ended(ending: &mut watch::Receiver<bool>) {
    // Nobody who could say so is left: that is the end, too.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// Whether the feed of an environment stands where it stood.
struct Watch {
    heads: watch::Receiver<Heads>,
    place: (String, String),
    stood: Standing,
}

/// Epoch, whether it is held, position.
type Standing = (String, bool, Option<i64>);

impl Watch {
    fn begin(mut heads: watch::Receiver<Heads>, scope: &FeedScope) -> Self {
        let place = (scope.organisation.clone(), scope.environment.clone());
        let stood = standing(&heads.borrow_and_update(), &place);
        Self { heads, place, stood }
    }

    /// When it stands elsewhere; false when nobody will tell any more.
    async fn moved(&mut self) -> bool {
        loop {
            let stands = standing(&self.heads.borrow_and_update(), &self.place);
            if stands != self.stood {
                self.stood = stands;
                return true;
            }
            if self.heads.changed().await.is_err() {
                return false;
            }
        }
    }
}

fn standing(heads: &Heads, place: &(String, String)) -> Standing {
    (heads.epoch.clone(), heads.held, heads.positions.get(place).copied())
}

/// One held poll of the metric.
struct Counted(metrics::Gauge);

impl Counted {
    fn begin() -> Self {
        let gauge = metrics::gauge!("tessera_registry_feed_held_polls");
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn has_nothing(told: &Told) -> bool {
    matches!(told, Told::Document(document) if document.is_whole_delta && document.is_empty)
}

async fn ask(feed: &Feed, poller: &Poller, poll: &Poll) -> Result<Told, HttpProblem> {
    let asked = async {
        let mut tx = feed.registry.outside.store.read().await?;
        feed::poll(&mut *tx, &poller.scope, poll, feed.page_rows).await
    };
    match timeout(PATIENCE, asked).await {
        Ok(told) => Ok(told?),
        Err(_) => Err(HttpProblem::later(&UNAVAILABLE, "the database does not answer", 1)),
    }
}

/// Where it cannot be told, there is none yet.
async fn has_news(feed: &Feed, poller: &Poller, since: &str) -> bool {
    let asked = async {
        let mut tx = feed.registry.outside.store.read().await?;
        feed::has_news(&mut *tx, &poller.scope, since).await
    };
    timeout(PATIENCE, asked).await.is_ok_and(|news: Result<bool, StoreError>| news.unwrap_or(false))
}
