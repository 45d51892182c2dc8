//! The metadata of protected resources (RFC 9728), ready for whoever asks.

use crate::policy::api::Api;
use crate::policy::resource::is_well_known;
use crate::policy::resource_metadata::document;
use crate::port::RequestHead;
use crate::proof::dpop::DpopSettings;
use crate::token::extract::TokenSource;
use std::rc::Rc;

/// The APIs that have metadata, and what it says.
#[derive(Clone, Debug, Default)]
pub struct Resources(Box<[(Rc<Api>, Box<str>)]>);

impl Resources {
    /// Those among these APIs. Tokens are looked for in these sources, and proved so.
    pub fn of(apis: &[Rc<Api>], sources: &[TokenSource], dpop: &DpopSettings) -> Self {
        let described = apis.iter().filter_map(|api| {
            let document = document(api.resource.as_ref()?, api, sources, dpop.algorithm_names());
            Some((Rc::clone(api), document.into()))
        });
        Self(described.collect())
    }

    /// The target of the request, where it may be for the metadata of one of them.
    #[inline]
    pub fn target<'a>(&self, head: &'a impl RequestHead) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        head.first(":path").filter(|target| is_well_known(target))
    }

    /// The one whose metadata is at this address, and its metadata.
    pub fn at(&self, authority: &[u8], target: &[u8]) -> Option<(&Rc<Api>, &str)> {
        let found = self.0.iter().find(|(api, _)| {
            let resource = api.resource.as_ref();
            resource.is_some_and(|resource| resource.identifier.is_described_at(authority, target))
        });
        found.map(|(api, document)| (api, &**document))
    }
}
