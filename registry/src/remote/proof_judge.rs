//! Whose an access token is: by introspection where the provider has it, else by its issuer's signature.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use serde_json::Value;
use tessera_core::jose::algorithm::Algorithm;
use tessera_core::jose::compact::Jws;
use tessera_core::jose::verify::Verifier;
use tessera_signatures::AwsLc;

use crate::domain::provider::Introspection;
use crate::http::json;
use crate::remote::introspection::Introspector;
use crate::remote::issuer::Issuer;
use crate::remote::issuers::Issuers;
use crate::remote::proof_claims::{Expectation, Source, is_of_other_kind, proof, source_of};
use crate::remote::provider_calls::count;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::Clock;
use crate::use_case::proof_judge::{Proof, ProofJudge};

/// Asks providers over HTTP, each call within the provider's timeout.
pub struct HttpProofJudge {
    issuers: Arc<Issuers>,
    clock: Arc<dyn Clock>,
    verifier: Verifier,
}

impl HttpProofJudge {
    /// # Errors
    /// The algorithms that signatures cannot be verified by on this machine.
    pub fn new(issuers: Arc<Issuers>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let verifier = Verifier::choose(&AwsLc, &Algorithm::ALL).map_err(|error| error.to_string())?;
        Ok(Self { issuers, clock, verifier })
    }

    /// # Errors
    /// It could not be told, for the log.
    async fn judged(&self, open: &OpenProvider, token: &str) -> Result<Proof, String> {
        let provider = &open.provider;
        let Some(issuer) = self.issuers.of(provider)? else {
            return Ok(Proof::Nothing("is of a provider without issuer"));
        };
        let expectation =
            Expectation { issuer: &issuer.url, client_id_claims: &provider.client_id_claims, now: self.clock.now() };
        match &provider.introspection {
            Some(_) if is_of_other_kind(token, expectation) => Ok(Proof::Nothing("is no access token")),
            Some(introspection) => introspected(open, introspection, &issuer, token, expectation).await,
            None => self.verified(&issuer, token, expectation).await,
        }
    }

    async fn verified(&self, issuer: &Issuer, token: &str, expectation: Expectation<'_>) -> Result<Proof, String> {
        let Ok(jws) = Jws::read(token, &Algorithm::ALL) else {
            return Ok(Proof::Nothing("is no JWT, and the provider has no introspection that could be asked"));
        };
        let Some(source) = source_of(jws.header.typ.as_deref()) else {
            return Ok(Proof::Nothing("is no access token"));
        };
        let keys = issuer.keys(jws.header.key_id.as_deref()).await?;
        let is_signed = keys
            .candidates(&jws.header, &issuer.url)
            .any(|key| self.verifier.verify(&AwsLc, key, &jws).unwrap_or(false));
        match json::read(&jws.payload) {
            _ if !is_signed => Ok(Proof::Nothing("is not signed by the issuer")),
            Ok(Value::Object(claims)) => Ok(proof(&claims, source, expectation)),
            _ => Ok(Proof::Nothing("has claims that cannot be read")),
        }
    }
}

/// # Errors
/// The provider did not say.
async fn introspected(
    open: &OpenProvider,
    introspection: &Introspection,
    issuer: &Issuer,
    token: &str,
    expectation: Expectation<'_>,
) -> Result<Proof, String> {
    let secret = open.introspection.as_ref().ok_or("no sealing key opens the credential of its introspection")?;
    let endpoint = match &introspection.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => issuer.endpoint("introspection_endpoint").await?,
    };
    let (client, id, auth) = (issuer.client(), &introspection.client_id, introspection.auth);
    let said = Introspector { client, endpoint: &endpoint, id, secret, auth }.ask(token).await?;
    Ok(said.map_or(Proof::Nothing("is not active"), |claims| proof(&claims, Source::Introspected, expectation)))
}

#[async_trait]
impl ProofJudge for HttpProofJudge {
    async fn judge(&self, provider: &OpenProvider, access_token: &str) -> Proof {
        let begun = Instant::now();
        let judged = self.judged(provider, access_token).await;
        if provider.provider.introspection.is_some() {
            count(provider, "introspect", if judged.is_ok() { "done" } else { "not_done" }, begun.elapsed());
        }
        judged.unwrap_or_else(|why| {
            let provider = &provider.provider.id;
            tracing::warn!(why, provider, "a provider cannot be asked about tokens now");
            Proof::Unknown
        })
    }
}
