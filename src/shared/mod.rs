//! State that the workers of one Envoy process share.

pub mod key;
pub mod lease;
pub mod store;
