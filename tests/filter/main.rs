//! The filter on a fake host: the unmodified SDK over the code that ships, one file per behaviour.

#[path = "../host/mod.rs"]
mod host;
