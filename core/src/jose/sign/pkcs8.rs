//! PKCS #8 (RFC 5958 §2) in DER: what of a private key has to be known here, and how one is written.

use super::algorithm::{PrivateKeyKind, SigningAlgorithm};
use super::key_error::{PrivateKeyError, RSA_BITS};
use crate::jose::curve::EcCurve;
use crate::jose::native::{EC, ED25519, RSA};
use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};

/// How many numbers an RSA key consists of, with its version.
const RSA_NUMBERS: usize = 9;

/// The tags of optional public halves: of a P-256 key, of an Ed25519 key.
pub(super) const EXPLICIT_1: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };
const IMPLICIT_1: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(1) };

/// What the module itself needs of a key.
pub(super) enum KeyMaterial {
    /// A scalar, and the public half if it is given (SEC 1 §2.3.3).
    P256 {
        scalar: Box<[u8]>,
        public: Option<Box<[u8]>>,
    },
    Ed25519 {
        seed: [u8; 32],
        public: Option<Box<[u8]>>,
    },
    /// Only the host signs with it; the size of its modulus, and of its signatures, in bytes.
    Rsa(usize),
    /// Only the host signs with it.
    Foreign,
}

/// Reads a key for that algorithm.
pub(super) fn read(pkcs8: &[u8], algorithm: SigningAlgorithm) -> Result<KeyMaterial, PrivateKeyError> {
    let info = sequence(pkcs8).ok_or(PrivateKeyError::Der)?;
    let [_version, identifier, key, further @ ..] = info.as_slice() else { return Err(PrivateKeyError::Der) };
    let found = kind(identifier).ok_or(PrivateKeyError::Der)?;
    match algorithm.key_kind() {
        Some(wanted) if wanted != found => return Err(PrivateKeyError::WrongKind { found, wanted }),
        _ => {}
    }
    let key = octets(key).ok_or(PrivateKeyError::Der)?;
    match found {
        PrivateKeyKind::Rsa => match rsa_bits(key).ok_or(PrivateKeyError::Unsound)? {
            size if RSA_BITS.contains(&size) => Ok(KeyMaterial::Rsa(size.div_ceil(8))),
            size => Err(PrivateKeyError::RsaBits(size)),
        },
        PrivateKeyKind::Ec(EcCurve::P256) => p256(key).ok_or(PrivateKeyError::Unsound),
        PrivateKeyKind::Ec(EcCurve::P384 | EcCurve::P521) => Ok(KeyMaterial::Foreign),
        PrivateKeyKind::Ed25519 => ed25519(key, further).ok_or(PrivateKeyError::Unsound),
    }
}

fn kind(identifier: &AnyRef<'_>) -> Option<PrivateKeyKind> {
    let fields = elements(identifier, Tag::Sequence)?;
    let mut identifiers = fields.iter().map(|field| oid(field));
    match identifiers.next()?? {
        RSA => Some(PrivateKeyKind::Rsa),
        ED25519 => Some(PrivateKeyKind::Ed25519),
        EC => {
            let named = identifiers.next()??;
            EcCurve::ALL.into_iter().find(|curve| curve.oid() == named).map(PrivateKeyKind::Ec)
        }
        _ => None,
    }
}

/// The size of an RSA key of two primes (RFC 8017 §A.1.2). Its modulus comes behind the version.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let numbers = Vec::<UintRef<'_>>::from_der(key).ok()?;
    let modulus = numbers.get(1).filter(|_| numbers.len() == RSA_NUMBERS)?.as_bytes();
    Some(modulus.len() * 8 - modulus.first()?.leading_zeros() as usize)
}

/// RFC 5915 §3.
fn p256(key: &[u8]) -> Option<KeyMaterial> {
    let fields = sequence(key)?;
    let [_version, scalar, further @ ..] = fields.as_slice() else { return None };
    let public = match further.iter().find(|field| field.tag() == EXPLICIT_1) {
        Some(field) => Some(bits(&AnyRef::from_der(field.value()).ok()?, Tag::BitString)?.into()),
        None => None,
    };
    Some(KeyMaterial::P256 { scalar: octets(scalar)?.into(), public })
}

/// RFC 8410 §7. `further`: what follows the key in PKCS #8.
fn ed25519(key: &[u8], further: &[AnyRef<'_>]) -> Option<KeyMaterial> {
    let seed = octets(&AnyRef::from_der(key).ok()?)?.try_into().ok()?;
    let public = match further.iter().find(|field| field.tag() == IMPLICIT_1) {
        Some(field) => Some(bits(field, IMPLICIT_1)?.into()),
        None => None,
    };
    Some(KeyMaterial::Ed25519 { seed, public })
}

fn sequence(der: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    elements(&AnyRef::from_der(der).ok()?, Tag::Sequence)
}

fn octets<'a>(value: &AnyRef<'a>) -> Option<&'a [u8]> {
    (value.tag() == Tag::OctetString).then(|| value.value())
}

/// Of a bit string whose bits fill its bytes.
fn bits<'a>(value: &AnyRef<'a>, tag: Tag) -> Option<&'a [u8]> {
    value.value().strip_prefix(&[0]).filter(|_| value.tag() == tag)
}

fn oid(value: &AnyRef<'_>) -> Option<ObjectIdentifier> {
    ObjectIdentifier::from_bytes(value.value()).ok().filter(|_| value.tag() == Tag::ObjectIdentifier)
}

fn elements<'a>(value: &AnyRef<'a>, tag: Tag) -> Option<Vec<AnyRef<'a>>> {
    if value.tag() != tag {
        return None;
    }
    let mut reader = SliceReader::new(value.value()).ok()?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(AnyRef::decode(&mut reader).ok()?);
    }
    Some(elements)
}

/// A key of that algorithm, whose version says whether its public half is there.
pub(super) fn write(
    oid: ObjectIdentifier,
    parameters: &[u8],
    key: &[u8],
    public: Option<&[u8]>,
) -> Result<Vec<u8>, PrivateKeyError> {
    let version = tlv(Tag::Integer, &[u8::from(public.is_some())])?;
    let public = public.map_or(Ok(Vec::new()), |public| tlv(IMPLICIT_1, &[&[0], public].concat()))?;
    let algorithm = tlv(Tag::Sequence, &[&*tlv(Tag::ObjectIdentifier, oid.as_bytes())?, parameters].concat())?;
    tlv(Tag::Sequence, &[&*version, &algorithm, &tlv(Tag::OctetString, key)?, &public].concat())
}

/// A value in DER (X.690 §8.1).
pub(super) fn tlv(tag: Tag, value: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
    AnyRef::new(tag, value).and_then(|any| any.to_der()).map_err(|_| PrivateKeyError::Unsound)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of two primes, in DER, whose modulus is this; every other number is 1.
    fn with_modulus(modulus: &[u8]) -> Vec<u8> {
        let number = |bytes: &[u8]| [&[2, bytes.len() as u8], bytes].concat();
        let numbers = [number(&[0]), number(modulus), number(&[1]).repeat(7)].concat();
        [&[0x30, numbers.len() as u8], &*numbers].concat()
    }

    #[test]
    fn a_modulus_has_as_many_bits_as_it_needs() {
        for (modulus, bits) in [(&[1][..], 1), (&[0x7f], 7), (&[0, 0x80], 8), (&[3, 0xff], 10)] {
            assert_eq!(rsa_bits(&with_modulus(modulus)), Some(bits), "{modulus:?}");
        }
    }
}
