//! Servers that the registry calls: those of access tokens, and those that want to be told.

pub mod access_tokens;
mod claims;
mod fetch;
mod issuer;
pub mod messenger;
