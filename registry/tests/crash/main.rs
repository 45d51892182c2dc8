//! The service is killed again and again while others write, on every database that there is.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "../support/dice.rs"]
mod dice;
mod following;
mod gate;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod rows;
mod run;
mod served;
#[path = "../support/wire.rs"]
mod wire;
mod writer;

use postgres::Postgres;
use run::{Crash, crashed};
use served::Place;

/// How often; more often finds more.
const KILLS: &str = "TESSERA_CRASH_KILLS";

fn kills() -> u64 {
    std::env::var(KILLS).map_or(10, |kills| kills.parse().expect(KILLS))
}

#[test]
fn what_was_answered_outlives_the_service_on_sqlite() {
    let place = Place::new(None);
    let changes = crashed(&place, kills(), |_| Crash::Service(None));
    println!("{} kills, {changes} changes", kills());
}

#[test]
fn what_was_answered_outlives_service_and_server_on_postgresql() {
    let postgres = Postgres::start();
    let place = Place::new(Some(&postgres.database()));
    let changes = crashed(&place, kills(), |kill| match kill % 5 {
        1 => Crash::Server(&postgres),
        3 => Crash::Both(&postgres),
        _ => Crash::Service(Some(&postgres)),
    });
    println!("{} kills, {changes} changes", kills());
}
