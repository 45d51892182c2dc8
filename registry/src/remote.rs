//! Servers that the registry calls: those of access tokens, and those that want to be told.

pub mod access_tokens;
mod aged;
mod claims;
mod fetch;
mod inactive;
mod issuer;
pub mod messenger;
