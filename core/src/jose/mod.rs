//! JSON Object Signing and Encryption, as far as signatures go: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (JWA).

pub mod algorithm;
pub mod sign;
