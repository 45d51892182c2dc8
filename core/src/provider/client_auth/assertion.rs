//! Client authentication by a signed JWT (RFC 7523 §2.2, §3): `private_key_jwt` and `client_secret_jwt`.

use crate::base::http::HttpUrl;
use crate::base::time::Timestamp;
use crate::jose::base64url;
use crate::jose::sign::JwsSigner;
use crate::port::{HostFailure, Random, Signatures};
use serde::Serialize;
use std::borrow::Cow;

/// Seconds from its making to its end.
const LIFETIME: u64 = 60;

/// How the client's assertions are made.
#[derive(Clone, Debug)]
pub struct ClientAssertion {
    /// Client id of the gateway.
    pub id: Box<str>,
    /// Whom they are for; `None`: the endpoint that is asked, by its URL.
    pub audience: Option<Box<str>>,
    pub signer: JwsSigner,
}

/// The claims of one (RFC 7523 §3).
#[derive(Serialize)]
struct AssertionClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: u64,
    exp: u64,
}

impl ClientAssertion {
    /// One for one request to `endpoint`.
    ///
    /// # Errors
    /// [`HostFailure`] when the host did not sign, or had no randomness.
    pub(crate) fn make(
        &self,
        endpoint: &HttpUrl,
        signatures: &dyn Signatures,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<String, HostFailure> {
        let mut number = [0; 16];
        random.fill(&mut number)?;
        let endpoint = || format!("{}://{}{}", endpoint.scheme(), endpoint.authority(), endpoint.path()).into();
        let audience: Cow<'_, str> = self.audience.as_deref().map_or_else(endpoint, Cow::Borrowed);
        let iat = now.as_millis() / 1000;
        let claims = AssertionClaims {
            iss: &self.id,
            sub: &self.id,
            aud: &audience,
            jti: &base64url::encode(&number),
            iat,
            exp: iat.saturating_add(LIFETIME),
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| HostFailure)?;
        self.signer.sign(signatures, &claims)
    }
}

#[cfg(test)]
mod tests;
