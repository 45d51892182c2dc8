//! State that the workers of one Envoy process share.

pub mod rendezvous;
pub mod store;
