//! What asks other servers: the HTTP client, and `tessera discover`.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod client;
mod command;
mod server;
