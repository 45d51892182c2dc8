//! The configuration as the engine uses it.

use super::about::Logged;
use super::resources::Resources;
use crate::base::secret::Secret;
use crate::cache;
use crate::contract;
use crate::jose::algorithm::Algorithm;
use crate::policy::selection::Policy;
use crate::proof::ProofSettings;
use crate::provider::Provider;
use crate::provider::client_auth::ClientAuth;
use crate::provider::introspection::request::Introspection;
use crate::reply;
use crate::token::extract;
use crate::upstream::ReservedNames;
use std::fmt::Write;
use std::rc::Rc;

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// APIs, operations and what becomes of other requests.
    pub policy: Policy,
    pub providers: Vec<Rc<Provider>>,
    pub reserved: ReservedNames,
    pub resources: Resources,
    pub token: extract::TokenSettings,
    pub proof: ProofSettings,
    pub contracts: Rc<contract::settings::ContractSettings>,
    /// What is remembered, and for how long.
    pub cache: cache::CacheSettings,
    pub replies: reply::ReplySettings,
    pub logged: Logged,
}

impl Settings {
    pub fn new(
        policy: Policy,
        providers: Vec<Rc<Provider>>,
        token: extract::TokenSettings,
        proof: ProofSettings,
        contracts: Rc<contract::settings::ContractSettings>,
        cache: cache::CacheSettings,
        replies: reply::ReplySettings,
    ) -> Self {
        let reserved = ReservedNames::of(policy.apis().iter().map(|api| &api.upstream));
        let resources = Resources::of(policy.apis(), &token.sources, &proof.dpop);
        Self {
            policy,
            providers,
            reserved,
            resources,
            token,
            proof,
            contracts,
            cache,
            replies,
            logged: Logged::default(),
        }
    }

    /// Whether some token that is bound to a key needs a proof of possession.
    pub fn enforces_proofs(&self) -> bool {
        self.providers.iter().any(|provider| !provider.checks.ignore_key_binding)
    }

    /// The signature algorithms that tokens and proofs may have.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let verified = self.providers.iter().filter_map(|provider| provider.jwt.as_ref());
        let mut all: Vec<_> = verified.flat_map(|jwt| jwt.algorithms.iter().copied()).collect();
        if self.enforces_proofs() {
            all.extend(&self.proof.dpop.algorithms);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Prefix of the shared keys of token facts: changes with everything that shapes them.
    pub fn facts_prefix(&self) -> String {
        let mut shape = format!("{} {}", self.cache.entries, self.cache.respect_cache_control);
        for provider in &self.providers {
            let Some(introspection) = &provider.introspection else { continue };
            let Introspection { url, cluster, client, parameters, headers, signed_for, .. } = &**introspection;
            // Debug hides secrets, and that is right: a new secret for the same client changes no facts. But a bearer
            // token or a header may be all that says to the authorization server who asks, or for which tenant.
            let bearer = match client {
                ClientAuth::Bearer(token) => token.expose(),
                ClientAuth::Basic { .. }
                | ClientAuth::Post { .. }
                | ClientAuth::Assertion(_)
                | ClientAuth::None { .. } => "",
            };
            let found = provider.discovery.as_ref().map(|discovery| (&discovery.urls, &discovery.cluster));
            // Who takes signed answers only shares none with those who take any, or that are signed by others.
            let jwt = provider.jwt.as_ref().filter(|_| signed_for.is_some());
            let signed = (signed_for, jwt.map(|jwt| (jwt.keys.identity(), &jwt.algorithms, &provider.checks.issuer)));
            let asked = (signed, found, url, cluster, client, bearer, parameters, exposed(headers));
            let _ = write!(shape, "\n{} {asked:?} {:?}", provider.name, provider.claims);
        }
        prefix("facts", &shape)
    }

    /// Prefix of the shared keys of contracts: changes with their source and with who asks. A credential, in whatever
    /// header, may be all that says whose contracts these are.
    pub fn contracts_prefix(&self) -> String {
        let source = self.contracts.source.as_ref();
        let source = source.map(|source| (&source.cluster, &source.url, exposed(&source.headers)));
        prefix("contracts", &format!("{source:?}"))
    }
}

/// Where a shared key begins: the plugin, what it is for, and a fingerprint of 128 bits.
fn prefix(purpose: &str, shape: &str) -> String {
    let digest = hmac_sha256::Hash::hash(shape.as_bytes());
    let mut prefix = format!("tessera/1/{purpose}/");
    for byte in digest.iter().take(16) {
        let _ = write!(prefix, "{byte:02x}");
    }
    prefix
}

/// Headers with their values, for a fingerprint and nothing else.
fn exposed(headers: &[(Box<str>, Secret)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (&**name, value.expose())).collect()
}

#[cfg(test)]
mod tests;
