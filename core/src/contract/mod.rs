//! Contracts: the approved agreements between client applications and APIs.
//!
//! [`contracts::Contracts`] is one worker's view of them. It answers which contract a token's client holds
//! ([`contracts::Holding`]) and keeps the set up to date from an HTTP source, together with the other workers of
//! the process. Whether a held contract grants anything at this moment is judged elsewhere, at request time.
//!
//! Everything here is sans-IO: the time is an argument, calls and log lines are return values.

pub mod action;
#[expect(clippy::module_inception, reason = "the folder is about contracts, the file says what one is")]
pub mod contract;
pub mod contracts;
pub mod row;
pub mod settings;
pub mod writer;

mod apply;
mod document;
mod entry;
mod identity;
mod merge;
mod poller;
mod scan;
mod skipped;
mod table;
mod transfer;
mod transfer_error;
mod work;

pub use document::DocumentKind;

#[cfg(test)]
mod tests;
