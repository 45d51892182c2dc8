//! The cache: facts about tokens, with a lifetime; never verdicts.
//!
//! It has two levels. [`LocalCache`] belongs to one worker and answers without a host call. [`SharedCache`] is in
//! the process's shared data, and saves a worker the introspection that another one has made or is making. Both are
//! bounded by [`CacheSettings::entries`] alone, and both store negative answers apart from good ones, so that a
//! flood of bad tokens evicts no good one. Time is an argument everywhere.

pub mod cache_control;
pub mod codec;
pub mod entry;
pub mod lifetime;
pub mod local;
pub mod settings;
pub mod shared;

mod bucket;
mod claim;
mod ttl;

pub use cache_control::CacheControl;
pub use claim::is_held;
pub use entry::Remembered;
pub use lifetime::{Freshness, Lifetime};
pub use local::{Hit, LocalCache};
pub use settings::CacheSettings;
pub use shared::{BucketSnapshot, Role, SharedCache};

#[cfg(test)]
mod samples;
