//! The database behind the use cases: SQLite in a file, or PostgreSQL, by one set of statements.

mod conditions;
mod database;
mod dialect;
mod faults;
mod feed;
mod feed_rows;
mod migrations;
mod narrowing;
mod records;
mod session;
mod sql;
mod state;
mod tallies;
#[cfg(test)]
pub mod temporary;
mod transaction;
mod watched;
mod watching;

pub use database::Database;
pub use tallies::{ProviderTally, Tallies, TaskTally};
