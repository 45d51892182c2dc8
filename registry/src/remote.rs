//! Servers that the registry calls: those of access tokens, those where clients are registered, and those that want to be
//! told.

pub mod access_tokens;
mod aged;
mod claims;
pub mod dcr;
mod ending;
pub mod entra;
mod fetch;
mod form;
mod granted;
mod inactive;
mod introspection;
mod issuer;
pub mod issuers;
pub mod messenger;
mod proof_claims;
pub mod proof_judge;
mod provider_calls;
mod public_keys;
pub mod registrars;
mod withheld;
