//! What is fuzzed: functions that take any bytes and panic when something is wrong with what the project does about
//! them. Each tells in a word or two what it saw, so that whoever drives it can tell new behaviour from old.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a target that is wrong fails, as a test does"
)]
#![allow(dead_code, reason = "as in `host`, each crate that includes a module uses a part of it")]

#[path = "../../tests/host/mod.rs"]
mod host;
#[path = "../../tests/documents/markdown.rs"]
mod markdown;
#[path = "../../tests/e2e/hostile_traffic/reading.rs"]
mod reading;

mod message;
mod scene;
mod signer;
mod source;
mod targets;

/// A function that any bytes may be given to.
pub struct Target {
    pub name: &'static str,
    /// What it understands, from tests and documents.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What is worth putting in.
    pub words: &'static [&'static str],
    /// Panics when something is wrong. What it did, in a word or two.
    pub run: fn(&[u8]) -> String,
    /// How many inputs are enough between two commits.
    pub rounds: u32,
    /// What some of them have to come to: a target that refuses everything at its door finds nothing.
    pub reaches: &'static [&'static str],
}

pub const TARGETS: &[Target] = &[
    targets::request_head::TARGET,
    targets::credential_removal::TARGET,
    targets::introspection_answer::TARGET,
    targets::signatures::TARGET,
    targets::contract_feed::TARGET,
    targets::shared_values::TARGET,
    targets::configuration::TARGET,
    targets::documents::TARGET,
    targets::fields::TARGET,
    targets::codecs::TARGET,
];
