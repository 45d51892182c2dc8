//! A private key as a JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), put into PKCS #8.

use super::algorithm::SigningAlgorithm;
use super::key_error::PrivateKeyError;
use super::pkcs8::{self, EXPLICIT_1, tlv};
use crate::base::json::{Json, Object};
use crate::jose::base64url;
use crate::jose::curve::EcCurve;
use crate::jose::native::{EC, ED25519, RSA};
use der::asn1::UintRef;
use der::{Encode, Tag};

/// The key as PKCS #8 in DER, and its id.
pub(super) fn read(text: &str, algorithm: SigningAlgorithm) -> Result<(Vec<u8>, Option<Box<str>>), PrivateKeyError> {
    let jwk = Object::read(text.as_bytes(), &|_| true).map_err(|_| PrivateKeyError::Neither)?;
    check_purpose(&jwk, algorithm)?;
    let key_id = text_of(&jwk, "kid")?.map(Into::into);
    let pkcs8 = match text_of(&jwk, "kty")? {
        Some("RSA") => rsa(&jwk)?,
        Some("EC") => elliptic(&jwk)?,
        Some("OKP") => edwards(&jwk)?,
        _ => return Err(PrivateKeyError::Member("kty")),
    };
    Ok((pkcs8, key_id))
}

/// What the key may be used for (RFC 7517 §4.2 to §4.4).
fn check_purpose(jwk: &Object<'_>, algorithm: SigningAlgorithm) -> Result<(), PrivateKeyError> {
    let is = |name, wanted: &str| jwk.present(name).is_none_or(|value| value.as_text() == Some(wanted));
    let signs = |operations: &Json<'_>| match operations {
        Json::Array(list) => list.iter().any(|operation| operation.as_text() == Some("sign")),
        _ => false,
    };
    if !is("alg", algorithm.name()) {
        Err(PrivateKeyError::Purpose("alg"))
    } else if !is("use", "sig") {
        Err(PrivateKeyError::Purpose("use"))
    } else if !jwk.present("key_ops").is_none_or(signs) {
        Err(PrivateKeyError::Purpose("key_ops"))
    } else {
        Ok(())
    }
}

/// RFC 7518 §6.3. All numbers of the key are needed, and two primes.
fn rsa(jwk: &Object<'_>) -> Result<Vec<u8>, PrivateKeyError> {
    if jwk.present("oth").is_some() {
        return Err(PrivateKeyError::Member("oth"));
    }
    let mut numbers = tlv(Tag::Integer, &[0])?;
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let number = bytes(jwk, name)?;
        let number = UintRef::new(&number).and_then(|number| number.to_der());
        numbers.extend(number.map_err(|_| PrivateKeyError::Member(name))?);
    }
    pkcs8::write(RSA, &tlv(Tag::Null, &[])?, &tlv(Tag::Sequence, &numbers)?, None)
}

/// RFC 7518 §6.2.
fn elliptic(jwk: &Object<'_>) -> Result<Vec<u8>, PrivateKeyError> {
    let curve = text_of(jwk, "crv")?.and_then(EcCurve::named).ok_or(PrivateKeyError::Member("crv"))?;
    let sized = |name| match bytes(jwk, name)? {
        bytes if bytes.len() == curve.size() => Ok(bytes),
        _ => Err(PrivateKeyError::Member(name)),
    };
    let (d, x, y) = (sized("d")?, sized("x")?, sized("y")?);
    // RFC 5915 §3, with the point uncompressed (SEC 1 §2.3.3).
    let point = tlv(Tag::BitString, &[&[0, 4], &*x, &y].concat())?;
    let key = [tlv(Tag::Integer, &[1])?, tlv(Tag::OctetString, &d)?, tlv(EXPLICIT_1, &point)?].concat();
    pkcs8::write(EC, &tlv(Tag::ObjectIdentifier, curve.oid().as_bytes())?, &tlv(Tag::Sequence, &key)?, None)
}

/// RFC 8037 §2.
fn edwards(jwk: &Object<'_>) -> Result<Vec<u8>, PrivateKeyError> {
    if text_of(jwk, "crv")? != Some("Ed25519") {
        return Err(PrivateKeyError::Member("crv"));
    }
    let (d, x) = (bytes(jwk, "d")?, bytes(jwk, "x")?);
    pkcs8::write(ED25519, &[], &tlv(Tag::OctetString, &d)?, Some(&x))
}

fn bytes(jwk: &Object<'_>, name: &'static str) -> Result<Vec<u8>, PrivateKeyError> {
    let text = text_of(jwk, name)?.filter(|text| !text.is_empty());
    let bytes = text.and_then(base64url::decode);
    bytes.ok_or(PrivateKeyError::Member(name))
}

fn text_of<'a>(jwk: &'a Object<'_>, name: &'static str) -> Result<Option<&'a str>, PrivateKeyError> {
    jwk.text(name).map_err(|_| PrivateKeyError::Member(name))
}
