//! Gateways that follow the feed over HTTP, as the filter does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::client::{Answer, http, sent};
use crate::place::PATIENCE;

/// Client id → status.
pub type Known = BTreeMap<String, String>;

/// What a gateway has, and what it was answered.
#[derive(Default)]
pub struct Followed {
    pub known: Known,
    /// Client ids that it once had to do without.
    pub lost: Vec<String>,
    /// Polls by status; 0 where there was no answer.
    pub polls: BTreeMap<u16, u64>,
    pub longest: Duration,
}

impl Followed {
    fn polled(&mut self, status: u16, took: Duration) {
        *self.polls.entry(status).or_default() += 1;
        self.longest = self.longest.max(took);
    }
}

pub struct Gateway {
    pub state: Arc<Mutex<Followed>>,
    base: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Gateway {
    /// Polls until it is dropped.
    pub fn follow(url: &str, token: &str) -> Self {
        let state = Arc::<Mutex<Followed>>::default();
        let base = Arc::new(Mutex::new(url.to_owned()));
        let (shared, place, token) = (Arc::clone(&state), Arc::clone(&base), token.to_owned());
        let task = tokio::spawn(async move {
            let (http, mut cursor) = (http(), None);
            loop {
                let url = place.lock().unwrap().clone();
                let begun = Instant::now();
                let status = poll(&http, &url, &token, &mut cursor, &shared).await;
                shared.lock().unwrap().polled(status, begun.elapsed());
                sleep(Duration::from_millis(if status == 200 { 20 } else { 200 })).await;
            }
        });
        Self { state, base, task }
    }

    /// From now on it polls elsewhere.
    pub fn turn_to(&self, url: &str) {
        url.clone_into(&mut self.base.lock().unwrap());
    }

    pub fn known(&self) -> Known {
        self.state.lock().unwrap().known.clone()
    }

    pub fn count(&self, status: u16) -> u64 {
        self.state.lock().unwrap().polls.get(&status).copied().unwrap_or_default()
    }

    /// Until it knows exactly this.
    pub async fn comes_to(&self, expected: &Known) {
        self.comes_where(|followed| followed.known == *expected, &format!("{expected:?}")).await;
    }

    pub async fn comes_where(&self, is_there: impl Fn(&Followed) -> bool, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (there, told) = {
                let state = self.state.lock().unwrap();
                (is_there(&state), format!("{:?} {:?}", state.known, state.polls))
            };
            if there {
                return;
            }
            assert!(Instant::now() < deadline, "{told} and not {what}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One poll with all its pages; the status that it ended with.
async fn poll(
    http: &reqwest::Client,
    url: &str,
    token: &str,
    cursor: &mut Option<String>,
    state: &Mutex<Followed>,
) -> u16 {
    let mut query = cursor.as_ref().map_or(String::new(), |cursor| format!("?since={cursor}"));
    let (mut told, mut is_whole) = (Vec::new(), false);
    let begun = loop {
        let request = http.get(format!("{url}/v1/contracts{query}")).bearer_auth(token).header("prefer", "wait=2");
        let Some(answer) = sent(request).await else { return 0 };
        if answer.status == 410 {
            *cursor = None;
        }
        if answer.status != 200 {
            return answer.status;
        }
        let document = answer.json();
        is_whole |= document.get("contracts").is_some();
        let rows = document.get("contracts").or(document.get("changes")).unwrap();
        told.extend(rows.as_array().unwrap().iter().cloned());
        match next(&answer) {
            Some(page) => query = page,
            None => break document["cursor"].as_str().unwrap().to_owned(),
        }
    };
    *cursor = Some(begun);
    learn(&mut state.lock().unwrap(), is_whole, &told);
    200
}

fn learn(state: &mut Followed, is_whole: bool, rows: &[Value]) {
    let before = state.known.clone();
    if is_whole {
        state.known.clear();
    }
    for row in rows {
        let text = |member: &str| row[member].as_str().unwrap().to_owned();
        // The document says nothing of what is active.
        match row["status"].as_str().unwrap_or("active") {
            "removed" => drop(state.known.remove(&text("client_id"))),
            status => drop(state.known.insert(text("client_id"), status.to_owned())),
        }
    }
    let lost: Vec<_> = before.into_keys().filter(|client| !state.known.contains_key(client)).collect();
    state.lost.extend(lost);
}

fn next(answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().unwrap();
    let path = link.strip_prefix("</v1/contracts").unwrap().split_once('>').unwrap().0;
    Some(path.to_owned())
}
