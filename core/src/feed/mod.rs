//! A polled document, whatever it holds: who polls, when, and what is asked for.

pub mod lease;
