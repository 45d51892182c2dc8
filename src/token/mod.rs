//! The access token: where it is, what it looks like, what is known of it.

pub mod facts;
