//! The numbers of a public key (RFC 7518 §6, RFC 8037 §2), checked and made ready for the module and for the host.

use super::algorithm::Algorithm;
use super::base64url;
use super::curve::EcCurve;
use super::key_error::KeyError;
use super::native;
use crate::base::json::{Object, UnusableMember};
use p256::elliptic_curve::point::AffineCoordinates;
use rsa::BoxedUint;
use sha2::{Digest, Sha256};

/// A public key in the forms that it is needed in.
#[derive(Clone)]
pub(super) struct PublicMaterial {
    pub(super) module: VerifyingKey,
    /// For the host; empty where it does not know such keys.
    pub(super) native: Box<[u8]>,
    /// RFC 7638.
    pub(super) thumbprint: [u8; 32],
}

/// What the module verifies with.
#[derive(Clone)]
pub(super) enum VerifyingKey {
    Rsa(rsa::PublicKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    /// Only the host verifies with it.
    P521,
    Ed25519(ed25519_dalek::VerifyingKey),
}

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

impl PublicMaterial {
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
        let numbers = (BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e));
        let key = rsa::PublicKey::new_with_size_limits(numbers.0, numbers.1, RSA_BITS);
        Ok(Self {
            module: VerifyingKey::Rsa(key.map_err(|_| KeyError::RsaModulus)?),
            native: native::rsa_key(n, e).ok_or(KeyError::RsaModulus)?,
            thumbprint: thumbprint(&[("e", &base64url::encode(e)), ("kty", "RSA"), ("n", &base64url::encode(n))]),
        })
    }

    fn ec(jwk: &Object<'_>) -> Result<Self, KeyError> {
        let curve = jwk.text("crv")?.and_then(EcCurve::named).ok_or(KeyError::UnknownKind)?;
        let coordinate = |name| match bytes(jwk, name) {
            Ok(bytes) if bytes.len() != curve.size() => Err(KeyError::Member(UnusableMember(name))),
            read => read,
        };
        let (x, y) = (coordinate("x")?, coordinate("y")?);
        // Uncompressed (SEC 1 §2.3.3).
        let point = [&[4], &x[..], &y[..]].concat();
        let module = match curve {
            EcCurve::P256 => p256_key(&x, &y).map(VerifyingKey::P256),
            EcCurve::P384 => p384_key(&x, &y).map(VerifyingKey::P384),
            EcCurve::P521 => super::p521::is_point(&x, &y).then_some(VerifyingKey::P521),
        };
        let (x, y) = (base64url::encode(&x), base64url::encode(&y));
        Ok(Self {
            module: module.ok_or(KeyError::NotOnCurve)?,
            native: native::ec_key(curve, &point).ok_or(KeyError::NotOnCurve)?,
            thumbprint: thumbprint(&[("crv", curve.name()), ("kty", "EC"), ("x", &x), ("y", &y)]),
        })
    }

    fn okp(jwk: &Object<'_>) -> Result<Self, KeyError> {
        if jwk.text("crv")? != Some("Ed25519") {
            return Err(KeyError::UnknownKind);
        }
        let x = bytes(jwk, "x")?.try_into().map_err(|_| KeyError::Member(UnusableMember("x")))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&x).map_err(|_| KeyError::NotOnCurve)?;
        // Of a number too large there is a second form (RFC 8032 §5.1.3).
        if key.to_edwards().compress().to_bytes() != x {
            return Err(KeyError::NotOnCurve);
        }
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        let thumbprint = thumbprint(&[("crv", "Ed25519"), ("kty", "OKP"), ("x", &base64url::encode(&x))]);
        Ok(Self { module: VerifyingKey::Ed25519(key), native: Box::default(), thumbprint })
    }

    /// Whether such keys are what the algorithm takes (RFC 7518 §3.1, RFC 8037 §3.1).
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm as A;
        match self.module {
            VerifyingKey::Rsa(_) => {
                matches!(algorithm, A::Rs256 | A::Rs384 | A::Rs512 | A::Ps256 | A::Ps384 | A::Ps512)
            }
            VerifyingKey::P256(_) => algorithm == A::Es256,
            VerifyingKey::P384(_) => algorithm == A::Es384,
            VerifyingKey::P521 => algorithm == A::Es512,
            VerifyingKey::Ed25519(_) => algorithm == A::EdDsa,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.module {
            VerifyingKey::Rsa(_) => "RSA",
            VerifyingKey::P256(_) => EcCurve::P256.name(),
            VerifyingKey::P384(_) => EcCurve::P384.name(),
            VerifyingKey::P521 => EcCurve::P521.name(),
            VerifyingKey::Ed25519(_) => "Ed25519",
        }
    }
}

/// By its coordinates: reading a point in its encoded forms would make the module 20 KB larger.
fn p256_key(x: &[u8], y: &[u8]) -> Option<p256::ecdsa::VerifyingKey> {
    let point = p256::AffinePoint::from_coordinates(&x.try_into().ok()?, &y.try_into().ok()?);
    p256::ecdsa::VerifyingKey::from_affine(point.into_option()?).ok()
}

fn p384_key(x: &[u8], y: &[u8]) -> Option<p384::ecdsa::VerifyingKey> {
    let point = p384::AffinePoint::from_coordinates(&x.try_into().ok()?, &y.try_into().ok()?);
    p384::ecdsa::VerifyingKey::from_affine(point.into_option()?).ok()
}

fn bytes(jwk: &Object<'_>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    jwk.text(name)?.and_then(base64url::decode).ok_or(KeyError::Member(UnusableMember(name)))
}

/// Some put a zero before a number (RFC 7518 §6.3.1.1 warns of them).
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Over these members, which stand in the order of their names and need no escapes.
fn thumbprint(members: &[(&str, &str)]) -> [u8; 32] {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    Sha256::digest(format!("{{{}}}", members.join(","))).into()
}
