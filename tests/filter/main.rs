//! The filter on a fake host: the unmodified SDK over the code that ships, one file per behaviour.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "clippy takes only #[test] functions for tests, and all of this crate is one"
)]

#[path = "../explained/mod.rs"]
mod explained;
#[path = "../host/mod.rs"]
mod host;
#[path = "../documents/markdown.rs"]
mod markdown;
#[path = "../refusals/mod.rs"]
mod refusals;
#[path = "../scenarios/mod.rs"]
mod scenarios;
#[path = "../tokens/mod.rs"]
mod tokens;

mod caller;
mod configuration;

mod access_log;
mod cache;
mod callbacks;
mod client_assertions;
mod decisions;
mod documented_providers;
mod explained_outcomes;
mod held_back;
mod host_signatures;
mod hostile;
mod imported;
mod introspection;
mod jwt;
mod keys;
mod known_bound_tokens;
mod known_jwts;
mod many_at_once;
mod odd_proofs;
mod on_the_fake_host;
mod optional_tokens;
mod paths;
mod pauses;
mod possession;
mod providers;
mod refresh_ahead;
mod reserve;
mod resource_metadata;
mod retries;
mod shared_cache;
mod signed_answers;
mod single_flight;
mod stale_if_error;
mod token_sources;
mod upstream_headers;
mod warm_path;
mod withdrawn_keys;

use host::{Module, Process, Worker};
use tessera::callbacks as own;

unsafe extern "C" {
    safe fn _initialize();
}

/// The exports of the finished module.
fn module() -> Module {
    Module {
        initialize: || _initialize(),
        context_create: own::tessera_on_context_create,
        request_headers: |context, count, end| own::tessera_on_request_headers(context, count, end) as u32,
        request_trailers: Some(|context, count| own::tessera_on_request_trailers(context, count) as u32),
        response_headers: None,
        log: None,
        http_call_response: own::tessera_on_http_call_response,
        queue_ready: own::tessera_on_queue_ready,
        done: None,
        delete: own::tessera_on_delete,
    }
}

/// A process that runs the module and knows the clusters `idp` and `contracts`.
fn process() -> Process {
    Process::new(module(), &["idp", "contracts"])
}

/// The only worker of a process of its own.
fn worker(configuration: &str) -> Worker {
    process().worker(configuration).expect("a configuration that is accepted")
}
