//! A native fake of Envoy as a Proxy-Wasm host.
//!
//! Off Wasm the SDK's imports are ordinary undefined symbols: [`abi`] defines them over the state of the VM that
//! runs on the calling thread, and [`Worker`] drives the exports of a [`Module`]: the SDK's, which is unmodified, and
//! what the module has in their place. A [`Worker`] is one VM on a thread of its own; the workers of one [`Process`]
//! share its clock, shared data, queues and metrics. Tests ask for state (what became of a stream, which callouts
//! wait); they do not script hostcalls.
//!
//! What the module does and Envoy would not put up with (a resume of a stream that is not paused, a second reply, a
//! header with a line break, …) is collected as faults, which fail the test when the worker is dropped. A panic in a
//! callback is a trap and fails the test at once.
//!
//! Read from the sources of Envoy and proxy-wasm-cpp-host: a getter gives the first line of a header; a setter
//! replaces all of them; request headers are out of reach once the stream was resumed or went on; `send_local_reply`
//! turns a `Continue` of the same callback into a stop, whichever stream it replied to; replies and resumes wait for
//! the end of the call into the VM; a callout that runs out of time is answered 504 by Envoy's router and a refused
//! connection 503, so that only a broken stream arrives with no headers; a call to a cluster without hosts is answered
//! at once, at the end of the call into the VM; what is put off so is carried out inside one another; each item enqueued wakes the owner of the
//! queue once; a write to a missing key of the shared data succeeds whatever its compare-and-swap value.
//!
//! Known gaps against the real Envoy:
//! * of request bodies only that they come, no response bodies and trailers, no response of the upstream passing the
//!   filter, no gRPC callouts, no foreign functions but `verify_signature`, `sign` and
//!   those that a test offers;
//! * one plugin to a VM, no throw-away VM on a main thread, no reload after a trap, and shared data outlives the last
//!   VM of its id;
//! * the connection manager adds no headers (`x-request-id`, `x-forwarded-*`), rejects and normalises nothing, and
//!   several `cookie` lines stay apart; replies are kept as the filter gave them, without `content-length` or the
//!   translation for gRPC callers;
//! * of the properties only `plugin_*`, `request.*` (the parts of the request line, `headers`) and what was set;
//! * the log level, the `log` facade and the environment are the test process's, shared by all VMs;
//! * traps are caught by standing before the unwinder (see `vm.rs`), which needs a dynamically linked one: Linux;
//! * time in the VM costs nothing, and how deep the stack is, is counted in actions.
#![allow(dead_code, reason = "each test binary that includes this module uses a part of it")]
#![allow(clippy::expect_used, clippy::panic, reason = "a fake that is misused fails the test")]

mod abi;
mod event_loop;
mod exports;
mod foreign_functions;
mod headers;
mod process;
mod property;
mod record;
mod signatures;
mod vm;
mod worker;

#[allow(unused_imports, reason = "as above")]
pub use {
    exports::Module,
    headers::Headers,
    process::{Process, START},
    record::{Callout, Outcome, Plugin, Refused, Reply, StreamId},
    signatures::HostSignatures,
    worker::Worker,
};
