//! Keys and signatures as hosts take them: in DER.

use super::curve::EcCurve;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Encode};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};

pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// An RSA key as SubjectPublicKeyInfo (RFC 8017 §A.1.1).
pub(super) fn rsa_key(n: &[u8], e: &[u8]) -> Option<Box<[u8]>> {
    subject_public_key_info(RSA, AnyRef::NULL, &two_numbers(n, e)?)
}

/// An uncompressed point as SubjectPublicKeyInfo (RFC 5480 §2).
pub(super) fn ec_key(curve: EcCurve, point: &[u8]) -> Option<Box<[u8]>> {
    subject_public_key_info(EC, AnyRef::from(&curve.oid()), point)
}

/// An ECDSA signature of a JWS (RFC 7518 §3.4) as ECDSA-Sig-Value (RFC 3279 §2.2.3); `None` when it has another length.
/// Whether its numbers are in range the host sees.
pub(super) fn ecdsa_signature(curve: EcCurve, signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(curve.size())?;
    if s.len() == r.len() { two_numbers(r, s) } else { None }
}

/// The other way about, strictly; `None` when it is not DER of two numbers that fit the curve.
pub(super) fn jws_signature(curve: EcCurve, signature: &[u8]) -> Option<Vec<u8>> {
    let numbers = Vec::<UintRef<'_>>::from_der(signature).ok()?;
    let [r, s] = *numbers else { return None };
    let mut joined = Vec::with_capacity(2 * curve.size());
    for number in [r.as_bytes(), s.as_bytes()] {
        if number.iter().all(|byte| *byte == 0) {
            return None;
        }
        joined.resize(joined.len() + curve.size().checked_sub(number.len())?, 0);
        joined.extend_from_slice(number);
    }
    Some(joined)
}

fn subject_public_key_info(oid: ObjectIdentifier, parameters: AnyRef<'_>, key: &[u8]) -> Option<Box<[u8]>> {
    let subject_public_key = BitStringRef::from_bytes(key).ok()?;
    let algorithm = AlgorithmIdentifier { oid, parameters: Some(parameters) };
    Some(SubjectPublicKeyInfo { algorithm, subject_public_key }.to_der().ok()?.into())
}

/// A sequence of two numbers that are not negative, whatever zeros are before them.
fn two_numbers(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    vec![UintRef::new(one).ok()?, UintRef::new(other).ok()?].to_der().ok()
}
