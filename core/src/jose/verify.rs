//! Verifying signatures, by the host where it can and in the module where it cannot.

mod host;
mod module;
mod probe;

use super::algorithm::Algorithm;
use super::compact::Jws;
use super::jwk::PublicKey;
use crate::port::{HostFailure, Signatures};
use std::fmt;

/// Who verifies, or signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    Host,
    Module,
}

/// Who verifies each algorithm in use.
#[derive(Clone, Debug, Default)]
pub struct Verifier(Vec<(Algorithm, Implementation)>);

/// The algorithms that nobody here verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverifiable(pub Vec<Algorithm>);

impl Verifier {
    /// Chooses who verifies these algorithms: the host where it tells a good signature from a spoilt one.
    ///
    /// # Errors
    /// [`Unverifiable`] when neither the host nor the module can verify one.
    pub fn choose(host: &dyn Signatures, algorithms: &[Algorithm]) -> Result<Self, Unverifiable> {
        let choose = |algorithm: &Algorithm| match *algorithm {
            of_host if probe::passes(host, of_host) => Ok((of_host, Implementation::Host)),
            of_module if module::verifies(of_module) => Ok((of_module, Implementation::Module)),
            nobodys => Err(nobodys),
        };
        let (chosen, failed): (Vec<_>, Vec<_>) = algorithms.iter().map(choose).partition(Result::is_ok);
        if failed.is_empty() {
            Ok(Self(chosen.into_iter().flatten().collect()))
        } else {
            Err(Unverifiable(failed.into_iter().filter_map(Result::err).collect()))
        }
    }

    pub fn implementation(&self, algorithm: Algorithm) -> Option<Implementation> {
        self.0.iter().find(|(chosen, _)| *chosen == algorithm).map(|(_, implementation)| *implementation)
    }

    /// Who verifies what, for the log; `None` where nothing is verified.
    pub fn summary(&self) -> Option<String> {
        let by = |implementation, name: &str| {
            let chosen = self.0.iter().filter(|(_, chosen)| *chosen == implementation);
            let names: Vec<&str> = chosen.map(|(algorithm, _)| algorithm.name()).collect();
            (!names.is_empty()).then(|| format!("{} by the {name}", names.join(", ")))
        };
        let lines = [by(Implementation::Host, "host"), by(Implementation::Module, "module")];
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        (!lines.is_empty()).then(|| format!("signatures are verified: {}", lines.join("; ")))
    }

    /// Whether the signature was made with the private half of `key`.
    ///
    /// # Errors
    /// [`HostFailure`] when the host could not tell.
    pub fn verify(&self, host: &dyn Signatures, key: &PublicKey, jws: &Jws<'_>) -> Result<bool, HostFailure> {
        self.verify_raw(host, key, jws.header.algorithm, jws.signing_input, &jws.signature)
    }

    /// As [`Verifier::verify`], for a text and a signature (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
    ///
    /// # Errors
    /// [`HostFailure`] when the host could not tell.
    #[cold]
    #[inline(never)]
    pub fn verify_raw(
        &self,
        by: &dyn Signatures,
        key: &PublicKey,
        algorithm: Algorithm,
        text: &[u8],
        signature: &[u8],
    ) -> Result<bool, HostFailure> {
        if !key.verifies(algorithm) {
            return Ok(false);
        }
        match self.implementation(algorithm) {
            Some(Implementation::Host) => host::verify(by, &key.material.native, algorithm, text, signature),
            Some(Implementation::Module) => Ok(module::verify(&key.material.module, algorithm, text, signature)),
            None => Ok(false),
        }
    }
}

impl fmt::Display for Unverifiable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|algorithm| algorithm.name()).collect();
        write!(f, "signatures by {} cannot be verified: this host does not do it", names.join(", "))
    }
}
