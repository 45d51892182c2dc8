//! A public key, checked and made ready for the module and for the host.

use super::algorithm::Algorithm;
use super::curve::EcCurve;
use super::key_error::KeyError;
use super::members::{KeyMembers, RSA_BITS};
use super::native;
use p256::elliptic_curve::point::AffineCoordinates;
use rsa::BoxedUint;

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

impl PublicMaterial {
    /// # Errors
    /// [`KeyError`] when there is no such key.
    pub(super) fn new(members: &KeyMembers) -> Result<Self, KeyError> {
        let (module, native) = match members {
            KeyMembers::Rsa { n, e } => rsa(n, e)?,
            KeyMembers::Ec { curve, x, y } => ec(*curve, x, y).ok_or(KeyError::NotOnCurve)?,
            KeyMembers::Ed25519 { x } => (VerifyingKey::Ed25519(ed25519(x)?), Box::default()),
        };
        Ok(Self { module, native, thumbprint: members.thumbprint() })
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

fn rsa(n: &[u8], e: &[u8]) -> Result<(VerifyingKey, Box<[u8]>), KeyError> {
    let numbers = (BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e));
    let key = rsa::PublicKey::new_with_size_limits(numbers.0, numbers.1, RSA_BITS);
    let key = key.map_err(|_| KeyError::RsaModulus)?;
    Ok((VerifyingKey::Rsa(key), native::rsa_key(n, e).ok_or(KeyError::RsaModulus)?))
}

/// `None` when it is no point of the curve.
fn ec(curve: EcCurve, x: &[u8], y: &[u8]) -> Option<(VerifyingKey, Box<[u8]>)> {
    let module = match curve {
        EcCurve::P256 => VerifyingKey::P256(p256_key(x, y)?),
        EcCurve::P384 => VerifyingKey::P384(p384_key(x, y)?),
        EcCurve::P521 => super::p521::is_point(x, y).then_some(VerifyingKey::P521)?,
    };
    // Uncompressed (SEC 1 §2.3.3).
    Some((module, native::ec_key(curve, &[&[4], x, y].concat())?))
}

fn ed25519(x: &[u8; 32]) -> Result<ed25519_dalek::VerifyingKey, KeyError> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(x).map_err(|_| KeyError::NotOnCurve)?;
    // Of a number too large there is a second form (RFC 8032 §5.1.3).
    if key.to_edwards().compress().to_bytes() != *x {
        return Err(KeyError::NotOnCurve);
    }
    if key.is_weak() { Err(KeyError::Weak) } else { Ok(key) }
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
