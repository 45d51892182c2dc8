//! A key pair of each kind, and what it signs.

use super::{base64url, sha256};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with 2048 bits.
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

impl KeyKind {
    pub const ALL: [Self; 5] = [Self::Rsa, Self::P256, Self::P384, Self::P521, Self::Ed25519];

    /// The algorithms (RFC 7518 §3.1, RFC 8037) that such a key signs with; what it usually signs with is the first.
    pub const fn algorithms(self) -> &'static [&'static str] {
        match self {
            Self::Rsa => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            Self::P256 => &["ES256"],
            Self::P384 => &["ES384"],
            Self::P521 => &["ES512"],
            Self::Ed25519 => &["EdDSA"],
        }
    }

    /// The kind of key that signs with this algorithm.
    pub fn of(algorithm: &str) -> Self {
        let signs = |kind: &Self| kind.algorithms().contains(&algorithm);
        Self::ALL.into_iter().find(signs).unwrap_or_else(|| panic!("no key signs with {algorithm}"))
    }

    fn curve(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            _ => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        }
    }
}

/// Nobody else has it, nor its `kid`.
pub struct KeyPair {
    pub kind: KeyKind,
    pub key_id: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl KeyPair {
    pub fn generate(kind: KeyKind) -> Self {
        Self::of(kind, KeySize::Rsa2048)
    }

    /// An RSA key of another size.
    pub fn rsa(size: KeySize) -> Self {
        Self::of(KeyKind::Rsa, size)
    }

    /// A key for this algorithm.
    pub fn signing(algorithm: &str) -> Self {
        Self::generate(KeyKind::of(algorithm))
    }

    fn of(kind: KeyKind, size: KeySize) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let pair = match kind {
            KeyKind::Rsa => Pair::Rsa(RsaKeyPair::generate(size).expect("an RSA key")),
            KeyKind::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key")),
            _ => Pair::Ec(EcdsaKeyPair::generate(kind.curve()).expect("an EC key")),
        };
        Self { kind, key_id: format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed)), pair }
    }

    /// The public key, for a JWK Set.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.bare_jwk();
        jwk["kid"] = json!(self.key_id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The members that a thumbprint is over (RFC 7638 §3.2, RFC 8037 §2), and no others.
    pub fn bare_jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let [modulus, exponent] = integers(pair.public_key().as_ref());
                json!({"kty": "RSA", "n": base64url(modulus), "e": base64url(exponent)})
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref().get(1..).expect("an uncompressed point");
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.kind {
                    KeyKind::P384 => "P-384",
                    KeyKind::P521 => "P-521",
                    _ => "P-256",
                };
                json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)})
            }
            Pair::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key())}),
        }
    }

    /// The private key as a JWK; of RSA keys there is none.
    pub fn private_jwk(&self) -> Value {
        let mut jwk = self.jwk();
        jwk["d"] = json!(match &self.pair {
            Pair::Rsa(_) => panic!("a private RSA key as a JWK"),
            Pair::Ec(pair) => {
                let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().expect("a private key");
                base64url(number.as_ref())
            }
            Pair::Ed25519(pair) => {
                let seed: Curve25519SeedBin<'_> = pair.seed().expect("a seed").as_be_bytes().expect("a private key");
                base64url(seed.as_ref())
            }
        });
        jwk
    }

    /// RFC 7638, with SHA-256, in base64url: `jkt`.
    pub fn thumbprint(&self) -> String {
        // In this order of members, and serde_json sorts them.
        sha256(self.bare_jwk().to_string())
    }

    /// The public key as a DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        let der = match &self.pair {
            Pair::Rsa(pair) => AsDer::<PublicKeyX509Der>::as_der(pair.public_key()),
            Pair::Ec(pair) => AsDer::<PublicKeyX509Der>::as_der(pair.public_key()),
            Pair::Ed25519(pair) => AsDer::<PublicKeyX509Der>::as_der(pair.public_key()),
        };
        der.expect("a public key in DER").as_ref().to_vec()
    }

    /// The private key as DER PKCS #8.
    pub fn pkcs8(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der>::as_der(pair).expect("a key in DER").as_ref().to_vec(),
            Pair::Ec(pair) => pair.to_pkcs8v1().expect("a key in DER").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1().expect("a key in DER").as_ref().to_vec(),
        }
    }

    /// The private key in PEM (RFC 7468 §10).
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(self.pkcs8());
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
    }

    /// A JWS of these, signed with the header's `alg` if that is for such a key, else as the key usually signs.
    pub fn jws(&self, header: &Value, payload: &Value) -> String {
        let algorithm = header["alg"].as_str().filter(|name| self.kind.algorithms().contains(name));
        let algorithm = algorithm.unwrap_or_else(|| self.usual_algorithm());
        self.jws_of(algorithm, header.to_string(), payload.to_string())
    }

    /// A JWS of these bytes, whatever they are.
    pub fn jws_of(&self, algorithm: &str, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", base64url(header), base64url(payload));
        let signature = base64url(self.sign(algorithm, input.as_bytes()));
        format!("{input}.{signature}")
    }

    pub fn usual_algorithm(&self) -> &'static str {
        self.kind.algorithms().first().expect("an algorithm")
    }

    /// The signature as JWS has it (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
    pub fn sign(&self, algorithm: &str, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &dyn signature::RsaEncoding = match algorithm {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    other => panic!("an RSA key does not sign with {other}"),
                };
                let mut made = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, text, &mut made).expect("a signature");
                made
            }
            Pair::Ec(pair) => pair.sign(&random, text).expect("a signature").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(text).as_ref().to_vec(),
        }
    }
}

/// Modulus and exponent of a DER RSAPublicKey (RFC 8017 §A.1.1), without leading zeros.
fn integers(der: &[u8]) -> [&[u8]; 2] {
    let (inside, _) = element(der);
    let (modulus, rest) = element(inside);
    let (exponent, _) = element(rest);
    [modulus, exponent].map(|bytes| bytes.strip_prefix(&[0]).unwrap_or(bytes))
}

/// The content of the first DER element, and what is behind it.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, from) = match der {
        [_, 0x81, length, ..] => (usize::from(*length), 3),
        [_, 0x82, high, low, ..] => (usize::from(*high) << 8 | usize::from(*low), 4),
        [_, length, ..] => (usize::from(*length), 2),
        _ => panic!("a DER element"),
    };
    der.get(from..).expect("a DER element").split_at(length)
}
