//! The service as a whole, in this process.

mod bodies;
mod document;
mod frame;
mod idempotency;
mod lists;
mod roles;
mod world;
