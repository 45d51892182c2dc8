//! What keeps a text from being used as a private key, and what to do about it.

use super::algorithm::PrivateKeyKind;
use std::fmt;

/// Sizes of an RSA modulus in bits.
pub(super) const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Why a text cannot be used as a private key. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyError {
    /// Neither PEM nor a JSON object.
    Neither,
    /// PEM that does not decode.
    Pem,
    /// PEM of a format from before PKCS #8.
    OldFormat,
    Encrypted,
    /// PEM of something else.
    NotPrivate,
    /// It is no PKCS #8, or of an algorithm that is not known.
    Der,
    /// A JSON object that is no private key: this member is missing, or has no usable value.
    Member(&'static str),
    /// A JWK that must not be used for this: this member says so.
    Purpose(&'static str),
    WrongKind {
        found: PrivateKeyKind,
        wanted: PrivateKeyKind,
    },
    RsaBits(usize),
    /// The numbers are not those of a key, or its halves do not belong together.
    Unsound,
}

impl fmt::Display for PrivateKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Neither => f.write_str(
                "must be a private key: PEM that begins with \"-----BEGIN PRIVATE KEY-----\", or a JWK (a JSON object)",
            ),
            Self::Pem => f.write_str("is not sound PEM; are its line breaks still there?"),
            Self::OldFormat => {
                f.write_str("is not PKCS #8; `openssl pkcs8 -topk8 -nocrypt -in old.pem -out new.pem` makes it so")
            }
            Self::Encrypted => {
                f.write_str("is encrypted; `openssl pkcs8 -in encrypted.pem -out plain.pem` takes the password off")
            }
            Self::NotPrivate => f.write_str("is PEM of something other than a private key"),
            Self::Der => f.write_str("is not PKCS #8 with an RSA, P-256, P-384, P-521 or Ed25519 key"),
            Self::Member(name) => {
                write!(f, "is not the JWK of a private key: \"{name}\" is missing or has no usable value")
            }
            Self::Purpose(name) => write!(f, "is a JWK for another purpose: so says its \"{name}\""),
            Self::WrongKind { found, wanted } => write!(f, "is {found}, but \"algorithm\" needs {wanted}"),
            Self::RsaBits(bits) => {
                write!(f, "is an RSA key of {bits} bits; use one of {} to {} bits", RSA_BITS.start(), RSA_BITS.end())
            }
            Self::Unsound => f.write_str("is not sound: it is damaged, or its halves do not belong together"),
        }
    }
}
