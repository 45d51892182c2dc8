//! PostgreSQL goes away under load, and comes back. `TESSERA_OUTAGE_SECONDS` says for how long.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::client::{Answer, Client, http, sent};
use crate::followed::Followed;
use crate::load::Load;
use crate::place::{PATIENCE, Place, Served};
use crate::postgres::Postgres;

const WRITERS: usize = 4;
const GATEWAYS: usize = 4;

pub fn outage() -> Duration {
    let seconds = std::env::var("TESSERA_OUTAGE_SECONDS").map_or(6, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}

async fn ops(served: &Served, path: &str) -> Answer {
    sent(http().get(format!("{}{path}", served.url("ops")))).await.unwrap()
}

async fn until_ready(served: &Served, status: u16) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ready = ops(served, "/readyz").await;
        if ready.status == status {
            return ready.json();
        }
        assert!(Instant::now() < deadline, "{ready:?} and not {status}\n{}", served.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// The one who looks each second tells it, some time after the first request that worked.
async fn until_told(served: &Served, message: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !served.lines().iter().any(|line| line["message"] == message) {
        assert!(Instant::now() < deadline, "never told: {message}\n{}", served.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// The value of a metric, over all labels but this one.
pub async fn metric(served: &Served, name: &str, label: &str) -> f64 {
    let text = ops(served, "/metrics").await.text;
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
    let values = lines.filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<f64>().unwrap()).sum()
}

/// Lines of the log beside those of requests, and those of requests.
fn lines(served: &Served) -> (usize, usize) {
    let lines = served.lines();
    let requests = lines.iter().filter(|line| line["message"] == "request").count();
    (lines.len() - requests, requests)
}

/// What is told while the database is away for so long.
async fn away(served: &Served, admin: &Client, gone: Instant) {
    assert_eq!(until_ready(served, 503).await["database"], "unavailable");
    assert!(gone.elapsed() < PATIENCE, "it took {:?} to say so", gone.elapsed());
    while gone.elapsed() < outage() {
        assert_eq!((ops(served, "/readyz").await.status, ops(served, "/livez").await.status), (503, 200));
        sleep(Duration::from_millis(200)).await;
    }
    let away = admin.post("/groups", &json!({"id": "late"})).await;
    assert_eq!((away.status, away.headers["retry-after"].to_str().unwrap()), (503, "1"), "{away:?}");
}

/// All writers go on, and what they were answered is so.
async fn back(followed: &Followed, load: Load) {
    let (served, admin, begun) = (&followed.served, &followed.admin, Instant::now());
    assert_eq!(until_ready(served, 200).await, json!({"database": "ok", "schema": "ok", "held": false}));
    let done = load.done();
    while load.done() < done + 20 {
        assert!(begun.elapsed() < PATIENCE, "nothing is done any more\n{}", served.log());
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(load.tally.refused.load(Ordering::Relaxed), 0);
    for (contract, status) in load.end().await {
        let now = admin.there(&format!("/contracts/{contract}")).await.json()["status"].clone();
        assert!(status.is_none_or(|status| now == status), "{contract} is {now}, and was answered to be {status:?}");
    }
    assert_eq!(admin.served().await.len(), followed.contracts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_waited_for() {
    let postgres = Postgres::start();
    let place = Place::new(&format!("\"{}\"", postgres.database()), "");
    let mut followed = Followed::at(place, 1 + WRITERS, GATEWAYS).await;
    let (served, admin) = (&followed.served, &followed.admin);
    let load = Load::begin(admin, &followed.contracts[1..]);
    while load.done() < 20 {
        sleep(Duration::from_millis(20)).await;
    }

    let (before, errors) = (lines(served), metric(served, "tessera_registry_database_errors_total", "").await);
    let gone = Instant::now();
    postgres.stop();
    away(served, admin, gone).await;
    assert!(metric(served, "tessera_registry_database_errors_total", "").await > errors);
    let (after, took) = (lines(served), gone.elapsed().as_secs_f64());
    postgres.begin();
    back(&followed, load).await;

    followed.all_know().await;
    for gateway in &followed.gateways {
        let state = gateway.state.lock().unwrap();
        let are_told = state.polls.keys().all(|status| [200, 503].contains(status));
        assert!(state.lost.is_empty() && are_told, "{:?} {:?}", state.lost, state.polls);
        assert!(state.longest < PATIENCE, "a poll took {:?}", state.longest);
    }
    until_told(&followed.served, "the database can be used again").await;
    // A line for each request and one for what was wrong with it; beside them some for each second.
    let (others, requests) = (after.0 - before.0, after.1 - before.1);
    let most = requests as f64 * 2.0 + 10.0 * took;
    assert!((others as f64) < most, "{others} lines beside {requests} requests in {took} s");
    assert!(followed.served.is_running());
    followed.served.end();
}
