//! The service is killed again and again while others write, on every database that there is.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/authorization_server.rs"]
mod authorization_server;
#[path = "../support/dice.rs"]
mod dice;
mod following;
mod gate;
mod left;
mod people;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod registering;
mod replicas;
mod rows;
mod run;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/scripted.rs"]
mod scripted;
mod served;
mod snare;
#[path = "../support/wire.rs"]
mod wire;
mod writer;

use postgres::Postgres;
use registering::survived;
use run::{Crash, crashed};
use served::Place;

/// How often; more often finds more.
const KILLS: &str = "TESSERA_CRASH_KILLS";

fn kills() -> u64 {
    kills_or(10)
}

fn kills_or(few: u64) -> u64 {
    std::env::var(KILLS).map_or(few, |kills| kills.parse().expect(KILLS))
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

/// Twenty-seven have one at each step between provider and database, and some at random.
const REGISTERING: u64 = 12;

#[test]
fn clients_outlive_the_service_on_sqlite() {
    println!("{}", survived(&Place::new(None), 1, kills_or(REGISTERING)));
}

#[test]
fn clients_outlive_two_services_on_postgresql() {
    println!("{}", survived(&Place::new(Some(&postgres::shared().database())), 2, kills_or(REGISTERING)));
}
