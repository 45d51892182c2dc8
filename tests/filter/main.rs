//! The filter on a fake host: the unmodified SDK over the code that ships, one file per behaviour.
#![allow(clippy::expect_used, reason = "tests")]

#[path = "../host/mod.rs"]
mod host;

mod introspection;

use host::{Process, Worker};
use tessera as _;

unsafe extern "C" {
    safe fn _initialize();
}

/// A process that runs the module and knows the clusters `idp` and `contracts`.
fn process() -> Process {
    Process::new(|| _initialize(), &["idp", "contracts"])
}

/// The only worker of a process of its own.
fn worker(configuration: &str) -> Worker {
    process().worker(configuration).expect("a configuration that is accepted")
}
