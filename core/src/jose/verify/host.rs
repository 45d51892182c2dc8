//! Verifying by the host, which takes keys and ECDSA signatures in DER.

use crate::jose::algorithm::Algorithm;
use crate::jose::curve::EcCurve;
use crate::jose::native;
use crate::port::{HostFailure, Signatures};

/// `key` as SubjectPublicKeyInfo, `signature` as a JWS has it.
pub(super) fn verify(
    host: &dyn Signatures,
    key: &[u8],
    algorithm: Algorithm,
    text: &[u8],
    signature: &[u8],
) -> Result<bool, HostFailure> {
    let curve = match algorithm {
        Algorithm::Es256 => EcCurve::P256,
        Algorithm::Es384 => EcCurve::P384,
        Algorithm::Es512 => EcCurve::P521,
        _ => return host.verify(algorithm.hash(), key, signature, text),
    };
    let Some(signature) = native::ecdsa_signature(curve, signature) else { return Ok(false) };
    host.verify(algorithm.hash(), key, &signature, text)
}
