//! Why a JWK is no key for signatures.

use crate::base::json::UnusableMember;
use std::fmt;

/// Why a JWK is no key for signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// `kty` or `crv` is none of those known.
    UnknownKind,
    Symmetric,
    Private,
    /// `use`, `key_ops` or `alg` is for something else.
    NotForVerifying,
    Member(UnusableMember),
    /// Not 2048 to 4096 bits.
    RsaSize,
    /// Not 65537.
    RsaExponent,
    RsaModulus,
    NotOnCurve,
    /// Of small order: it would verify signatures that nobody made.
    Weak,
}

impl From<UnusableMember> for KeyError {
    fn from(member: UnusableMember) -> Self {
        Self::Member(member)
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownKind => "its kind is unknown",
            Self::Symmetric => "it is a symmetric key",
            Self::Private => "it is a private key",
            Self::NotForVerifying => "it is not for verifying signatures",
            Self::Member(member) => return member.fmt(f),
            Self::RsaSize => "an RSA key must have 2048 to 4096 bits",
            Self::RsaExponent => "the exponent of an RSA key must be 65537",
            Self::RsaModulus => "the modulus of an RSA key must be odd",
            Self::NotOnCurve => "it is no point of its curve",
            Self::Weak => "it is a point of small order",
        })
    }
}
