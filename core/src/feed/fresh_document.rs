//! A document kept fresh in one worker's own memory: when it is fetched, and what an answer changes.
//!
//! It is for what nobody else may write, such as keys: shared data is open to every plugin of the same `vm_id`.

use super::fetched_body::{FetchError, MAX_DOCUMENT_BYTES, body};
use super::page::validator;
use super::schedule::{LONGEST_BACKOFF, backoff, interval};
use crate::base::http::{AnswerHeaders, HttpCall, HttpResult, HttpUrl};
use crate::base::random::Prng;
use crate::base::retry_after::retry_after;
use crate::base::time::Timestamp;
use std::rc::Rc;
use std::time::Duration;

/// Least time between two fetches that requests bring about.
const DEMAND_INTERVAL: Duration = Duration::from_secs(10);
/// Time beyond its limit after which a fetch counts as lost.
const GRACE: Duration = Duration::from_secs(1);
/// The headers of an answer that are looked at.
const LOOKED_AT: AnswerHeaders = AnswerHeaders::Only(&["content-encoding", "etag", "retry-after"]);

/// Where a document may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub url: HttpUrl,
    pub cluster: Rc<str>,
}

/// When a document is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshening {
    /// Time from the start of one fetch to the start of the next.
    pub refresh: Duration,
    /// Limit of one attempt.
    pub timeout: Duration,
}

/// A document as one worker knows it: the last good one stays until a newer good one has come.
#[derive(Debug)]
pub struct FreshDocument<T> {
    locations: Vec<Location>,
    freshening: Freshening,
    known: Option<LastGoodDocument<T>>,
    asking: Option<Asking>,
    /// Failures in a row.
    failures: u32,
    /// When it is fetched next.
    due: Timestamp,
    /// From when on requests may have it fetched.
    demand_from: Timestamp,
    /// Until when the server wants to be left alone (`Retry-After`).
    pause_until: Timestamp,
    prng: Prng,
}

/// A fetch under way.
#[derive(Clone, Copy, Debug)]
struct Asking {
    location: usize,
    /// Whether the document is elsewhere by now.
    has_moved: bool,
    since: Timestamp,
}

#[derive(Debug)]
struct LastGoodDocument<T> {
    content: Rc<T>,
    digest: [u8; 32],
    etag: Option<Box<str>>,
    location: usize,
    /// When the server last said that it is this one.
    confirmed_at: Timestamp,
}

/// What a request gets that cannot go on without a newer document.
#[derive(Debug)]
pub enum Demand {
    /// It is being fetched, by this call if there is one.
    UnderWay(Option<HttpCall>),
    /// It was fetched a moment ago, or failed to be.
    TooSoon,
}

/// What an answer has changed.
#[derive(Debug)]
pub enum Fetched<T> {
    /// Another location is asked.
    Elsewhere(HttpCall),
    /// A new document is in force, in place of this one.
    Changed(Option<Rc<T>>),
    Unchanged,
    Failed(FetchError),
}

impl<T> FreshDocument<T> {
    /// A document that is at one of these locations, tried in this order.
    pub fn new(locations: Vec<Location>, freshening: Freshening, seed: u64) -> Self {
        let (due, demand_from, pause_until) = Default::default();
        let prng = Prng::new(seed);
        Self { locations, freshening, known: None, asking: None, failures: 0, due, demand_from, pause_until, prng }
    }

    pub fn content(&self) -> Option<&Rc<T>> {
        self.known.as_ref().map(|known| &known.content)
    }

    /// Where it was found.
    pub fn location(&self) -> Option<&Location> {
        self.locations.get(self.known.as_ref()?.location)
    }

    /// Time since the server last said that it is this one.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.known.as_ref().map(|known| now.since(known.confirmed_at))
    }

    /// Whether the last fetch failed.
    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// The longest that a fetch can take.
    pub fn total_timeout(&self) -> Duration {
        self.freshening.timeout.saturating_mul(u32::try_from(self.locations.len()).unwrap_or(u32::MAX))
    }

    /// It is elsewhere from now on, and fetched from there. The last good one stays.
    pub fn move_to(&mut self, location: Location) {
        if self.locations != [location.clone()] {
            self.locations = vec![location];
            (self.due, self.demand_from, self.pause_until) = Default::default();
            if let Some(asking) = &mut self.asking {
                asking.has_moved = true;
            }
            if let Some(known) = &mut self.known {
                (known.location, known.etag) = (0, None);
            }
        }
    }

    /// The call that fetches it, when it is time.
    pub fn poll(&mut self, now: Timestamp) -> Option<HttpCall> {
        // A clock that was set back must not put it off.
        let latest = self.freshening.refresh.max(LONGEST_BACKOFF).saturating_add(LONGEST_BACKOFF);
        self.due = self.due.min(now.plus(latest));
        self.forget_lost_fetch(now);
        (self.asking.is_none() && now >= self.due).then(|| self.fetch(now)).flatten()
    }

    /// A request cannot go on with what is known.
    pub fn demand(&mut self, now: Timestamp) -> Demand {
        self.forget_lost_fetch(now);
        if self.asking.is_some() {
            return Demand::UnderWay(None);
        }
        self.demand_from = self.demand_from.min(now.plus(DEMAND_INTERVAL));
        self.pause_until = self.pause_until.min(now.plus(LONGEST_BACKOFF));
        if now < self.demand_from.max(self.pause_until) {
            return Demand::TooSoon;
        }
        self.demand_from = now.plus(DEMAND_INTERVAL);
        match self.fetch(now) {
            Some(call) => Demand::UnderWay(Some(call)),
            None => Demand::TooSoon,
        }
    }

    /// A fetch has ended. `read` makes the content of the bytes.
    pub fn on_result(
        &mut self,
        result: HttpResult,
        now: Timestamp,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Fetched<T> {
        let location = match self.asking.take() {
            Some(Asking { location, has_moved: false, .. }) => location,
            Some(_) => return self.fetch(now).map_or(Fetched::Unchanged, Fetched::Elsewhere),
            None => return Fetched::Unchanged,
        };
        let wait = match &result {
            HttpResult::Answered(answer) => retry_after(answer, now, LONGEST_BACKOFF),
            HttpResult::Failed(_) => None,
        };
        let fetched = self.read(location, result, now, read);
        if let Fetched::Failed(_) = fetched {
            self.pause_until = now.plus(wait.unwrap_or_default()).max(self.pause_until);
            if self.known.is_none()
                && let Some(call) = self.call(location + 1)
            {
                self.asking = Some(Asking { location: location + 1, has_moved: false, since: now });
                return Fetched::Elsewhere(call);
            }
            self.failures = self.failures.saturating_add(1);
            let wait = self.pause_until.since(now).min(LONGEST_BACKOFF);
            self.due = now.plus(backoff(self.failures, self.freshening.refresh, Some(wait), &mut self.prng));
        } else {
            self.failures = 0;
        }
        fetched
    }

    /// Whether it is being fetched.
    pub fn is_under_way(&self) -> bool {
        self.asking.is_some()
    }

    /// A call whose end the host never reports must not be the last one.
    fn forget_lost_fetch(&mut self, now: Timestamp) {
        let limit = self.freshening.timeout.saturating_add(GRACE);
        let is_lost = |asking: &Asking| now < asking.since || now.since(asking.since) > limit;
        if self.asking.as_ref().is_some_and(is_lost) {
            self.asking = None;
            self.failures = self.failures.saturating_add(1);
        }
    }

    fn fetch(&mut self, now: Timestamp) -> Option<HttpCall> {
        let location = self.known.as_ref().map_or(0, |known| known.location);
        let call = self.call(location)?;
        self.asking = Some(Asking { location, has_moved: false, since: now });
        self.due = now.plus(interval(self.freshening.refresh, &mut self.prng));
        Some(call)
    }

    /// The call to a location: conditional, where a document is known from there (RFC 9110 §13.1.2).
    fn call(&self, location: usize) -> Option<HttpCall> {
        let Location { url, cluster } = self.locations.get(location)?;
        let mut headers = url.pseudo_headers("GET");
        headers.extend([("accept", "application/json"), ("accept-encoding", "identity")].map(owned));
        let known = self.known.as_ref().filter(|known| known.location == location);
        headers.extend(known.and_then(|known| known.etag.as_deref()).map(|etag| owned(("if-none-match", etag))));
        Some(HttpCall {
            cluster: Rc::clone(cluster),
            headers: headers.into(),
            body: Vec::new(),
            timeout: self.freshening.timeout,
            answer_headers: LOOKED_AT,
            max_answer_bytes: MAX_DOCUMENT_BYTES,
        })
    }

    fn read(
        &mut self,
        location: usize,
        result: HttpResult,
        now: Timestamp,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Fetched<T> {
        let answer = match result {
            HttpResult::Answered(answer) => answer,
            HttpResult::Failed(reason) => return Fetched::Failed(FetchError::Unreachable(reason)),
        };
        if let (304, Some(known)) = (answer.status, &mut self.known)
            && known.etag.is_some()
        {
            known.confirmed_at = now;
            return Fetched::Unchanged;
        }
        let etag = answer.header("etag").and_then(validator);
        let bytes = match body(answer) {
            Ok(bytes) => bytes,
            Err(error) => return Fetched::Failed(error),
        };
        let digest = hmac_sha256::Hash::hash(&bytes);
        if let Some(known) = &mut self.known
            && known.digest == digest
        {
            (known.etag, known.location, known.confirmed_at) = (etag, location, now);
            return Fetched::Unchanged;
        }
        match read(&bytes) {
            Ok(content) => {
                let known = LastGoodDocument { content: Rc::new(content), digest, etag, location, confirmed_at: now };
                Fetched::Changed(self.known.replace(known).map(|older| older.content))
            }
            Err(reason) => Fetched::Failed(FetchError::Unreadable(reason)),
        }
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests;
