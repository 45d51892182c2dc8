//! What an authorization server and its clients sign, made with keys of the moment: JWTs, JWK Sets, signed introspection
//! answers (RFC 9701), DPoP proofs (RFC 9449). All signing is aws-lc's, which the filter has no part of.
//!
//! Everything can be made wrong: headers and claims are merged over the usual ones, `null` takes one out.
#![allow(dead_code, unused_imports, reason = "each test binary that includes this module uses a part of it")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a double that is misused fails the test"
)]

mod issuer;
mod key;
mod proof;

pub use issuer::Issuer;
pub use key::{KeyKind, KeyPair};
pub use proof::Proof;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Unpadded base64url (RFC 7515 §2).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256 in base64url: `ath`, `jkt`, `x5t#S256`.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    base64url(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes.as_ref()))
}

/// `usual` with these members added or replaced; `null` takes one out.
fn merged(usual: Value, further: Value) -> Value {
    let (Value::Object(mut members), Value::Object(further)) = (usual, further) else { panic!("two objects") };
    members.extend(further);
    members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into()
}
