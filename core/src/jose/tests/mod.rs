//! One reading of keys and signatures, held against the RFCs, an independent implementation and hostile bytes.

mod aws_lc;
mod choice;
mod comparison;
mod flaws;
mod rfc;
mod wycheproof;

use crate::base::json::Object;
use crate::jose::jwk::PublicKey;
use crate::jose::key_error::KeyError;

pub(super) fn key(jwk: &str) -> Result<PublicKey, KeyError> {
    PublicKey::read(&Object::read(jwk.as_bytes(), &|_| true).unwrap())
}
