//! The authorization servers of the policies.

use super::authorization::Client;
use super::change::{At, Kind, Notes};
use super::given::Given;
use super::limits;
use super::parameters::{Parameters, Paths};
use super::policy::Policy;
use tessera_core::base::http::HttpUrl;

#[derive(Debug)]
pub struct Provider {
    pub url: String,
    pub cluster: String,
    /// Environment variable of its secret.
    pub variable: String,
    pub issuer: Option<String>,
    pub client: Client,
    /// Milliseconds.
    pub timeout: i64,
    /// The member of an answer that names the client.
    pub consumer: Option<&'static str>,
}

/// One provider for each URL.
pub struct Providers<'a> {
    given: &'a Given,
    pub list: Vec<Provider>,
    /// For each provider, the secret `authorizationValue` that it is from, and where its URL is.
    origins: Vec<(Option<String>, &'a Policy, At)>,
}

/// What a policy says of its provider.
struct Wanted<'a> {
    client: Client,
    secret: Option<&'a str>,
    timeout: i64,
    consumer: Option<&'static str>,
}

impl<'a> Providers<'a> {
    pub fn new(given: &'a Given) -> Self {
        Self { given, list: Vec::new(), origins: Vec::new() }
    }

    /// The provider of a policy, new or known; `None` with a fault.
    pub fn add(&mut self, policy: &'a Policy, notes: &mut Notes) -> Option<usize> {
        let mut parameters = Parameters { policy, notes };
        parameters.look_over();
        let (url, at) = parameters.endpoint(self.given.introspection_url.as_deref())?;
        let known = self.list.iter().position(|provider| provider.url == url);
        let index = known.unwrap_or(self.list.len());
        let provider = format!("providers[{index}]");
        let paths = Paths { provider, api: String::new(), operations: String::new() };
        let cluster = self.cluster_of(&url);
        let variable = match index {
            0 => self.given.secret_env.clone(),
            _ => format!("{}_{}", self.given.secret_env, index + 1),
        };
        parameters.note_endpoint(at, &paths, &cluster);
        let (client, secret) = parameters.client(&paths, &variable, self.given.client_id.as_deref());
        let timeout = parameters.limit(&limits::TIMEOUT, &paths);
        let consumer = parameters.consumer(&paths);
        let wanted = Wanted { client, secret, timeout, consumer };
        match known {
            Some(index) => self.merge(index, policy, wanted, notes),
            None => {
                self.origins.push((secret.map(Into::into), policy, at));
                let Wanted { client, timeout, consumer, .. } = wanted;
                self.list.push(Provider { url, cluster, variable, issuer: None, client, timeout, consumer });
            }
        }
        Some(index)
    }

    /// One URL is one provider, so what its policies say differently cannot all be kept.
    fn merge(&mut self, index: usize, policy: &'a Policy, wanted: Wanted<'a>, notes: &mut Notes) {
        let Some(provider) = self.list.get_mut(index) else { return };
        let Some((first_secret, ..)) = self.origins.get(index) else { return };
        let mut note = |parameter: &str, member: &str, message: &str| {
            let path = format!("providers[{index}].{member}");
            let at = Parameters { policy, notes: &mut *notes }.place(parameter);
            policy.note(notes, Kind::Meaning, (at, parameter), &path, message);
        };
        let differs = "differs from that of an earlier policy with this URL, which counts";
        if provider.client != wanted.client || first_secret.as_deref() != wanted.secret {
            note("authorizationValue", "introspection.client", differs);
        }
        if provider.timeout != wanted.timeout {
            let message = "policies with this URL differ: the longest counts";
            note("authenticationTimeout", "introspection.timeout", message);
        }
        provider.timeout = provider.timeout.max(wanted.timeout);
        match (provider.consumer, wanted.consumer) {
            (Some(first), Some(this)) if first != this => note("consumerBy", "claims.client_id", differs),
            (first, this) => provider.consumer = first.or(this),
        }
    }

    /// A cluster for each origin.
    fn cluster_of(&self, url: &str) -> String {
        let origin = |url: &str| HttpUrl::parse(url).map(|url| url.origin()).ok();
        let mut origins: Vec<Option<String>> = Vec::new();
        for provider in &self.list {
            let origin = origin(&provider.url);
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        let own = origin(url);
        match origins.iter().position(|origin| *origin == own).unwrap_or(origins.len()) {
            0 => self.given.cluster.clone(),
            at => format!("{}-{}", self.given.cluster, at + 1),
        }
    }

    /// Gives each an issuer, if there are several: the one from the command line, or a guess.
    pub fn name_issuers(&mut self, notes: &mut Notes) {
        let several = self.list.len() > 1;
        let mut taken: Vec<String> = self.given.issuers.clone();
        for (index, provider) in self.list.iter_mut().enumerate() {
            if let Some(issuer) = self.given.issuers.get(index) {
                provider.issuer = Some(issuer.clone());
            } else if several {
                let origin = HttpUrl::parse(&provider.url).map_or_else(|_| provider.url.clone(), |url| url.origin());
                // Servers of one origin must differ, so the second one gets its URL, which nobody takes for its issuer.
                let issuer = if taken.contains(&origin) { provider.url.clone() } else { origin };
                taken.push(issuer.clone());
                provider.issuer = Some(issuer);
                let path = format!("providers[{index}].issuer");
                let message = "several servers are told apart by iss: this is a guess by the URL; --issuer says it, once per server";
                if let Some((_, policy, at)) = self.origins.get(index) {
                    policy.note(notes, Kind::Meaning, (*at, "introspectionURL"), &path, message);
                }
            }
        }
    }
}
