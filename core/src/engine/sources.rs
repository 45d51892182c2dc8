//! What this worker knows of where each authorization server is.

use crate::provider::Provider;
use crate::provider::introspection::request::{Endpoint, Introspection};
use std::rc::Rc;

/// The sources of facts, one for each provider, in their order.
#[derive(Debug)]
pub(super) struct Sources(Vec<Source>);

#[derive(Debug)]
struct Source {
    endpoint: Option<Rc<Endpoint>>,
}

impl Sources {
    pub(super) fn new(providers: &[Rc<Provider>]) -> Self {
        let source = |provider: &Rc<Provider>| Source {
            endpoint: provider.introspection.as_ref().and_then(Introspection::endpoint).map(Rc::new),
        };
        Self(providers.iter().map(source).collect())
    }

    /// Where the provider is asked about tokens, if it is and that is known.
    pub(super) fn endpoint(&self, provider: &Provider) -> Option<&Rc<Endpoint>> {
        self.0.get(provider.slot)?.endpoint.as_ref()
    }
}
