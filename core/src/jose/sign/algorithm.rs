//! The algorithms that something is signed with (RFC 7518 §3.1, RFC 8037 §3.1), and the keys that they need.

use crate::jose::algorithm::Algorithm;
use crate::jose::curve::EcCurve;
use crate::port::SignatureHash;
use std::fmt;

/// An algorithm that something is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    Hmac(SignatureHash),
    /// With PKCS #1 v1.5 padding.
    Rsa(SignatureHash),
    Ecdsa(EcCurve),
    EdDsa,
}

/// The kind of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyKind {
    Rsa,
    Ec(EcCurve),
    Ed25519,
}

impl SigningAlgorithm {
    /// All of them, by their names.
    pub const NAMED: [(&'static str, Self); 10] = [
        (Algorithm::Es256.name(), Self::Ecdsa(EcCurve::P256)),
        (Algorithm::Es384.name(), Self::Ecdsa(EcCurve::P384)),
        (Algorithm::Es512.name(), Self::Ecdsa(EcCurve::P521)),
        (Algorithm::EdDsa.name(), Self::EdDsa),
        (Algorithm::Rs256.name(), Self::Rsa(SignatureHash::Sha256)),
        (Algorithm::Rs384.name(), Self::Rsa(SignatureHash::Sha384)),
        (Algorithm::Rs512.name(), Self::Rsa(SignatureHash::Sha512)),
        ("HS256", Self::Hmac(SignatureHash::Sha256)),
        ("HS384", Self::Hmac(SignatureHash::Sha384)),
        ("HS512", Self::Hmac(SignatureHash::Sha512)),
    ];

    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }

    /// The private key that it needs; `None`: a secret.
    pub fn key_kind(self) -> Option<PrivateKeyKind> {
        match self {
            Self::Hmac(_) => None,
            Self::Rsa(_) => Some(PrivateKeyKind::Rsa),
            Self::Ecdsa(curve) => Some(PrivateKeyKind::Ec(curve)),
            Self::EdDsa => Some(PrivateKeyKind::Ed25519),
        }
    }

    /// How many bytes a secret must have at least (RFC 7518 §3.2).
    pub fn secret_bytes(self) -> usize {
        match self.hash() {
            SignatureHash::Sha256 => 32,
            SignatureHash::Sha384 => 48,
            SignatureHash::Sha512 => 64,
        }
    }

    pub(super) fn hash(self) -> SignatureHash {
        match self {
            Self::Hmac(hash) | Self::Rsa(hash) => hash,
            Self::Ecdsa(EcCurve::P256) => SignatureHash::Sha256,
            Self::Ecdsa(EcCurve::P384) => SignatureHash::Sha384,
            Self::Ecdsa(EcCurve::P521) | Self::EdDsa => SignatureHash::Sha512,
        }
    }
}

impl fmt::Display for PrivateKeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "an RSA key",
            Self::Ec(EcCurve::P256) => "a P-256 key",
            Self::Ec(EcCurve::P384) => "a P-384 key",
            Self::Ec(EcCurve::P521) => "a P-521 key",
            Self::Ed25519 => "an Ed25519 key",
        })
    }
}
