//! One worker's work without IO: events in, endings and effects out.

pub mod about;
mod authorize;
pub mod calls;
mod complete;
mod documents;
pub mod effect;
mod failures;
mod feeds;
mod flights;
mod introspect;
pub mod message;
pub mod metrics;
pub mod outbox;
mod pauses;
mod reason;
mod resolve;
pub mod resources;
pub mod settings;
mod signed_answers;
mod sources;
mod verify;
pub mod worker;

#[cfg(test)]
mod tests;
