//! Polls that are held until there is something to tell (RFC 7240, `wait`).

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::domain::token_text::{GATEWAY_PREFIX, hash_of};
use crate::http::authentication::bearer_token;
use crate::http::feed::answer;
use crate::http::feed::batches::Batches;
use crate::http::feed::poller::{Poller, Wish};
use crate::http::feed::state::Feed;
use crate::http::feed::validity::{LOOK, Validity};
use crate::http::problem::HttpProblem;
use crate::http::problem_types::UNAVAILABLE;
use crate::measures::HELD_POLLS;
use crate::use_case::feed::{self, Poll, Told};
use crate::use_case::feed_store::{FeedScope, Heads};

/// The database has so long to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many questions of polls the database is asked at once.
const AT_ONCE: usize = 4;

/// The polls that are held, what wakes them, and what they have been told.
pub struct Holds {
    room: Arc<Semaphore>,
    heads: watch::Receiver<Heads>,
    /// True when the process ends.
    ending: watch::Receiver<bool>,
    validity: Validity,
    /// By the hash of a token.
    pollers: Batches<String, Result<Option<Poller>, HttpProblem>>,
    answers: Batches<(FeedScope, Poll), Result<Told, HttpProblem>>,
}

/// Why a poll is held no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    /// There may be something to tell.
    ByChange,
    /// The token is no longer valid, the gateway is another one, the time is over, or the process ends.
    AtLast,
}

impl Holds {
    pub fn new(most: usize, heads: watch::Receiver<Heads>, ending: watch::Receiver<bool>) -> Self {
        let (room, validity) = (Arc::new(Semaphore::new(most)), Validity::default());
        Self { room, heads, ending, validity, pollers: Batches::new(AT_ONCE), answers: Batches::new(AT_ONCE) }
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
        let told = self.ask(feed, &poller.scope, &wish.poll).await?;
        let (Some(wait), true) = (wish.wait, has_nothing(&told)) else {
            return answer::written(told, &wish.known, None);
        };
        let Some(_room) = self.take_room() else {
            return answer::written(told, &wish.known, None);
        };
        let _counted = Counted::begin();
        let deadline = Instant::now() + wait;
        // When to ask again what could not be told: the change that woke the poll wakes it only once.
        let mut again = None;
        loop {
            let woken = self.wait(feed, poller, (deadline, again.take()), &mut watch).await;
            let told = match self.identify(feed, headers).await {
                Ok(Some(poller)) => self.ask(feed, &poller.scope, &wish.poll).await,
                Ok(None) => return Err(HttpProblem::unauthenticated()),
                Err(problem) => Err(problem),
            };
            match told {
                Ok(told) if woken == Woken::AtLast || !has_nothing(&told) => {
                    return answer::written(told, &wish.known, Some(wait.as_secs()));
                }
                Err(problem) if woken == Woken::AtLast => return Err(problem),
                // Nothing in scope.
                Ok(_) => {}
                Err(_) => again = Some(Instant::now() + LOOK),
            }
        }
    }

    fn take_room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    async fn wait(
        &self,
        feed: &Feed,
        poller: &Poller,
        (deadline, again): (Instant, Option<Instant>),
        watch: &mut Watch,
    ) -> Woken {
        let mut ending = self.ending.clone();
        tokio::select! {
            () = sleep_until(deadline) => Woken::AtLast,
            () = ended(&mut ending) => Woken::AtLast,
            () = self.invalid(feed, poller) => Woken::AtLast,
            () = sleep_until(again.unwrap_or(deadline)), if again.is_some() => Woken::ByChange,
            is_open = watch.moved() => if is_open { Woken::ByChange } else { Woken::AtLast },
        }
    }

    /// When the token is no longer valid, or its gateway has changed.
    async fn invalid(&self, feed: &Feed, poller: &Poller) {
        let gateway = (poller.gateway.as_str(), poller.revision);
        loop {
            sleep(LOOK).await;
            if !self.validity.has(&*feed.registry.outside.store, &poller.token, gateway).await {
                return;
            }
        }
    }

    /// Who polls, as it is now; `None` for no token, or one that is not valid.
    ///
    /// # Errors
    /// It could not be told.
    pub async fn identify(&self, feed: &Feed, headers: &HeaderMap) -> Result<Option<Poller>, HttpProblem> {
        let Some(token) = bearer_token(headers) else { return Ok(None) };
        let Some(hash) = hash_of(GATEWAY_PREFIX, token) else { return Ok(None) };
        within(self.pollers.ask(hash, || Poller::identified(&feed.registry, token))).await
    }

    async fn ask(&self, feed: &Feed, scope: &FeedScope, poll: &Poll) -> Result<Told, HttpProblem> {
        let told = || async {
            let mut tx = feed.registry.outside.store.read().await?;
            Ok(feed::poll(&mut *tx, scope, poll, feed.page_rows).await?)
        };
        within(self.answers.ask((scope.clone(), poll.clone()), told)).await
    }
}

async fn within<T>(asked: impl Future<Output = Result<T, HttpProblem>>) -> Result<T, HttpProblem> {
    let late = |_| HttpProblem::later(&UNAVAILABLE, "the database does not answer", 1);
    timeout(PATIENCE, asked).await.map_err(late)?
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
        let gauge = metrics::gauge!(HELD_POLLS);
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
