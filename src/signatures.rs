//! Envoy's signatures: its foreign functions `verify_signature` and `sign`.
//!
//! Both take and give a Protobuf message. An unusable key is a result, not an error.

use crate::abi;
use tessera_core::port::{HostFailure, SignatureHash, Signatures};

/// The host's own signatures; a host that has none fails.
pub struct ForeignSignatures;

/// Fields of the messages, all of them length-delimited but [`RESULT`].
mod field {
    pub const HASH: u8 = 1;
    pub const KEY: u8 = 2;
    pub const RESULT: u8 = 1;
    /// Of the answer to `sign`.
    pub const MADE: u8 = 2;
}

impl Signatures for ForeignSignatures {
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure> {
        let request = message(&[(field::HASH, name(hash)), (field::KEY, key), (3, signature), (4, text)]);
        let answer = abi::call_foreign_function("verify_signature", &request)?;
        Ok(is_true(&answer))
    }

    fn sign(&self, hash: SignatureHash, key: &[u8], text: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        let request = message(&[(field::HASH, name(hash)), (field::KEY, key), (3, text)]);
        let answer = abi::call_foreign_function("sign", &request)?;
        let signature = fields(&answer).find_map(|(number, value)| match value {
            Value::Bytes(bytes) if number == field::MADE => Some(bytes.to_vec()),
            _ => None,
        });
        Ok(signature.filter(|signature| is_true(&answer) && !signature.is_empty()))
    }
}

fn name(hash: SignatureHash) -> &'static [u8] {
    match hash {
        SignatureHash::Sha256 => b"sha256",
        SignatureHash::Sha384 => b"sha384",
        SignatureHash::Sha512 => b"sha512",
    }
}

fn is_true(answer: &[u8]) -> bool {
    fields(answer).any(|field| matches!(field, (field::RESULT, Value::Number(1))))
}

const VARINT: u8 = 0;
const LENGTH_DELIMITED: u8 = 2;

/// A message of these fields.
fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let size = fields.iter().map(|(_, bytes)| bytes.len() + 6).sum();
    let mut message = Vec::with_capacity(size);
    for (number, bytes) in fields {
        message.push(number << 3 | LENGTH_DELIMITED);
        let mut length = bytes.len();
        while length > 0x7f {
            message.push(0x80 | (length & 0x7f) as u8);
            length >>= 7;
        }
        message.push(length as u8);
        message.extend_from_slice(bytes);
    }
    message
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, as far as they can be read.
fn fields(message: &[u8]) -> impl Iterator<Item = (u8, Value<'_>)> {
    let mut rest = message;
    std::iter::from_fn(move || {
        let (tag, behind) = rest.split_first()?;
        let value;
        (value, rest) = match tag & 7 {
            VARINT => {
                let (number, behind) = varint(behind)?;
                (Value::Number(number), behind)
            }
            LENGTH_DELIMITED => {
                let (length, behind) = varint(behind)?;
                let (bytes, behind) = behind.split_at_checked(usize::try_from(length).ok()?)?;
                (Value::Bytes(bytes), behind)
            }
            _ => return None,
        };
        Some((tag >> 3, value))
    })
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}
