//! A backup is restored beside replicas that run: none of them tells of what there was before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Answer, Client, http, sent};
use crate::followed::Followed;
use crate::load::Load;
use crate::place::{PATIENCE, Place};
use crate::postgres;

const WRITERS: usize = 3;

/// What a gateway is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Epoch(String),
    Held,
    Gone,
}

/// One poll.
#[derive(Debug)]
struct Seen {
    begun: Instant,
    ended: Instant,
    told: Told,
}

/// A gateway's token, and where it is good.
#[derive(Clone)]
struct Polling {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Polling {
    async fn ask(&self, query: &str, prefer: &str) -> Option<Answer> {
        let request = self.http.get(format!("{}/v1/contracts{query}", self.url)).bearer_auth(&self.token);
        sent(request.header("prefer", prefer)).await
    }

    /// What it is told once the replica can tell.
    async fn told(&self, query: &str, prefer: &str) -> Told {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(query, prefer).await;
            match answer.as_ref().map(|answer| (answer.status, answer.json())) {
                Some((200, document)) => return Told::Epoch(epoch(document["cursor"].as_str().unwrap())),
                Some((410, _)) => return Told::Gone,
                Some((503, problem)) if problem["type"].as_str().unwrap().ends_with("/held") => return Told::Held,
                // A machine that does much else.
                Some((503, _)) if Instant::now() < deadline => {}
                _ => panic!("{answer:?}"),
            }
        }
    }

    async fn cursor(&self) -> String {
        let answer = self.ask("", "").await.unwrap();
        answer.json()["cursor"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Polls one after the other until it is told to end.
    async fn watch(self, end: Arc<AtomicBool>) -> Vec<Seen> {
        let mut all = Vec::new();
        while !end.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let told = self.told("", "").await;
            all.push(Seen { begun, ended: Instant::now(), told });
        }
        all
    }
}

fn epoch(cursor: &str) -> String {
    cursor.split_once('.').unwrap().0.to_owned()
}

/// Nobody who asks after somebody was told of the one is told of what was before it.
fn are_in_order(seen: &[Seen], order: &[Told]) {
    let rank = |told: &Told| order.iter().position(|known| known == told).unwrap_or_else(|| panic!("{told:?}"));
    for later in seen {
        let before =
            seen.iter().filter(|earlier| earlier.ended <= later.begun).map(|earlier| rank(&earlier.told)).max();
        assert!(
            before.is_none_or(|before| before <= rank(&later.told)),
            "{later:?} after {:?}",
            order[before.unwrap()]
        );
    }
    assert_eq!(seen.iter().map(|seen| &seen.told).collect::<BTreeSet<_>>(), order.iter().collect());
}

async fn revoke(admin: &Client, contract: &str) {
    let answer = admin.post(&format!("/contracts/{contract}/revoke"), &json!({"reason": "over"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// A contract that the one has revoked.
async fn is_told_by_the_other([one, other]: &[Polling; 2], since: &str) {
    let told = other.ask(&format!("?since={since}"), "wait=60").await.unwrap().json();
    assert_eq!(told["changes"][0]["status"], "removed", "{told}");
    assert_eq!(told["cursor"], one.cursor().await);
}

async fn restored_beside_replicas(place: Place) {
    let Followed { place, served, admin, contracts, .. } = Followed::at(place, WRITERS + 2, 0).await;
    let other = place.serve();
    let token = admin.gateway("both").await;
    let replicas =
        [&served, &other].map(|served| Polling { http: http(), url: served.url("feed"), token: token.clone() });
    let backup = place.path("backup.jsonl");
    place.run(&["backup", &backup]);
    let load = Load::begin(&admin, &contracts[..WRITERS]);
    while load.done() < 10 {
        sleep(Duration::from_millis(10)).await;
    }
    let last = contracts.last().unwrap();
    revoke(&admin, last).await;
    load.end().await;
    let old = [replicas[0].cursor().await, replicas[1].cursor().await];
    assert_eq!(old[0], old[1]);

    let end = Arc::new(AtomicBool::new(false));
    let watching: JoinSet<_> = replicas.iter().map(|replica| replica.clone().watch(Arc::clone(&end))).collect();
    let since_old = format!("?since={}", old[0]);
    let mut held = JoinSet::new();
    for (replica, query) in replicas.clone().map(|replica| (replica, since_old.clone())) {
        held.spawn(async move { replica.told(&query, "wait=60").await });
    }
    // The restore goes on among changes of both.
    let load = Load::begin(&admin, &contracts[..WRITERS]);
    place.run(&["restore", &backup, "--replace"]);
    for (replica, query) in replicas.iter().flat_map(|replica| [(replica, String::new()), (replica, since_old.clone())])
    {
        assert_eq!(replica.told(&query, "").await, Told::Held, "as soon as the command has ended");
    }
    // Those that were held have been told of a change before, or that the feed is held by now.
    for told in held.join_all().await {
        assert!([Told::Held, Told::Epoch(epoch(&old[0]))].contains(&told), "{told:?}");
    }
    load.end().await;
    place.run(&["release", "--yes"]);
    for replica in &replicas {
        assert_eq!(replica.told(&since_old, "").await, Told::Gone);
    }
    let new = [replicas[0].cursor().await, replicas[1].cursor().await];
    assert_eq!(new[0], new[1]);
    end.store(true, Ordering::Relaxed);
    let seen: Vec<Seen> = watching.join_all().await.into_iter().flatten().collect();
    are_in_order(&seen, &[Told::Epoch(epoch(&old[0])), Told::Held, Told::Epoch(epoch(&new[0]))]);
    revoke(&admin, last).await;
    is_told_by_the_other(&replicas, &new[1]).await;
    assert!(place.run(&["check", "--connect", "--audit"]).contains("ok"));
    served.end();
    other.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_replica_on_sqlite_tells_of_what_was_before_a_restore() {
    restored_beside_replicas(Place::sqlite("")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_replica_on_postgresql_tells_of_what_was_before_a_restore() {
    restored_beside_replicas(Place::new(&format!("\"{}\"", postgres::shared().database()), "")).await;
}
