//! Which API and which of its rules a request matches.

pub mod api;
pub mod claims;
pub mod escapes;
pub mod hosts;
pub mod methods;
pub mod paths;
pub mod resource;
pub mod resource_metadata;
pub mod rule;
pub mod scopes;
pub mod selection;
pub mod upstream;
