//! Tessera as a dynamic module: a shared library that Envoy loads into its own process.
//!
//! This package is the second shell around `tessera-core`, beside the Proxy-Wasm module: it carries events in and effects
//! out, and decides nothing. Here there is no sandbox. So every hook catches panics, nothing of a request is kept beyond
//! its hook, and `unsafe` stands in `abi` and `hooks` alone.
//!
//! The requests of one worker thread share one engine. The main thread sends what the engines ask for, receives the
//! answers, ticks, and lets the engines work on both; a request that waits is woken on its own thread.
// Allowed in `abi` and `hooks`, for what the compiler cannot check: the ABI.
#![deny(unsafe_code)]

pub mod abi;
mod answers;
mod calls;
mod carrying_out;
mod edits;
mod engine;
pub mod hooks;
mod host;
mod lock;
mod plan;
mod plugin;
mod post;
mod reports;
pub mod samples;
mod shard;
pub mod stats;
mod store;
mod ticker;
