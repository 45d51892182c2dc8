//! Whether a token's facts satisfy the rule that its request matches.
//!
//! Pure: no clock, no IO. Cached answers are judged exactly as fresh ones are.

pub mod decide;
