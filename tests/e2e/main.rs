//! End-to-end tests: the built module in real Envoy, against a real authorization server and scriptable fakes.
//!
//! Every test starts its own Envoy on free ports, so they run in parallel and share nothing. Times are bounded and
//! awaited by polling a condition (`eventually`), never by sleeping.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "clippy takes only #[test] functions for tests, and all of this crate is one"
)]

#[path = "../explained/mod.rs"]
mod explained;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../../registry/tests/support/postgres.rs"]
mod postgres;
#[path = "../refusals/mod.rs"]
mod refusals;
#[path = "../scenarios/mod.rs"]
mod scenarios;
#[path = "../tokens/mod.rs"]
mod tokens;

mod access_logs;
mod ambiguous_requests;
mod cache;
mod chaos;
mod client_authentication;
mod command;
mod configuration;
mod containers;
mod contracts;
mod documented_registration;
mod ends;
mod examples;

mod explained_outcomes;
mod faults;
mod harness;
mod host_signatures;
mod hostile_answers;
mod hostile_requests;
mod hostile_traffic;
mod identity_headers;
mod jwt;
mod keys;
mod mcp;
mod on_envoy;
mod outcomes;
mod pauses;
mod proof;
mod rate_limit;
mod registered_clients;
mod routes;
mod several_plugins;
mod signed_answers;
mod single_flight;
mod soak;
mod spoofing;
mod storms;
mod token;
mod unreached;
mod upgrade;
mod verdict_first;
