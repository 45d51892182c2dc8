//! The use cases of the catalogue, on every database that there is.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/database.rs"]
mod database;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/world.rs"]
mod world;

mod adopt;
mod apis;
mod apply;
mod dcr;
mod entra;
mod gateways;
mod groups;
mod providers;
mod races;
mod reach;
mod tiers;
mod tokens;
