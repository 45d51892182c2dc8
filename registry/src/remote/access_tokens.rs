//! Access tokens as the administration API takes them: JWTs (RFC 9068), or by introspection (RFC 7662).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tessera_core::jose::algorithm::Algorithm;
use tessera_core::jose::compact::Jws;
use tessera_core::jose::verify::Verifier;
use tessera_core::port::memory::NoSignatures;

use crate::configuration::{Auth, Verify};
use crate::domain::principal::Caller;
use crate::domain::provider::EndpointAuth;
use crate::domain::refusal::Refusal;
use crate::http::json;
use crate::remote::claims::Expected;
use crate::remote::inactive::Inactive;
use crate::remote::introspection::Introspector;
use crate::remote::issuer::Issuer;
use crate::use_case::ports::{AccessTokens, Clock};

/// Each call of the server has so long.
const WITHIN: Duration = Duration::from_secs(5);
/// So long, the server is not asked again about a token that it has called nobody's here,
const INACTIVE_FOR: Duration = Duration::from_secs(10);
/// of the latest of which so many are known.
const MOST_INACTIVE: usize = 10_000;

/// The `typ` of an access token (RFC 9068, 2.1).
const TYPES: [&str; 2] = ["at+jwt", "application/at+jwt"];

/// Tokens of the configured issuer.
pub struct IssuedTokens {
    issuer: Issuer,
    expected: Expected,
    how: How,
    clock: Arc<dyn Clock>,
}

enum How {
    ByKeys { algorithms: Vec<Algorithm>, verifier: Verifier },
    ByAsking { client_id: String, client_secret: SecretString, inactive: Inactive },
}

impl IssuedTokens {
    /// # Errors
    /// Why none can be judged on this machine.
    pub fn new(auth: &Auth, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let issuer = Issuer::new(&auth.issuer, WITHIN).map_err(|error| error.to_string())?;
        let expected = Expected {
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
            organisation_claim: auth.organisation_claim.clone(),
            roles_claim: auth.roles_claim.clone(),
            roles: auth.roles.clone(),
        };
        let how = match &auth.verify {
            Verify::Jwt { algorithms } => {
                let algorithms: Vec<_> = algorithms.iter().filter_map(|name| Algorithm::named(name)).collect();
                let verifier = Verifier::choose(&NoSignatures, &algorithms);
                How::ByKeys { verifier: verifier.map_err(|error| format!("auth.algorithms: {error:?}"))?, algorithms }
            }
            Verify::Introspection { client_id, client_secret } => {
                let inactive = Inactive::new(INACTIVE_FOR, MOST_INACTIVE);
                How::ByAsking { client_id: client_id.clone(), client_secret: client_secret.clone(), inactive }
            }
        };
        Ok(Self { issuer, expected, how, clock })
    }

    async fn verified(
        &self,
        token: &str,
        algorithms: &[Algorithm],
        verifier: &Verifier,
    ) -> Result<Option<Map<String, Value>>, String> {
        let Ok(jws) = Jws::read(token, algorithms) else { return Ok(None) };
        let is_access_token =
            jws.header.typ.as_deref().is_some_and(|typ| TYPES.iter().any(|one| typ.eq_ignore_ascii_case(one)));
        if !is_access_token {
            return Ok(None);
        }
        let keys = self.issuer.keys(jws.header.key_id.as_deref()).await?;
        let mut candidates = keys.candidates(&jws.header, &self.issuer.url);
        if !candidates.any(|key| verifier.verify(&NoSignatures, key, &jws).unwrap_or(false)) {
            return Ok(None);
        }
        Ok(object(&jws.payload))
    }

    async fn introspected(
        &self,
        token: &str,
        id: &str,
        secret: &SecretString,
    ) -> Result<Option<Map<String, Value>>, String> {
        let url = self.issuer.endpoint("introspection_endpoint").await?;
        let auth = EndpointAuth::ClientSecretBasic;
        let client = self.issuer.client();
        Introspector { client, endpoint: &url, id, secret, auth }.ask(token).await
    }
}

fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match json::read(text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

#[async_trait]
impl AccessTokens for IssuedTokens {
    async fn judge(&self, token: &str, may_ask: bool) -> Result<Option<Caller>, Refusal> {
        let now = self.clock.now();
        let caller = match &self.how {
            How::ByKeys { algorithms, verifier } => {
                let claims = self.verified(token, algorithms, verifier).await;
                claims.map(|claims| claims.and_then(|claims| self.expected.caller(&claims, now, true)))
            }
            How::ByAsking { inactive, .. } if !may_ask || inactive.has(token) => Ok(None),
            How::ByAsking { client_id, client_secret, inactive } => {
                let claims = self.introspected(token, client_id, client_secret).await;
                let caller = claims.map(|claims| claims.and_then(|claims| self.expected.caller(&claims, now, false)));
                if matches!(caller, Ok(None)) {
                    inactive.add(token);
                }
                caller
            }
        };
        caller.map_err(|why| {
            tracing::warn!(why, "access tokens cannot be judged now");
            Refusal::Unavailable
        })
    }
}

#[cfg(test)]
mod tests;
