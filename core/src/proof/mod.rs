//! Proof of possession: that whoever sends a bound token has the key that it is bound to (RFC 9449, RFC 8705).

pub mod certificate;
pub mod replay;
pub mod target;
