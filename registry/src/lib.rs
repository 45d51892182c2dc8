//! The contract registry: a catalogue of APIs and tiers, applications and their clients, the contracts between them, and
//! the feed of contracts that gateways poll.
//!
//! `http` and `command` → `use_case` → `domain`. What a use case needs of the world (`store`, clock, randomness) are
//! traits that `use_case` owns.

pub mod command;
pub mod configuration;
pub mod connections;
pub mod domain;
pub mod http;
pub mod measures;
pub mod remote;
pub mod sealing;
pub mod store;
pub mod system;
pub mod tasks;
pub mod tls;
pub mod use_case;
