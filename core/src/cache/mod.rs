//! What is remembered of tokens: facts with a lifetime, never verdicts.
//!
//! Two levels. [`KnownTokens`] belongs to one worker and answers without a host call; [`Slots`] lies in the shared
//! data of the process and spares a worker the question that another one has asked, or is asking right now. Both are
//! bounded by [`Settings::entries`] alone, and both keep negative answers apart from good ones, so that no flood of bad
//! tokens pushes a good one out. Time is an argument everywhere.

pub mod cache_control;
pub mod codec;
pub mod digest;
pub mod entry;
pub mod known;
pub mod slots;
pub mod ttl;

mod area;
mod place;
mod set;

pub use cache_control::CacheControl;
pub use digest::{Digest, TokenNames};
pub use entry::{Freshness, Remembered};
pub use known::{Hit, KnownTokens};
pub use place::is_on;
pub use slots::{Role, Seen, Slots};
pub use ttl::{Lifetime, Settings};

#[cfg(test)]
mod samples;
