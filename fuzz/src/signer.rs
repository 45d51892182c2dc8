//! One Ed25519 key, always the same, so that an input means the same whenever it is run.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed")
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    base64url(digest(&SHA256, bytes.as_ref()))
}

/// The public key (RFC 8037 §2).
pub fn jwk() -> Value {
    json!({"crv": "Ed25519", "kty": "OKP", "x": base64url(pair().public_key())})
}

/// RFC 7638: its members are in this order already.
pub fn thumbprint() -> String {
    sha256(jwk().to_string())
}

/// A compact JWS of these bytes, whatever they are.
pub fn sign(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", base64url(header), base64url(payload));
    let signature = base64url(pair().sign(input.as_bytes()));
    format!("{input}.{signature}")
}
