//! Authorization servers: how they are asked, and how their answers are read.

pub mod client_auth;
pub mod discovery;
pub mod failure;
pub mod introspection;
pub mod jwt;
pub mod metadata;
#[cfg(test)]
pub mod samples;
mod settings;

pub use settings::{Provider, TokenChecks};
