//! The access token: where it is, what it looks like, what is known of it.

pub mod bearer;
pub mod claims;
pub mod credential;
pub mod digest;
pub mod extract;
pub mod facts;
mod forwarded;
pub mod issuer;
mod kind;
pub mod scalar;
