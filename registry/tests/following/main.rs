//! The filter's own poller follows the registry while others write, over HTTP, on every database that there is.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/database.rs"]
mod database;
#[path = "../support/dice.rs"]
mod dice;
mod gateway;
mod model;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod replica;
mod run;
#[path = "../support/sequence.rs"]
mod sequence;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/wire.rs"]
mod wire;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/world.rs"]
mod world;
mod writers;

use database::TestDatabase;
use run::{Plan, followed};

/// For how long others write; longer finds more.
const SECONDS: &str = "TESSERA_FOLLOWING_SECONDS";

fn seconds() -> u64 {
    std::env::var(SECONDS).map_or(10, |seconds| seconds.parse().expect(SECONDS))
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_know_what_there_is_on_sqlite() {
    let faults = followed(TestDatabase::sqlite(), Plan { seconds: seconds(), restores: true, sequence: false }).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_know_what_there_is_on_postgresql() {
    let faults = followed(TestDatabase::postgres(), Plan { seconds: seconds(), restores: true, sequence: false }).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_sequence_in_place_of_the_counter_they_would_not() {
    for _ in 0..8 {
        let plan = Plan { seconds: 3, restores: false, sequence: true };
        let faults = followed(TestDatabase::postgres(), plan).await;
        if !faults.is_empty() {
            return;
        }
    }
    panic!("this test cannot tell a sequence from the counter");
}
