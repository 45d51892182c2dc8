//! What the registry does, one file for each kind of thing, on whatever store, clock and randomness it is given.

pub mod audit;
pub mod context;
pub mod feed;
pub mod feed_store;
pub mod permission;
pub mod ports;
pub mod record;
pub mod refused;
pub mod shown;
pub mod store;
pub mod tables;
