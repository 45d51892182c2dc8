//! What a host must offer: the request's headers, shared data, signatures, randomness. The time comes with each event.

use std::borrow::Cow;
use std::fmt;

pub mod memory;

/// The host refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFailure;

/// A request's headers. Pseudo-headers go by their names (`:path`).
pub trait RequestHead {
    /// The value of each line of that (lower-case) name, in order.
    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]>;

    /// The name of each line, in order and as often as there are lines.
    fn names(&self) -> impl Iterator<Item = &[u8]>;

    /// The SHA-256 of the certificate that the client has authenticated with in TLS, in hexadecimal digits; `None` when
    /// it has not. Of headers alone, it has not.
    fn peer_certificate(&self) -> Option<Vec<u8>> {
        None
    }

    fn first<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.lines(name).next()
    }

    /// All lines of that name, joined with `,` as RFC 9110 §5.3 has it; `None` when there is none.
    fn joined<'a>(&'a self, name: &'a str) -> Option<Cow<'a, [u8]>> {
        let mut lines = self.lines(name);
        let first = lines.next()?;
        let rest: Vec<&[u8]> = lines.collect();
        Some(if rest.is_empty() { first.into() } else { [&[first], &rest[..]].concat().join(&b',').into() })
    }
}

/// Changes a message's headers.
pub trait HeaderEdits {
    /// Removes every line of that name.
    ///
    /// # Errors
    /// [`HostFailure`] when the host does not do it.
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure>;

    /// Leaves exactly one line of that name, with this value.
    ///
    /// # Errors
    /// [`HostFailure`] when the host does not do it.
    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure>;

    /// The same of a name that no line has so far: some hosts need not look for lines to replace then.
    ///
    /// # Errors
    /// [`HostFailure`] when the host does not do it.
    fn add(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.set(name, value)
    }
}

/// Version of a shared value, for compare-and-swap. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u32);

/// A shared value as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes; untrusted, whoever wrote them.
    pub value: Vec<u8>,
    /// To be handed back with [`Expect::Version`].
    pub version: Version,
}

/// The condition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Anything,
    /// Write only when the key has never been written.
    Absent,
    Version(Version),
}

/// Why a write failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    Conflict,
    Unavailable,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "another worker wrote the value first",
            Self::Unavailable => "the host refused the shared value",
        })
    }
}

/// Shared data: one map per process, read and written by every worker.
///
/// Keys cannot be deleted or listed, so callers draw them from a fixed set.
pub trait SharedStore {
    /// The value under `key`; `None` when it was never written (or the host failed).
    fn get(&self, key: &str) -> Option<Versioned>;

    /// Writes `value` under `key` if `expect` holds.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when `expect` does not hold, [`WriteError::Unavailable`] when the host refuses.
    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError>;
}

/// The hash that a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureHash {
    Sha256,
    Sha384,
    Sha512,
}

/// Native signatures: RSA with PKCS #1 v1.5 padding (RFC 8017 §8.2), and ECDSA with signatures in DER.
pub trait Signatures {
    /// Whether `signature` over `text` was made with the private half of `key`, a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`HostFailure`] when the host offers no signatures: this says nothing about the signature.
    fn verify(&self, hash: SignatureHash, key: &[u8], signature: &[u8], text: &[u8]) -> Result<bool, HostFailure>;

    /// The signature over `text` with `key`, a DER PKCS #8 private key; `None` when the key is of no use.
    ///
    /// # Errors
    /// [`HostFailure`] when the host offers no signatures.
    fn sign(&self, hash: SignatureHash, key: &[u8], text: &[u8]) -> Result<Option<Vec<u8>>, HostFailure>;
}

/// Randomness that nobody can predict.
pub trait Random {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`HostFailure`] when the host has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostFailure>;
}
