//! JWT access tokens that are verified here (RFC 9068, and what servers issued before it).

pub mod access_token;
pub mod settings;
