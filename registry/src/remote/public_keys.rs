//! Keys that a probe registers a client with.

use aws_lc_rs::signature::{self, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tessera_core::jose::base64url;

/// A set with the public half of a new key of P-256, whose private half nobody has.
pub fn new_public_keys() -> Option<Value> {
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
    // 4, and both coordinates (SEC 1, 2.3.3).
    let point = pair.public_key().as_ref();
    let (x, y) = (base64url::encode(point.get(1..33)?), base64url::encode(point.get(33..65)?));
    Some(json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "probe", "x": x, "y": y}]}))
}
