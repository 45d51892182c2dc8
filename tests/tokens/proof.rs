//! A DPoP proof (RFC 9449 §4.2).

use super::key::KeyPair;
use super::{merged, sha256};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// Each has a `jti` of its own, unless told otherwise.
#[derive(Clone)]
pub struct Proof<'k> {
    key: &'k KeyPair,
    header: Value,
    claims: Value,
}

impl<'k> Proof<'k> {
    /// For a request of this method to this URI, made at `now` seconds since the epoch.
    pub fn new(key: &'k KeyPair, method: &str, uri: &str, now: u64) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            key,
            header: json!({"alg": key.usual_algorithm(), "typ": "dpop+jwt", "jwk": key.bare_jwk()}),
            claims: json!({"htm": method, "htu": uri, "iat": now, "jti": format!("proof-{number}")}),
        }
    }

    /// Shown together with this access token.
    pub fn token(self, token: &str) -> Self {
        self.claim("ath", json!(sha256(token)))
    }

    /// Another value, or none if `null`, of a member of the header.
    pub fn header(self, name: &str, value: Value) -> Self {
        Self { header: merged(self.header, json!({ name: value })), ..self }
    }

    /// Another value, or none if `null`, of a claim.
    pub fn claim(self, name: &str, value: Value) -> Self {
        Self { claims: merged(self.claims, json!({ name: value })), ..self }
    }

    pub fn sign(&self) -> String {
        self.sign_with(self.key)
    }

    /// Signed by another key than the header's.
    pub fn sign_with(&self, key: &KeyPair) -> String {
        key.jws(&self.header, &self.claims)
    }
}
