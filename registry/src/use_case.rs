//! What the registry does, one file for each kind of thing, on whatever store, clock and randomness it is given.

pub mod apis;
pub mod audit;
pub mod context;
pub mod documents;
pub mod environments;
pub mod feed;
pub mod feed_store;
pub mod gateway_tokens;
pub mod gateways;
pub mod groups;
pub mod keeping;
pub mod me;
pub mod organisations;
pub mod permission;
pub mod ports;
pub mod providers;
pub mod record;
pub mod refused;
pub mod registry_tokens;
pub mod shown;
pub mod store;
pub mod tables;
pub mod tiers;
pub mod tree;
