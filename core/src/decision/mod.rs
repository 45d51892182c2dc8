//! Whether what is known of a request's token satisfies the rule it falls under.
//!
//! Pure: no clock, no IO. Cached answers come through here exactly as fresh ones do.

pub mod decide;
