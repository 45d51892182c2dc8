//! Envoy's foreign functions `verify_signature` and `sign`, over aws-lc. (Envoy's own are over BoringSSL.)
//!
//! As in Envoy, a request that cannot be decoded or has no key is refused, a field of an unexpected wire type counts as
//! unknown, the hash's name may have any case, and a key that is of no use is an answer that says no, with a text. Keys in PEM, which the module does not send, are
//! not looked at.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaKeyPair, UnparsedPublicKey};
use prost::encoding::{self, DecodeContext, WireType};
use proxy_wasm::types::Status;
use std::collections::BTreeMap;

const UNUSABLE_KEY: &str = "Failed to import the key";

/// {1 hash, 2 key, 3 signature, 4 text} to {1 result, 2 error}.
pub fn verify_signature(request: &[u8]) -> Result<Vec<u8>, Status> {
    let [hash, key, signature, text] = decode(request).ok_or(Status::BadArgument)?;
    Ok(verdict(&verified(&hash, &key, &signature, &text)))
}

/// {1 hash, 2 key, 3 text} to {1 result, 2 signature, 3 error}.
pub fn sign(request: &[u8]) -> Result<Vec<u8>, Status> {
    let [hash, key, text, _] = decode(request).ok_or(Status::BadArgument)?;
    Ok(signed(signature_of(&hash, &key, &text)))
}

/// The fields 1 to 4, each of them empty if there is none; the last of several counts. There must be a key.
fn decode(mut message: &[u8]) -> Option<[Vec<u8>; 4]> {
    let mut fields = BTreeMap::new();
    while !message.is_empty() {
        let (number, wire) = encoding::decode_key(&mut message).ok()?;
        if matches!(number, 1..=4) && wire == WireType::LengthDelimited {
            let field: &mut Vec<u8> = fields.entry(number).or_default();
            encoding::bytes::merge(wire, field, &mut message, DecodeContext::default()).ok()?;
        } else {
            encoding::skip_field(wire, number, &mut message, DecodeContext::default()).ok()?;
        }
    }
    let [mut hash, key, third, fourth] = [1, 2, 3, 4].map(|number| fields.remove(&number).unwrap_or_default());
    // A `string` must be UTF-8.
    std::str::from_utf8(&hash).ok()?;
    hash.make_ascii_lowercase();
    (!key.is_empty()).then_some([hash, key, third, fourth])
}

pub(super) fn verdict(outcome: &Result<(), &'static str>) -> Vec<u8> {
    let mut message = Vec::new();
    match outcome {
        Ok(()) => encoding::bool::encode(1, &true, &mut message),
        Err(error) => encoding::string::encode(2, &(*error).to_owned(), &mut message),
    }
    message
}

pub(super) fn signed(outcome: Result<Vec<u8>, &'static str>) -> Vec<u8> {
    let mut message = Vec::new();
    match outcome {
        Ok(signature) => {
            encoding::bool::encode(1, &true, &mut message);
            encoding::bytes::encode(2, &signature, &mut message);
        }
        Err(error) => encoding::string::encode(3, &error.to_owned(), &mut message),
    }
    message
}

/// Verifies over a text, with a DER SubjectPublicKeyInfo.
fn verified(hash: &[u8], key: &[u8], text_signature: &[u8], text: &[u8]) -> Result<(), &'static str> {
    let algorithm: &'static dyn signature::VerificationAlgorithm = match (kind(key).ok_or(UNUSABLE_KEY)?, hash) {
        (Kind::Rsa, b"sha256") => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Kind::Rsa, b"sha384") => &signature::RSA_PKCS1_2048_8192_SHA384,
        (Kind::Rsa, b"sha512") => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Kind::P256, b"sha256") => &signature::ECDSA_P256_SHA256_ASN1,
        (Kind::P256, b"sha384") => &signature::ECDSA_P256_SHA384_ASN1,
        (Kind::P256, b"sha512") => &signature::ECDSA_P256_SHA512_ASN1,
        (Kind::P384, b"sha256") => &signature::ECDSA_P384_SHA256_ASN1,
        (Kind::P384, b"sha384") => &signature::ECDSA_P384_SHA384_ASN1,
        (Kind::P384, b"sha512") => &signature::ECDSA_P384_SHA512_ASN1,
        (Kind::P521, b"sha256") => &signature::ECDSA_P521_SHA256_ASN1,
        (Kind::P521, b"sha384") => &signature::ECDSA_P521_SHA384_ASN1,
        (Kind::P521, b"sha512") => &signature::ECDSA_P521_SHA512_ASN1,
        (Kind::Other, _) => return Err("Failed to initialize digest verify"),
        _ => return Err("the hash is not supported"),
    };
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(text, text_signature).map_err(|_| "Failed to verify digest")
}

/// Signs a text with a DER PKCS #8 key.
fn signature_of(hash: &[u8], key: &[u8], text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let random = SystemRandom::new();
    if let Ok(pair) = RsaKeyPair::from_pkcs8(key) {
        let encoding: &dyn signature::RsaEncoding = match hash {
            b"sha256" => &signature::RSA_PKCS1_SHA256,
            b"sha384" => &signature::RSA_PKCS1_SHA384,
            b"sha512" => &signature::RSA_PKCS1_SHA512,
            _ => return Err("the hash is not supported"),
        };
        let mut made = vec![0; pair.public_modulus_len()];
        return pair.sign(encoding, &random, text, &mut made).map(|()| made).map_err(|_| "Failed to sign");
    }
    let algorithm: &'static EcdsaSigningAlgorithm = match hash {
        b"sha256" => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        b"sha384" => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        b"sha512" => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => return Err("the hash is not supported"),
    };
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, key).map_err(|_| UNUSABLE_KEY)?;
    pair.sign(&random, text).map(|made| made.as_ref().to_vec()).map_err(|_| "Failed to sign")
}

enum Kind {
    Rsa,
    P256,
    P384,
    P521,
    Other,
}

/// By the algorithm's identifier, which aws-lc alone would not insist on.
fn kind(spki: &[u8]) -> Option<Kind> {
    let (0x30, inside) = element(spki)? else { return None };
    let (0x30, algorithm) = element(inside)? else { return None };
    let starts = |identifier: &[u8]| algorithm.starts_with(identifier);
    // RFC 8017 §A.1 rsaEncryption; RFC 5480 §2.1.1 id-ecPublicKey with a named curve.
    Some(if starts(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01") {
        Kind::Rsa
    } else if starts(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07") {
        Kind::P256
    } else if starts(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22") {
        Kind::P384
    } else if starts(b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23") {
        Kind::P521
    } else {
        Kind::Other
    })
}

/// The tag and content of the first DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), rest.get(2..)?),
        _ => return None,
    };
    Some((tag, rest.get(..length)?))
}
