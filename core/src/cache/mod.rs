//! What is remembered of tokens: facts with a lifetime, never verdicts.
//!
//! Two levels. [`LocalCache`] belongs to one worker and answers without a host call; [`SharedCache`] is in the shared
//! data of the process and spares a worker the question that another one has asked, or is asking right now. Both are
//! bounded by [`CacheSettings::entries`] alone, and both keep negative answers apart from good ones, so that no flood of
//! bad tokens pushes a good one out. Time is an argument everywhere.

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
