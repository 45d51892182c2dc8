//! The asymmetric signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1). `none` and HMAC are not among them.

use crate::port::SignatureHash;

/// A value of `alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The algorithm of that name, which has case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The hash that is signed. `EdDSA` with Ed25519 has SHA-512 within.
    pub const fn hash(self) -> SignatureHash {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => SignatureHash::Sha256,
            Self::Rs384 | Self::Ps384 | Self::Es384 => SignatureHash::Sha384,
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::EdDsa => SignatureHash::Sha512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_own_name_only() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
            assert_eq!(Algorithm::named(&algorithm.name().to_ascii_lowercase()), None);
        }
        for other in ["none", "HS256", "ES256K", "Ed25519", ""] {
            assert_eq!(Algorithm::named(other), None, "{other}");
        }
    }
}
