//! The members of a public key (RFC 7518 §6, RFC 8037 §2): read and named, before anything is computed with them.

use super::base64url;
use super::curve::EcCurve;
use super::key_error::KeyError;
use crate::base::json::{Object, UnusableMember};
use sha2::{Digest, Sha256};

/// What makes a key the one that it is. Whether there is such a key is seen when it is made ready.
pub(super) enum KeyMembers {
    /// Without zeros before them.
    Rsa {
        n: Box<[u8]>,
        e: Box<[u8]>,
    },
    /// Coordinates, each of the curve's size.
    Ec {
        curve: EcCurve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        x: [u8; 32],
    },
}

/// Sizes of moduli.
pub(super) const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

impl KeyMembers {
    pub(super) fn read(jwk: &Object<'_>) -> Result<Self, KeyError> {
        match jwk.text("kty")? {
            Some("RSA") => Self::rsa(jwk),
            Some("EC") => Self::ec(jwk),
            Some("OKP") => Self::okp(jwk),
            _ => Err(KeyError::UnknownKind),
        }
    }

    fn rsa(jwk: &Object<'_>) -> Result<Self, KeyError> {
        let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
        let (n, e) = (without_zeros(&n), without_zeros(&e));
        if e != RSA_EXPONENT {
            return Err(KeyError::RsaExponent);
        }
        let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::RsaSize);
        }
        Ok(Self::Rsa { n: n.into(), e: e.into() })
    }

    fn ec(jwk: &Object<'_>) -> Result<Self, KeyError> {
        let curve = jwk.text("crv")?.and_then(EcCurve::named).ok_or(KeyError::UnknownKind)?;
        let coordinate = |name| match bytes(jwk, name) {
            Ok(bytes) if bytes.len() != curve.size() => Err(KeyError::Member(UnusableMember(name))),
            read => read,
        };
        Ok(Self::Ec { curve, x: coordinate("x")?, y: coordinate("y")? })
    }

    fn okp(jwk: &Object<'_>) -> Result<Self, KeyError> {
        if jwk.text("crv")? != Some("Ed25519") {
            return Err(KeyError::UnknownKind);
        }
        let x = bytes(jwk, "x")?.try_into().map_err(|_| KeyError::Member(UnusableMember("x")))?;
        Ok(Self::Ed25519 { x })
    }

    /// RFC 7638: over the required members, which stand in the order of their names and need no escapes.
    pub(super) fn thumbprint(&self) -> [u8; 32] {
        let encode = base64url::encode;
        let members = match self {
            Self::Rsa { n, e } => vec![("e", encode(e)), ("kty", "RSA".to_owned()), ("n", encode(n))],
            Self::Ec { curve, x, y } => {
                vec![("crv", curve.name().to_owned()), ("kty", "EC".to_owned()), ("x", encode(x)), ("y", encode(y))]
            }
            Self::Ed25519 { x } => {
                vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", encode(x))]
            }
        };
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        Sha256::digest(format!("{{{}}}", members.join(","))).into()
    }
}

fn bytes(jwk: &Object<'_>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    jwk.text(name)?.and_then(base64url::decode).ok_or(KeyError::Member(UnusableMember(name)))
}

/// Some put a zero before a number (RFC 7518 §6.3.1.1 warns of them).
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
