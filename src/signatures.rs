//! Envoy's signatures: its foreign functions `verify_signature` and `sign`.
//!
//! Both take and give a Protobuf message. An unusable key is an answer that says no, not a failure; an answer that is no
//! message is a failure.

use crate::abi;
use tessera_core::base::protobuf::{Content, Fields, put_bytes};
use tessera_core::port::{HostFailure, SignatureHash, Signatures};

/// The host's own signatures; a host that has none fails.
pub struct ForeignSignatures;

impl Signatures for ForeignSignatures {
    /// `{1 hash, 2 key, 3 signature, 4 text}` to `{1 result, 2 error}`.
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure> {
        let answer = abi::call_foreign_function("verify_signature", &request(&[name(hash), key, signature, text]))?;
        read(&answer).map(|(good, _)| good)
    }

    /// `{1 hash, 2 key, 3 text}` to `{1 result, 2 signature, 3 error}`.
    fn sign(&self, hash: SignatureHash, key: &[u8], text: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        let answer = abi::call_foreign_function("sign", &request(&[name(hash), key, text]))?;
        let (good, signature) = read(&answer)?;
        Ok((good && !signature.is_empty()).then(|| signature.to_vec()))
    }
}

fn name(hash: SignatureHash) -> &'static [u8] {
    match hash {
        SignatureHash::Sha256 => b"sha256",
        SignatureHash::Sha384 => b"sha384",
        SignatureHash::Sha512 => b"sha512",
    }
}

/// A message of these fields, numbered from 1.
fn request(fields: &[&[u8]]) -> Vec<u8> {
    /// Of a field's number and length, at most.
    const HEAD: usize = 6;
    let mut message = Vec::with_capacity(fields.iter().map(|field| field.len() + HEAD).sum());
    for (number, field) in (1..).zip(fields) {
        put_bytes(&mut message, number, field);
    }
    message
}

/// The result, and what field 2 has beside it.
fn read(answer: &[u8]) -> Result<(bool, &[u8]), HostFailure> {
    let (mut good, mut beside) = (false, [].as_slice());
    for field in Fields(answer) {
        match field.ok_or(HostFailure)? {
            (1, Content::Varint(result)) => good = result == 1,
            (2, Content::Bytes(bytes)) => beside = bytes,
            _ => {}
        }
    }
    Ok((good, beside))
}
