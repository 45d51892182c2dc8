//! What this worker knows of each authorization server: its address, its keys, its metadata.

use crate::base::http::HttpCall;
use crate::base::time::Timestamp;
use crate::cache::Remembered;
use crate::feed::fresh_document::{Demand, FreshDocument, Location};
use crate::jose::jwk_set::KeySet;
use crate::provider::Provider;
use crate::provider::introspection::request::{Endpoint, Introspection};
use crate::provider::jwt::settings::KeySource;
use crate::provider::metadata::Metadata;
use crate::token::confirmation::Thumbprint;
use crate::token::facts::TokenState;
use std::rc::Rc;
use std::time::Duration;

/// The sources of facts, one for each provider, in their order.
#[derive(Debug)]
pub(super) struct Sources(Vec<Source>);

/// One authorization server, as this worker knows it.
#[derive(Debug)]
pub(super) struct Source {
    provider: Rc<Provider>,
    /// Where it is asked about tokens.
    endpoint: Option<Rc<Endpoint>>,
    /// Where the keys are fetched from, if they are.
    pub keys: Option<FreshDocument<KeySet>>,
    pub metadata: Option<FreshDocument<Metadata>>,
}

/// A document of one authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerDocument {
    Metadata,
    Keys,
}

/// What a request gets that cannot go on.
#[derive(Debug)]
pub(super) enum Wanted {
    /// This document is being fetched, by this call if there is one.
    UnderWay(ServerDocument, Option<HttpCall>),
    /// Nothing newer is to be had. Whether that is for want of an answer.
    Lacking { is_outage: bool },
}

impl Sources {
    pub(super) fn new(providers: &[Rc<Provider>], seed: u64) -> Self {
        Self(providers.iter().map(|provider| Source::new(provider, seed)).collect())
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Source> {
        self.0.get_mut(slot)
    }

    /// Where the provider is asked about tokens, if that is known.
    pub(super) fn endpoint(&self, provider: &Provider) -> Option<&Rc<Endpoint>> {
        self.0.get(provider.slot)?.endpoint.as_ref()
    }

    /// The keys in force, if there are any yet.
    pub(super) fn keys(&self, provider: &Provider) -> Option<&Rc<KeySet>> {
        let source = self.0.get(provider.slot)?;
        match &source.provider.jwt.as_ref()?.keys {
            KeySource::Inline(keys) => Some(keys),
            KeySource::Fetched { .. } => source.keys.as_ref()?.content(),
        }
    }

    /// Whether an answer of another worker, or one from before, counts here: a signed one while the key that signed it
    /// is in force. What is not active may be an error, and those are never signed.
    pub(super) fn trusts(&self, provider: &Provider, answer: &Remembered) -> bool {
        let is_signed = provider.introspection.as_ref().is_some_and(|introspection| introspection.signed_for.is_some());
        let TokenState::Active(facts) = &answer.state else { return true };
        let issuer = provider.checks.issuer.as_deref().unwrap_or_default();
        let is_held = |key: &Thumbprint| self.keys(provider).is_some_and(|keys| keys.holds(key, issuer));
        !is_signed || facts.signed_by.as_deref().is_some_and(is_held)
    }

    /// How long a request may wait for this provider's documents.
    pub(super) fn patience(&self, provider: &Provider) -> Duration {
        let Some(source) = self.0.get(provider.slot) else { return Duration::ZERO };
        let metadata = source.metadata.as_ref().map_or(Duration::ZERO, FreshDocument::total_timeout);
        let keys = source.keys.as_ref().map_or(Duration::ZERO, FreshDocument::total_timeout);
        metadata.saturating_add(keys)
    }

    /// The fetches that are due.
    pub(super) fn poll(&mut self, now: Timestamp) -> Vec<(usize, ServerDocument, HttpCall)> {
        let due = self.0.iter_mut().enumerate().flat_map(|(slot, source)| {
            let metadata = source.metadata.as_mut().and_then(|document| document.poll(now));
            let keys = source.keys.as_mut().and_then(|document| document.poll(now));
            let metadata = metadata.map(|call| (slot, ServerDocument::Metadata, call));
            metadata.into_iter().chain(keys.map(|call| (slot, ServerDocument::Keys, call)))
        });
        due.collect()
    }

    /// How old the keys of each provider are that fetches them.
    pub(super) fn key_ages(&self, now: Timestamp) -> impl Iterator<Item = (&Rc<Provider>, Duration)> {
        self.0.iter().filter_map(move |source| Some((&source.provider, source.keys.as_ref()?.age(now)?)))
    }
}

impl Source {
    fn new(provider: &Rc<Provider>, seed: u64) -> Self {
        let metadata = provider.discovery.as_ref();
        let metadata = metadata.map(|found| FreshDocument::new(found.locations(), found.freshening, seed));
        let keys = match provider.jwt.as_ref().map(|jwt| &jwt.keys) {
            Some(KeySource::Fetched { url, cluster, freshening }) => {
                let given = url.clone().zip(cluster.clone()).map(|(url, cluster)| Location { url, cluster });
                Some(FreshDocument::new(given.into_iter().collect(), *freshening, seed.rotate_left(1)))
            }
            Some(KeySource::Inline(_)) | None => None,
        };
        let endpoint = provider.introspection.as_ref().and_then(Introspection::endpoint).map(Rc::new);
        Self { provider: Rc::clone(provider), endpoint, keys, metadata }
    }

    pub(super) fn provider(&self) -> &Rc<Provider> {
        &self.provider
    }

    /// A request needs other keys than those that are known. One that has waited asks for no fetch again, but waits for
    /// one that is still to bring the first keys.
    pub(super) fn want_keys(&mut self, has_waited: bool, now: Timestamp) -> Wanted {
        let Some(keys) = &mut self.keys else { return Wanted::Lacking { is_outage: false } };
        if has_waited && keys.content().is_some() && !keys.is_under_way() {
            return Wanted::Lacking { is_outage: keys.has_failed() };
        }
        match keys.demand(now) {
            Demand::UnderWay(call) => return Wanted::UnderWay(ServerDocument::Keys, call),
            Demand::TooSoon if keys.content().is_some() => return Wanted::Lacking { is_outage: keys.has_failed() },
            Demand::TooSoon => {}
        }
        self.want_endpoint(now)
    }

    /// A request needs to know where the server is.
    pub(super) fn want_endpoint(&mut self, now: Timestamp) -> Wanted {
        match self.metadata.as_mut().filter(|metadata| metadata.content().is_none()) {
            None => Wanted::Lacking { is_outage: true },
            Some(metadata) => match metadata.demand(now) {
                Demand::UnderWay(call) => Wanted::UnderWay(ServerDocument::Metadata, call),
                Demand::TooSoon => Wanted::Lacking { is_outage: true },
            },
        }
    }

    /// The metadata in force says where the server is. What the configuration says goes before it. Returns what keeps an
    /// endpoint from being used, each in a phrase.
    pub(super) fn adopt_metadata(&mut self) -> Vec<String> {
        let (Some(document), Some(discovery)) = (&self.metadata, &self.provider.discovery) else { return Vec::new() };
        let (Some(metadata), Some(at)) = (document.content(), document.location()) else { return Vec::new() };
        let mut problems = Vec::new();
        let mut located = |name: &str, found: Option<&_>, cluster: Option<&Rc<str>>| match found {
            Some(url) => {
                discovery.located(url, &at.url, cluster).map_err(|e| problems.push(format!("{name}: {e}"))).ok()
            }
            None => {
                problems.push(format!("{name}: it names none; configure it, or leave out what needs it"));
                None
            }
        };
        if let Some(introspection) = self.provider.introspection.as_ref().filter(|settings| settings.url.is_none()) {
            let found = metadata.introspection_endpoint.as_ref();
            let located = located("introspection_endpoint", found, introspection.cluster.as_ref());
            let endpoint =
                located.map(|Location { url, cluster }| Endpoint::new(url, cluster, Rc::clone(introspection)));
            self.endpoint = endpoint.map(Rc::new).or(self.endpoint.take());
        }
        if let Some(KeySource::Fetched { url: None, cluster, .. }) = self.provider.jwt.as_ref().map(|jwt| &jwt.keys)
            && let Some(keys) = &mut self.keys
            && let Some(location) = located("jwks_uri", metadata.jwks_uri.as_ref(), cluster.as_ref())
        {
            keys.move_to(location);
        }
        problems
    }
}

impl ServerDocument {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Keys => "keys",
        }
    }
}
