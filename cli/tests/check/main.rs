//! `tessera check`: what is reported of one file, where, and how.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod allow;
mod command;
mod mutations;
mod output;
mod places;
mod read_otherwise;
mod secrecy;
