//! Token introspection (RFC 7662): asking the authorization server, and reading its answer strictly.

pub mod claims;
pub mod json;
mod kind;
pub mod members;
pub mod request;
pub mod response;
