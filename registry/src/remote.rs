//! Servers that the registry calls: those of access tokens, those where clients are registered, and those that want to be
//! told.

pub mod access_tokens;
mod aged;
mod claims;
pub mod dcr;
mod fetch;
mod form;
mod inactive;
mod issuer;
pub mod issuers;
pub mod messenger;
mod signatures;
mod withheld;
