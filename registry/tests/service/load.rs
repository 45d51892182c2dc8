//! Writers that change contracts of their own, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Client, sent};

/// What the writers have been answered.
#[derive(Default)]
pub struct Tally {
    pub done: AtomicU64,
    /// Statuses of 5xx, or no answer.
    pub failed: AtomicU64,
    /// Anything else that is not 2xx.
    pub refused: AtomicU64,
}

pub struct Load {
    pub tally: Arc<Tally>,
    ended: Arc<AtomicBool>,
    writers: JoinSet<(String, Option<&'static str>)>,
}

impl Load {
    /// A writer for each of these contracts suspends and resumes it.
    pub fn begin(client: &Client, contracts: &[String]) -> Self {
        let (tally, ended) = (Arc::<Tally>::default(), Arc::<AtomicBool>::default());
        let mut writers = JoinSet::new();
        for contract in contracts {
            writers.spawn(write(client.clone(), contract.clone(), Arc::clone(&tally), Arc::clone(&ended)));
        }
        Self { tally, ended, writers }
    }

    pub fn done(&self) -> u64 {
        self.tally.done.load(Ordering::Relaxed)
    }

    /// Ends it; each contract with the status that it was last answered to have, `None` where the last answer did not
    /// say.
    pub async fn end(self) -> Vec<(String, Option<&'static str>)> {
        self.ended.store(true, Ordering::Relaxed);
        self.writers.join_all().await
    }
}

async fn write(
    client: Client,
    contract: String,
    tally: Arc<Tally>,
    ended: Arc<AtomicBool>,
) -> (String, Option<&'static str>) {
    let mut status = Some("active");
    while !ended.load(Ordering::Relaxed) {
        let action = if status == Some("active") { "suspend" } else { "resume" };
        let body = json!({"reason": "load"});
        let request = client.request("POST", &format!("/contracts/{contract}/{action}"), Some(&body));
        let answer = sent(request).await;
        let counter = match answer.as_ref().map(|answer| answer.status) {
            Some(200) => &tally.done,
            None | Some(500..) => &tally.failed,
            // What was not answered may have happened.
            Some(409) => &tally.done,
            Some(_) => &tally.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        status = match answer {
            Some(answer) if answer.status == 200 => Some(if action == "suspend" { "suspended" } else { "active" }),
            Some(answer) if answer.status == 409 => {
                Some(if answer.json()["current"] == "active" { "active" } else { "suspended" })
            }
            _ => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        };
    }
    (contract, status)
}
