//! JWTs and proofs of the tests' own keys.

use super::NOW;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub struct Signer(EcdsaKeyPair);

impl Signer {
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"crv": "P-256", "kty": "EC", "x": text(&point[1..33]), "y": text(&point[33..65])})
    }

    pub fn key_set(&self) -> Value {
        json!({"keys": [self.jwk()]})
    }

    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let mut whole = json!({"alg": "ES256"});
        super::merge(&mut whole, header.clone());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&whole), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// That a token is bound to this key.
pub fn bound(signer: &Signer) -> Value {
    json!({"cnf": {"jkt": URL_SAFE_NO_PAD.encode(digest(&SHA256, signer.jwk().to_string().as_bytes()))}})
}

/// A proof for the request of the tests.
pub fn proof(signer: &Signer, token: &str, further: &Value) -> String {
    let mut claims = json!({
        "htm": "GET", "htu": "https://api.example.com/orders/1", "iat": NOW, "jti": "proof-1",
        "ath": URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())),
    });
    super::merge(&mut claims, further.clone());
    signer.token(&json!({"typ": "dpop+jwt", "jwk": signer.jwk()}), &claims)
}
