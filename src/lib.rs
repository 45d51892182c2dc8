//! Tessera: OAuth 2.0 access-token enforcement for Envoy, as one Proxy-Wasm module.
#![forbid(unsafe_code)]

pub mod base;
pub mod cache;
pub mod contract;
pub mod decision;
pub mod introspection;
pub mod outcome;
pub mod reply;
pub mod shared;
pub mod token;
pub mod upstream;
