//! What is remembered of tokens: facts with a lifetime, never verdicts.
//!
//! Two levels. [`LocalCache`] belongs to one worker and answers without a host call; [`SharedCache`] lies in the shared
//! data of the process and spares a worker the question that another one has asked, or is asking right now. Both are
//! bounded by [`Settings::entries`] alone, and both keep negative answers apart from good ones, so that no flood of bad
//! tokens pushes a good one out. Time is an argument everywhere.

pub mod cache_control;
pub mod codec;
pub mod digest;
pub mod entry;
pub mod local;
pub mod shared;
pub mod ttl;

mod bucket;
mod claim;

pub use cache_control::CacheControl;
pub use claim::is_on;
pub use digest::{Digest, TokenNames};
pub use entry::{Freshness, Remembered};
pub use local::{Hit, LocalCache};
pub use shared::{Role, Seen, SharedCache};
pub use ttl::{Lifetime, Settings};

#[cfg(test)]
mod samples;
