//! Fuzzing with a stable compiler: the targets of `fuzz/`, driven by inputs that are seeds, bent. Without coverage, but by
//! what a target says that it saw: an input that comes to something new is bent further.
//!
//! `TESSERA_FUZZ_SECONDS` runs each target for so long instead of for a fixed number of inputs, `TESSERA_FUZZ_SEED`
//! selects other inputs, and `TESSERA_FUZZ_INPUT` runs one file alone. A failure prints its input and keeps it in
//! `target/fuzz`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tests"
)]

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

mod mutation;
#[allow(dead_code, reason = "shared with the hostile traffic in Envoy")]
#[path = "../e2e/hostile_traffic/random.rs"]
mod random;
mod runner;

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                runner::drive(stringify!($name));
            }
        )*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! {
    request_head credential_removal introspection_answer signatures contract_feed shared_values configuration documents
    fields codecs
}

#[test]
fn every_target_is_driven() {
    let all: Vec<_> = fuzz::TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(all, NAMES);
}
