//! A document that is polled, whatever it contains: who polls, when, what is requested, and what an answer means.
//!
//! * [`settings`]: what the configuration says of it;
//! * [`duty`]: which worker polls and when, with the [`lease`] and the [`schedule`];
//! * [`state`]: where polling stands, for all workers;
//! * [`fresh_document`]: one that a worker keeps to itself, and its [`fetched_body`];
//! * [`request`] and [`page`]: one page asked for, conditionally or in full, and what of the answer can be read;
//!   [`link`] leads to the next one, a [`preference`] says how long a poll may be held.

pub mod duty;
pub mod fetched_body;
pub mod fresh_document;
pub mod lease;
pub mod link;
pub mod page;
pub mod preference;
pub mod request;
pub mod schedule;
pub mod settings;
pub mod state;
