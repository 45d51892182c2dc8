//! What a worker's contracts ask the host to do, and what they report.

use std::time::Duration;

use log::Level;

use crate::base::http::HttpCall;

/// Names one call of one worker's contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageCall(pub u64);

/// What a worker's contracts ask the host to do.
#[derive(Debug)]
pub enum Action {
    /// Send this; its end goes to `Contracts::on_answer`.
    Call(PageCall, HttpCall),
    /// Call `Contracts::on_yield` in the next turn of the event loop.
    Yield,
    /// Write this to the log. Holds nothing that the source sent.
    Log(Level, String),
}

/// For the metrics: counters since the last `Contracts::report`, and gauges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Polls of this worker that brought another set into force,
    pub changed: u64,
    /// that found what is in force,
    pub unchanged: u64,
    /// and that came to nothing.
    pub failed: u64,
    pub skipped: u64,
    /// Contracts in force; `None` while none have been loaded, and where none are configured.
    pub contracts: Option<u64>,
    /// Time since the last successful poll of any worker; `None` before the first, and without a source.
    pub age: Option<Duration>,
}
