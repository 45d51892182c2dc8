//! A key by which a test signs tokens.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tessera_core::jose::base64url;

/// The year 2100.
pub const LATER: u64 = 4_102_444_800;

pub struct Key(EcdsaKeyPair);

impl Key {
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn jwk(&self, id: &str) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = (base64url::encode(&point[1..33]), base64url::encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "kid": id, "x": x, "y": y})
    }

    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
        self.signed(&format!("{}.{}", part(header), part(claims)))
    }

    pub fn signed(&self, text: &str) -> String {
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", base64url::encode(signature.as_ref()))
    }
}
