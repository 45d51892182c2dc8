//! The access token: where to find it, its form, and the facts about it.

pub mod bearer;
pub mod claims;
pub mod confirmation;
pub mod credential;
pub mod digest;
pub mod extract;
pub mod facts;
mod forwarded;
pub mod issuer;
mod kind;
pub mod scalar;
