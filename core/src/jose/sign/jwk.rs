//! A private key as a JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), put into PKCS #8.

use super::algorithm::SigningAlgorithm;
use super::key_error::PrivateKeyError;
use crate::base::json::{Json, Object};
use crate::jose::curve::EcCurve;
use crate::jose::native::{EC, ED25519, RSA};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use der::Encode;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use sec1::EcPrivateKey;

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
    let [n, e, d, p, q, dp, dq, qi] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(|name| bytes(jwk, name));
    let [n, e, d, p, q, dp, dq, qi] = [n?, e?, d?, p?, q?, dp?, dq?, qi?];
    let number = |bytes| UintRef::new(bytes).map_err(|_| PrivateKeyError::Unsound);
    let key = pkcs1::RsaPrivateKey {
        modulus: number(&n)?,
        public_exponent: number(&e)?,
        private_exponent: number(&d)?,
        prime1: number(&p)?,
        prime2: number(&q)?,
        exponent1: number(&dp)?,
        exponent2: number(&dq)?,
        coefficient: number(&qi)?,
        other_prime_infos: None,
    };
    pkcs8(RSA, AnyRef::NULL, &der(&key)?, None)
}

/// RFC 7518 §6.2.
fn elliptic(jwk: &Object<'_>) -> Result<Vec<u8>, PrivateKeyError> {
    let curve = text_of(jwk, "crv")?.and_then(EcCurve::named).ok_or(PrivateKeyError::Member("crv"))?;
    let sized = |name| match bytes(jwk, name)? {
        bytes if bytes.len() == curve.size() => Ok(bytes),
        _ => Err(PrivateKeyError::Member(name)),
    };
    let (d, x, y) = (sized("d")?, sized("x")?, sized("y")?);
    let public = [&[4], &*x, &y].concat();
    let key = EcPrivateKey { private_key: &d, parameters: None, public_key: Some(&public) };
    pkcs8(EC, AnyRef::from(&curve.oid()), &der(&key)?, None)
}

/// RFC 8037 §2.
fn edwards(jwk: &Object<'_>) -> Result<Vec<u8>, PrivateKeyError> {
    if text_of(jwk, "crv")? != Some("Ed25519") {
        return Err(PrivateKeyError::Member("crv"));
    }
    let (d, x) = (bytes(jwk, "d")?, bytes(jwk, "x")?);
    let seed = OctetStringRef::new(&d).map_err(|_| PrivateKeyError::Member("d"))?;
    pkcs8(ED25519, None, &der(&seed)?, Some(&x))
}

fn pkcs8<'a>(
    oid: ObjectIdentifier,
    parameters: impl Into<Option<AnyRef<'a>>>,
    key: &[u8],
    public: Option<&[u8]>,
) -> Result<Vec<u8>, PrivateKeyError> {
    let unsound = |_| PrivateKeyError::Unsound;
    let algorithm = AlgorithmIdentifierRef { oid, parameters: parameters.into() };
    let mut info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(key).map_err(unsound)?);
    info.public_key = public.map(BitStringRef::from_bytes).transpose().map_err(unsound)?;
    der(&info)
}

fn der(value: &impl Encode) -> Result<Vec<u8>, PrivateKeyError> {
    value.to_der().map_err(|_| PrivateKeyError::Unsound)
}

fn bytes(jwk: &Object<'_>, name: &'static str) -> Result<Vec<u8>, PrivateKeyError> {
    let text = text_of(jwk, name)?.filter(|text| !text.is_empty());
    let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    bytes.ok_or(PrivateKeyError::Member(name))
}

fn text_of<'a>(jwk: &'a Object<'_>, name: &'static str) -> Result<Option<&'a str>, PrivateKeyError> {
    jwk.text(name).map_err(|_| PrivateKeyError::Member(name))
}
