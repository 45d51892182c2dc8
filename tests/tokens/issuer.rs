//! An issuer with its keys.

use super::key::{KeyKind, KeyPair};
use super::merged;
use serde_json::{Value, json};

/// Signs with the last of its keys that fits, and shows all of them in its JWK Set.
pub struct Issuer {
    /// `iss`.
    pub identifier: String,
    /// Seconds since the epoch: `iat`.
    pub now: u64,
    pub keys: Vec<KeyPair>,
}

impl Issuer {
    /// With one new key of each of these kinds.
    pub fn new(identifier: &str, now: u64, kinds: &[KeyKind]) -> Self {
        let keys = kinds.iter().map(|kind| KeyPair::generate(*kind)).collect();
        Self { identifier: identifier.to_owned(), now, keys }
    }

    /// The key that signs with this algorithm now.
    pub fn key(&self, algorithm: &str) -> &KeyPair {
        let kind = KeyKind::of(algorithm);
        self.keys.iter().rfind(|key| key.kind == kind).unwrap_or_else(|| panic!("no key for {algorithm}"))
    }

    /// The JWK Set (RFC 7517 §5).
    pub fn jwks(&self) -> Value {
        json!({"keys": self.keys.iter().map(KeyPair::jwk).collect::<Vec<_>>()})
    }

    /// A new key of this kind signs from now on; the others stay in the set.
    pub fn rotate(&mut self, kind: KeyKind) -> &KeyPair {
        self.keys.push(KeyPair::generate(kind));
        self.keys.last().expect("a key")
    }

    /// Takes all keys but the last of each kind out of the set.
    pub fn drop_old_keys(&mut self) {
        let mut newest: Vec<KeyPair> = Vec::new();
        for key in std::mem::take(&mut self.keys) {
            newest.retain(|other| other.kind != key.kind);
            newest.push(key);
        }
        self.keys = newest;
    }

    /// An access token (RFC 9068) of the client `portal`, good for ten minutes, with these claims besides.
    pub fn token(&self, algorithm: &str, claims: Value) -> String {
        self.token_with(algorithm, json!({}), claims)
    }

    /// As [`Issuer::token`], with these members in the header besides.
    pub fn token_with(&self, algorithm: &str, header: Value, claims: Value) -> String {
        let key = self.key(algorithm);
        let usual = json!({"alg": algorithm, "typ": "at+jwt", "kid": key.key_id});
        key.jws(&merged(usual, header), &self.claims(claims))
    }

    /// The claims of [`Issuer::token`].
    pub fn claims(&self, further: Value) -> Value {
        let usual = json!({
            "iss": self.identifier, "sub": "portal", "client_id": "portal", "aud": "https://api.example.com",
            "iat": self.now, "exp": self.now + 600, "jti": "token-1",
        });
        merged(usual, further)
    }

    /// A signed answer (RFC 9701 §5) to `audience`, saying this of the token.
    pub fn introspection(&self, algorithm: &str, audience: &str, said: Value) -> String {
        self.introspection_with(algorithm, json!({}), json!({"aud": audience, "token_introspection": said}))
    }

    /// As [`Issuer::introspection`], with other members in the header and at the top of the payload.
    pub fn introspection_with(&self, algorithm: &str, header: Value, payload: Value) -> String {
        let key = self.key(algorithm);
        let usual = json!({"alg": algorithm, "typ": "token-introspection+jwt", "kid": key.key_id});
        let claims = json!({"iss": self.identifier, "iat": self.now});
        key.jws(&merged(usual, header), &merged(claims, payload))
    }
}
