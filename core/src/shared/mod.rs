//! How the workers of one Envoy process share state: the door to shared data, its keys, and leases.

pub mod key;
pub mod lease;
pub mod store;
