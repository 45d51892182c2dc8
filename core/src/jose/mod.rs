//! JSON Object Signing and Encryption, as far as signatures go: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (JWA).

pub mod algorithm;
pub mod base64url;
pub mod compact;
pub mod curve;
pub mod jwk;
pub mod jwk_set;
pub mod key_error;
mod material;
mod members;
mod native;
mod p521;
pub mod sign;
pub mod verify;

#[cfg(test)]
mod tests;
