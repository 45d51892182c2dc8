//! Applications, clients and contracts with their feeds, audit and webhooks, on every database that there is.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod clients;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/database.rs"]
mod database;
mod limits;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod transitions;
mod visibility;
mod webhooks;
mod workers;
mod world;
