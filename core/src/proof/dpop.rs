//! One DPoP proof, checked in the order of its cost (RFC 9449 §4.3): its key is made ready, and its signature verified,
//! only when everything else is as it should be, and only if it is the key that the token is bound to.

use super::evidence::{DpopHeader, Evidence};
use super::target::TargetUri;
use crate::base::json::{Json, Object};
use crate::base::time::Timestamp;
use crate::jose::algorithm::Algorithm;
use crate::jose::compact::{Jws, JwsError};
use crate::jose::verify::Verifier;
use crate::port::{HostFailure, Signatures};
use crate::token::confirmation::{Thumbprint, thumbprint};
use std::fmt;
use std::time::Duration;

/// Longest `jti` in bytes.
const MAX_IDENTIFIER: usize = 256;

/// The `dpop` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopSettings {
    /// How old a proof may be, beyond the difference of clocks.
    pub max_age: Duration,
    /// The algorithms that proofs may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// How many proofs the process remembers.
    pub entries: usize,
}

impl DpopSettings {
    /// For challenges and metadata.
    pub fn algorithm_names(&self) -> Vec<&'static str> {
        self.algorithms.iter().map(|algorithm| algorithm.name()).collect()
    }
}

/// As the configuration has it where it says nothing.
#[cfg(test)]
impl Default for DpopSettings {
    fn default() -> Self {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Rs256};
        let algorithms = vec![Es256, Es384, EdDsa, Rs256, Ps256];
        Self { max_age: Duration::from_secs(60), algorithms, entries: 10_000 }
    }
}

/// A proof that is good, unless it was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GoodProof {
    pub jti: Box<str>,
    pub issued_at: Timestamp,
}

/// What is wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// Several headers, or one that is too long.
    Header,
    Jws(JwsError),
    Type,
    /// It is signed with another key than the one that the token is bound to.
    OtherKey,
    Payload,
    Method,
    Target,
    Token,
    /// Its time is missing, past or ahead.
    Time,
    Identifier,
    Signature,
}

/// What a proof is held against.
#[derive(Clone, Copy)]
pub(super) struct Required<'a> {
    pub settings: &'a DpopSettings,
    pub clock_skew: Duration,
    /// The thumbprint of the token's key.
    pub key: &'a Thumbprint,
    pub token: &'a [u8],
    pub now: Timestamp,
}

impl Required<'_> {
    /// Checks the proof among the evidence.
    ///
    /// # Errors
    /// [`HostFailure`] when it cannot be told; within, the first [`ProofError`].
    pub(super) fn check(
        self,
        evidence: &Evidence,
        verifier: &Verifier,
        host: &dyn Signatures,
    ) -> Result<Result<GoodProof, ProofError>, HostFailure> {
        let DpopHeader::One(text) = &evidence.proof else { return Ok(Err(ProofError::Header)) };
        let (jws, key) = match Jws::read_with_jwk(text.expose(), &self.settings.algorithms) {
            Ok(read) => read,
            Err(error) => return Ok(Err(ProofError::Jws(error))),
        };
        if jws.header.typ.as_deref() != Some("dpop+jwt") {
            return Ok(Err(ProofError::Type));
        }
        if key.thumbprint() != *self.key {
            return Ok(Err(ProofError::OtherKey));
        }
        let proof = match self.claims(&jws.payload, evidence) {
            Ok(proof) => proof,
            Err(error) => return Ok(Err(error)),
        };
        // Only now: anybody can send a key that is costly to make ready.
        let key = match key.check() {
            Ok(key) => key,
            Err(error) => return Ok(Err(ProofError::Jws(JwsError::Key(error)))),
        };
        let is_signed = verifier.verify(host, &key, &jws)?;
        Ok(if is_signed { Ok(proof) } else { Err(ProofError::Signature) })
    }

    fn claims(self, payload: &[u8], evidence: &Evidence) -> Result<GoodProof, ProofError> {
        let claims = Object::read(payload, &|_| true).map_err(|_| ProofError::Payload)?;
        let text = |name| claims.get(name).and_then(Json::as_text);
        if evidence.method.is_none() || text("htm").map(str::as_bytes) != evidence.method.as_deref() {
            return Err(ProofError::Method);
        }
        let target = text("htu").and_then(TargetUri::parse).map(|target| target.digest());
        if target.is_none() || target != evidence.target {
            return Err(ProofError::Target);
        }
        if text("ath").and_then(thumbprint) != Some(hmac_sha256::Hash::hash(self.token)) {
            return Err(ProofError::Token);
        }
        let issued_at = self.time(&claims).ok_or(ProofError::Time)?;
        let jti = text("jti").filter(|jti| (1..=MAX_IDENTIFIER).contains(&jti.len())).ok_or(ProofError::Identifier)?;
        Ok(GoodProof { jti: jti.into(), issued_at })
    }

    /// When a proof was made that is good now. One that says more about its time is held to that, too.
    fn time(self, claims: &Object<'_>) -> Option<Timestamp> {
        let time = |name| claims.get(name).map(seconds);
        let issued_at = time("iat")??;
        let begin = issued_at.max(time("nbf").unwrap_or(Some(issued_at))?);
        let end = issued_at.plus(self.lifetime());
        let end = end.min(time("exp").map_or(Some(end), |exp| Some(exp?.plus(self.clock_skew)))?);
        (begin <= self.now.plus(self.clock_skew) && self.now <= end).then_some(issued_at)
    }

    /// How long after it was made a proof is good.
    pub(super) fn lifetime(self) -> Duration {
        self.settings.max_age.saturating_add(self.clock_skew)
    }
}

/// A time (RFC 7519 §2, NumericDate), without its fractions.
fn seconds(value: &Json<'_>) -> Option<Timestamp> {
    let Json::Number(number) = value else { return None };
    number.as_u64().or_else(|| whole(number.as_f64()?)).map(Timestamp::from_secs)
}

/// The seconds of a time with fractions.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn whole(seconds: f64) -> Option<u64> {
    (0.0..1e15).contains(&seconds).then_some(seconds as u64)
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "there is not one proof of at most 4 KiB",
            Self::Jws(error) => return error.fmt(f),
            Self::Type => "typ is not dpop+jwt",
            Self::OtherKey => "the token is bound to another key",
            Self::Payload => "its claims are no JSON object without repeated members",
            Self::Method => "htm is not the request's method",
            Self::Target => "htu is not the request's URI",
            Self::Token => "ath is not the digest of the access token",
            Self::Time => "iat is missing, too old or ahead",
            Self::Identifier => "jti is missing or too long",
            Self::Signature => "the signature is not of its key",
        })
    }
}
