//! The store, on every database that there is: the same tests for all of them.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "../support/database.rs"]
mod database;
mod feed;
mod following;
mod narrowing;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod records;
mod schema;
#[path = "../support/sequence.rs"]
mod sequence;
mod surroundings;
mod timeline;
mod transfer;
mod upgrade;
