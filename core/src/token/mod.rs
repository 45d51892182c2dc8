//! The access token: where it is, what it looks like, what is known of it.

pub mod bearer;
pub mod claim;
pub mod credential;
pub mod digest;
pub mod extract;
pub mod facts;
pub mod issuer;
