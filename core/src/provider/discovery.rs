//! How an authorization server's metadata is found.

use super::metadata::{self, OutsideOrigin};
use crate::base::http::HttpUrl;
use crate::feed::fresh_document::{Freshening, Location};
use std::rc::Rc;

/// Where the metadata of an authorization server is (RFC 8414, `OpenID` Connect Discovery), and how its endpoints are
/// reached.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// Where it may be, in the order to try; never empty.
    pub urls: Vec<HttpUrl>,
    /// The cluster that reaches it.
    pub cluster: Rc<str>,
    /// Origins elsewhere, each with the cluster that reaches it.
    pub clusters: Vec<(Box<str>, Rc<str>)>,
    pub freshening: Freshening,
}

impl Discovery {
    pub fn locations(&self) -> Vec<Location> {
        let location = |url: &HttpUrl| Location { url: url.clone(), cluster: Rc::clone(&self.cluster) };
        self.urls.iter().map(location).collect()
    }

    /// Where an endpoint is that the metadata at `metadata` names: reached by the cluster that is `given`, or else by
    /// that of its origin, which must be known either way.
    ///
    /// # Errors
    /// [`OutsideOrigin`] when its origin is not the metadata's and has no cluster.
    pub fn located(
        &self,
        endpoint: &HttpUrl,
        metadata: &HttpUrl,
        given: Option<&Rc<str>>,
    ) -> Result<Location, OutsideOrigin> {
        let found = metadata::cluster_for(endpoint, metadata, &self.cluster, &self.clusters)?;
        Ok(Location { url: endpoint.clone(), cluster: given.map_or(found, Rc::clone) })
    }

    /// The cluster that reaches a configured address for which none is; `None` where its origin has none either.
    pub fn cluster_of(&self, url: &HttpUrl) -> Option<Rc<str>> {
        let at = self.urls.first()?;
        metadata::cluster_for(url, at, &self.cluster, &self.clusters).ok()
    }
}
