//! Token introspection (RFC 7662): asking the authorization server, and reading its answer strictly.

pub mod request;
pub mod response;
pub mod signed;
