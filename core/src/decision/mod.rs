//! What may pass: which rule a request falls under, and whether what is known of its token satisfies it.
//!
//! Pure: no clock, no IO. Cached answers come through here exactly as fresh ones do.

pub mod claims;
pub mod decide;
pub mod escapes;
pub mod hosts;
pub mod methods;
pub mod paths;
pub mod policy;
pub mod scopes;
