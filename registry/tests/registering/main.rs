//! The life of clients that are registered at a provider, on every database that there is.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod again;
mod crowd;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/database.rs"]
mod database;
#[path = "../support/dice.rs"]
mod dice;
mod ends;
mod entra;
mod expiring;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/graph.rs"]
mod graph;
mod histories;
mod killed;
mod life;
mod model;
mod pool;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod reports;
mod restored;
mod scene;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/scripted.rs"]
mod scripted;
#[path = "../support/signing.rs"]
mod signing;
mod tenant;
mod updates;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../contracts/world.rs"]
mod world;
