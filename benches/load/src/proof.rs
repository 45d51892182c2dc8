//! DPoP proofs (RFC 9449 §4.2), each with a `jti` of its own, signed with ES256.

use crate::authorization_server::unix_time;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

/// The host that every request of the load generator names, behind a listener without TLS.
pub const ORIGIN: &str = "http://api.example.com";

/// A client that proves possession of its key.
pub struct Prover {
    key: EcdsaKeyPair,
    random: SystemRandom,
    /// In base64url already: it is the same in each proof.
    header: String,
}

impl Prover {
    /// With the P-256 key in this file: DER, PKCS #8.
    pub fn load(path: &str) -> Result<Self, String> {
        let der = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random)
            .map_err(|error| format!("{path}: {error}"))?;
        let (x, y) = key.public_key().as_ref().get(1..).unwrap_or_default().split_at(32);
        let jwk = json!({"crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y)});
        let header = base64url(json!({"alg": "ES256", "jwk": jwk, "typ": "dpop+jwt"}).to_string());
        Ok(Self { key, random, header })
    }

    /// A new proof for one GET of this path with this token.
    pub fn prove(&self, token: &str, path: &str) -> Result<String, String> {
        let mut id = [0; 16];
        self.random.fill(&mut id).map_err(|error| format!("random bytes: {error}"))?;
        let claims = json!({
            "ath": base64url(digest(&SHA256, token.as_bytes())), "htm": "GET", "htu": format!("{ORIGIN}{path}"),
            "iat": unix_time().as_secs(), "jti": base64url(id),
        });
        let signed = format!("{}.{}", self.header, base64url(claims.to_string()));
        let signature =
            self.key.sign(&self.random, signed.as_bytes()).map_err(|error| format!("signature: {error}"))?;
        Ok(format!("{signed}.{}", base64url(signature)))
    }
}

/// Proofs for one token and one path, signed ahead: a client that signs takes time in which the proxy would have to wait.
pub struct Proofs<'a> {
    prover: Prover,
    token: &'a str,
    path: &'a str,
    ready: Vec<String>,
}

impl<'a> Proofs<'a> {
    /// More requests than any proxy answers in a turn, if it verifies a proof for each; and so few that none gets old
    /// where it answers more: while it warms up.
    const AHEAD: usize = 1000;

    /// The first of them are signed here, before the turn.
    pub fn new(prover: Prover, token: &'a str, path: &'a str) -> Result<Self, String> {
        let mut proofs = Self { prover, token, path, ready: Vec::new() };
        proofs.sign()?;
        Ok(proofs)
    }

    /// One that no request has shown yet; `None` if signing fails.
    pub fn next(&mut self) -> Option<String> {
        if self.ready.is_empty() {
            self.sign().ok()?;
        }
        self.ready.pop()
    }

    fn sign(&mut self) -> Result<(), String> {
        for _ in 0..Self::AHEAD {
            self.ready.push(self.prover.prove(self.token, self.path)?);
        }
        Ok(())
    }
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn prover() -> Prover {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("proof-{}-{number}.der", std::process::id()));
        std::fs::write(&path, key).unwrap();
        let prover = Prover::load(path.to_str().unwrap()).unwrap();
        std::fs::remove_file(path).unwrap();
        prover
    }

    #[test]
    fn there_are_always_more() {
        let mut proofs = Proofs::new(prover(), "t", "/orders/1").unwrap();
        let seen: HashSet<String> = (0..Proofs::AHEAD + 2).map(|_| proofs.next().unwrap()).collect();
        assert_eq!(seen.len(), Proofs::AHEAD + 2);
    }

    #[test]
    fn a_proof_is_signed_and_never_the_same() {
        let prover = prover();
        let mut seen = HashSet::new();
        for _ in 0..10 {
            let proof = prover.prove("t", "/orders/1").unwrap();
            let [header, claims, signature] = proof.split('.').collect::<Vec<_>>().try_into().unwrap();
            let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
            let claims: Value = serde_json::from_slice(&decoded(claims)).unwrap();
            assert_eq!(claims["htu"], "http://api.example.com/orders/1");
            assert!(seen.insert(claims["jti"].to_string()));
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, prover.key.public_key().as_ref());
            let signed = proof.rsplit_once('.').unwrap().0.as_bytes();
            key.verify(signed, &decoded(signature)).unwrap();
            let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
            assert_eq!((&header["jwk"]["kty"], &header["jwk"]["d"]), (&json!("EC"), &Value::Null));
        }
    }
}
