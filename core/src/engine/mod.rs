//! The work of one worker, without IO: requests, answers and ticks come in with the time, decisions and calls go out.

pub mod about;
mod asking;
pub mod effect;
mod failures;
mod feeds;
pub mod flights;
pub mod message;
pub mod metrics;
pub mod outbox;
mod pauses;
pub mod settings;
pub mod worker;

#[cfg(test)]
mod tests;
