//! One worker's work without IO: events in, endings and effects out.

pub mod about;
mod authorize;
mod calls;
mod complete;
pub mod effect;
mod failures;
mod feeds;
mod flights;
mod introspect;
pub mod message;
pub mod metrics;
pub mod outbox;
mod pauses;
mod resolve;
pub mod settings;
mod sources;
pub mod worker;

#[cfg(test)]
mod tests;
