//! A configuration as the engine uses it.

use crate::base::secret::Secret;
use crate::cache::{self, Digest, TokenNames};
use crate::contract;
use crate::decision::decide::TokenChecks;
use crate::decision::policy::{ApiIndex, Policy, ProviderIndex};
use crate::provider::client_auth::ClientAuth;
use crate::provider::introspection::claims::ClaimNames;
use crate::provider::introspection::request::Endpoint;
use crate::reply;
use crate::token::bearer::Bearer;
use crate::token::extract;
use crate::token::issuer::unverified_issuer;
use crate::upstream::{self, ReservedNames};
use std::fmt::Write;
use std::rc::Rc;

/// One authorization server.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name.
    pub name: Box<str>,
    /// How it is asked.
    pub endpoint: Endpoint,
    /// What its tokens are checked against.
    pub checks: TokenChecks,
    /// Where its answers hold what.
    pub claims: ClaimNames,
}

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// APIs, operations and what becomes of other requests.
    pub policy: Policy,
    /// Authorization servers.
    pub providers: Vec<Provider>,
    /// Names of the providers, in the same order.
    pub provider_names: Vec<Box<str>>,
    /// Upstream headers of each API, in the order of the policy.
    pub upstreams: Vec<upstream::Settings>,
    /// The names of all of them.
    pub reserved: ReservedNames,
    /// Where tokens are looked for.
    pub token: extract::Settings,
    /// Contracts.
    pub contracts: Rc<contract::settings::Settings>,
    /// What is remembered, and for how long.
    pub cache: cache::CacheSettings,
    /// How refusals are worded.
    pub replies: reply::Settings,
    token_names: Vec<TokenNames>,
    routes: Vec<Vec<Choice>>,
}

/// A provider among those of an API, and the key under which its answers are known.
///
/// APIs with the same list of providers send a token to the same one and share their answers. APIs with different
/// lists may send it to different ones and do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The provider.
    pub provider: ProviderIndex,
    /// For [`cache::LocalCache`].
    pub key: u16,
}

impl Settings {
    /// Puts the parts together. `upstreams` has an element for each API of `policy`.
    pub fn new(
        policy: Policy,
        providers: Vec<Provider>,
        upstreams: Vec<upstream::Settings>,
        token: extract::Settings,
        contracts: Rc<contract::settings::Settings>,
        cache: cache::CacheSettings,
        replies: reply::Settings,
    ) -> Self {
        let provider_names = providers.iter().map(|provider| provider.name.clone()).collect();
        let token_names = providers.iter().map(|provider| TokenNames::new(&provider.name)).collect();
        let routes = routes(&policy);
        let reserved = ReservedNames::of(&upstreams);
        Self {
            policy,
            providers,
            provider_names,
            upstreams,
            reserved,
            token,
            contracts,
            cache,
            replies,
            token_names,
            routes,
        }
    }

    /// The providers that a token for this API may go to.
    pub fn choices(&self, api: ApiIndex) -> &[Choice] {
        self.routes.get(api.0).map_or(&[], Vec::as_slice)
    }

    /// Whether each API has its providers. It has none when the lists of all APIs together are longer than keys can
    /// number; its requests then end as internal errors.
    pub fn has_a_route_for_every_api(&self) -> bool {
        self.routes.iter().all(|choices| !choices.is_empty())
    }

    /// The one provider that this token goes to: the one whose issuer it names, else the first of the API.
    pub fn choose(&self, api: ApiIndex, token: &Bearer) -> Option<Choice> {
        let choices = self.choices(api);
        if choices.len() > 1
            && let Some(issuer) = unverified_issuer(token.expose())
        {
            let named = choices.iter().find(|choice| {
                let provider = self.providers.get(choice.provider.0);
                provider.is_some_and(|provider| provider.checks.issuer.as_deref() == Some(&*issuer))
            });
            if let Some(choice) = named {
                return Some(*choice);
            }
        }
        choices.first().copied()
    }

    /// The token's name in shared data and between workers; `None` without such a provider.
    pub fn token_name(&self, provider: ProviderIndex, token: &Bearer) -> Option<Digest> {
        Some(self.token_names.get(provider.0)?.name(token.expose().as_bytes()))
    }

    /// Prefix of the shared keys of token facts: changes with everything that shapes them.
    pub fn facts_prefix(&self) -> String {
        let mut shape = format!("{} {}", self.cache.entries, self.cache.respect_cache_control);
        for provider in &self.providers {
            let Endpoint { url, cluster, client, parameters, headers, .. } = &provider.endpoint;
            // Debug hides secrets, and that is right: a new secret for the same client changes no facts. But a bearer
            // token or a header may be all that tells the authorization server who asks, or for which tenant.
            let bearer = match client {
                ClientAuth::Bearer(token) => token.expose(),
                ClientAuth::Basic { .. } | ClientAuth::Post { .. } | ClientAuth::None { .. } => "",
            };
            let asked = (url, cluster, client, bearer, parameters, exposed(headers));
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

fn routes(policy: &Policy) -> Vec<Vec<Choice>> {
    let mut lists: Vec<(&[ProviderIndex], Vec<Choice>)> = Vec::new();
    let mut next_key = 0_usize;
    policy
        .apis()
        .iter()
        .map(|api| {
            if let Some((_, choices)) = lists.iter().find(|(providers, _)| *providers == api.providers) {
                return choices.clone();
            }
            let choice = |provider: &ProviderIndex| {
                next_key += 1;
                Some(Choice { provider: *provider, key: u16::try_from(next_key).ok()? })
            };
            let choices: Vec<Choice> = api.providers.iter().map(choice).collect::<Option<_>>().unwrap_or_default();
            lists.push((&api.providers, choices.clone()));
            choices
        })
        .collect()
}

#[cfg(test)]
mod tests;
