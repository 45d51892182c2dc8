//! Proof of possession: that whoever sends a bound token has the key that it is bound to (RFC 9449, RFC 8705).

pub mod certificate;
pub mod dpop;
pub mod evidence;
pub mod replay;
mod target;

use crate::base::time::Timestamp;
use crate::jose::verify::Verifier;
use crate::port::{HostFailure, Random, SharedStore, Signatures};
use crate::token::confirmation::{Confirmation, Thumbprint};
use certificate::CertificateSource;
use dpop::{DpopSettings, GoodProof, ProofError, Required};
use evidence::{DpopHeader, Evidence};
use replay::{Use, UsedProofs};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How possession is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
pub struct ProofSettings {
    pub dpop: DpopSettings,
    pub certificates: CertificateSource,
}

/// A token as it was presented.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    pub token: &'a [u8],
    /// Whether it came by the scheme `DPoP`.
    pub by_dpop: bool,
    /// What came with it; asked for only where it counts, and for a certificate only where one is wanted.
    pub evidence: &'a dyn Fn(bool) -> Cow<'a, Evidence>,
}

/// Why possession is not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproved {
    /// Something that the token is bound to was not shown at all: of a token that is bound to both, either.
    Missing,
    /// The DPoP proof is bad.
    BadProof(ProofError),
    /// The proof was used before.
    Replayed,
    /// Another certificate than the one that the token is bound to.
    OtherCertificate,
    /// A token that is bound to a key did not come by the scheme `DPoP`.
    NotByDpop,
    /// A token that is bound to no key came by the scheme `DPoP`.
    NotOfKey,
    /// The token is bound to something that nobody can prove here.
    Unprovable,
    /// The host failed.
    Unknown,
}

/// What proofs are checked with.
pub struct Checker<'a> {
    pub settings: &'a ProofSettings,
    pub used: &'a UsedProofs,
    pub verifier: &'a Verifier,
    pub signatures: &'a dyn Signatures,
    pub store: &'a dyn SharedStore,
    pub random: &'a dyn Random,
    pub clock_skew: Duration,
    pub now: Timestamp,
}

impl Presented<'_> {
    /// Whether nothing has to be proved: the token is not bound, and did not come as one that is.
    #[inline]
    pub fn suffices(&self, confirmation: Option<&Confirmation>) -> bool {
        confirmation.is_none() && !self.by_dpop
    }
}

impl Checker<'_> {
    /// Whether possession of all that the token is bound to is proved. Takes note of the proof that does it.
    ///
    /// # Errors
    /// [`Unproved`]: why not.
    #[cold]
    #[inline(never)]
    pub fn check(&self, confirmation: Option<&Confirmation>, presented: Presented<'_>) -> Result<(), Unproved> {
        let evidence = |wants_certificate| (presented.evidence)(wants_certificate);
        match confirmation {
            None if presented.by_dpop => Err(Unproved::NotOfKey),
            None => Ok(()),
            // Certificates are looked at only where one is wanted, so they do not count here.
            Some(Confirmation::Unprovable) => match presented.by_dpop || evidence(false).proof != DpopHeader::Absent {
                true => Err(Unproved::Unprovable),
                false => Err(Unproved::Missing),
            },
            Some(Confirmation::Of { key, certificate }) => {
                let evidence = evidence(certificate.is_some());
                if let Some(expected) = certificate {
                    let shown = evidence.certificate.ok_or(Unproved::Missing)?;
                    if shown != *expected {
                        return Err(Unproved::OtherCertificate);
                    }
                }
                match key {
                    Some(key) => self.check_key(key, presented, &evidence),
                    None if presented.by_dpop => Err(Unproved::NotOfKey),
                    None => Ok(()),
                }
            }
        }
    }

    fn check_key(&self, key: &Thumbprint, presented: Presented<'_>, evidence: &Evidence) -> Result<(), Unproved> {
        if evidence.proof == DpopHeader::Absent {
            return Err(Unproved::Missing);
        }
        // RFC 9449 §7.2: a token that is bound to a key is no bearer token, whatever comes with it.
        if !presented.by_dpop {
            return Err(Unproved::NotByDpop);
        }
        let expected = Required {
            settings: &self.settings.dpop,
            clock_skew: self.clock_skew,
            key,
            token: presented.token,
            now: self.now,
        };
        let proof = expected.check(evidence, self.verifier, self.signatures)?.map_err(Unproved::BadProof)?;
        let GoodProof { jti, issued_at } = proof;
        let used = Use { key, jti: &jti, issued_at, lifetime: expected.lifetime(), now: self.now };
        let is_first = self.used.is_first_use(self.store, self.random, used)?;
        if is_first { Ok(()) } else { Err(Unproved::Replayed) }
    }
}

impl Unproved {
    /// Whether the DPoP proof itself is to blame (RFC 9449 §7.1, `invalid_dpop_proof`), and not what the token is
    /// bound to.
    pub fn is_of_proof(self) -> bool {
        match self {
            Self::BadProof(error) => error != ProofError::OtherKey,
            Self::Replayed => true,
            _ => false,
        }
    }
}

impl From<HostFailure> for Unproved {
    fn from(HostFailure: HostFailure) -> Self {
        Self::Unknown
    }
}

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no proof of possession",
            Self::BadProof(error) => return write!(f, "DPoP proof: {error}"),
            Self::Replayed => "DPoP proof: it was used before",
            Self::OtherCertificate => "the token is bound to another certificate",
            Self::NotByDpop => "a DPoP-bound token under another scheme",
            Self::NotOfKey => "a token that is not DPoP-bound under the scheme DPoP",
            Self::Unprovable => "the token is bound to something that cannot be proved here",
            Self::Unknown => "the host could not tell whether the proof is good",
        })
    }
}

#[cfg(test)]
mod tests;
