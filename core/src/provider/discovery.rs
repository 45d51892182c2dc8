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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn url(text: &str) -> HttpUrl {
        HttpUrl::parse(text).unwrap()
    }

    #[test]
    fn each_address_is_tried_by_the_one_cluster_and_others_are_reached_by_their_origin() {
        let urls = ["https://idp.example.com/.well-known/a", "https://idp.example.com/.well-known/b"].map(url);
        let discovery = Discovery {
            urls: urls.to_vec(),
            cluster: "idp".into(),
            clusters: vec![("https://keys.example.com".into(), "keys".into())],
            freshening: Freshening { refresh: Duration::from_secs(60), timeout: Duration::from_secs(1) },
        };
        let located = |url: &HttpUrl, cluster: &str| Location { url: url.clone(), cluster: cluster.into() };
        assert_eq!(discovery.locations(), urls.each_ref().map(|url| located(url, "idp")));
        for (text, cluster) in [
            ("https://idp.example.com/keys", Some("idp")),
            ("https://keys.example.com/keys", Some("keys")),
            ("https://other.example.com/keys", None),
        ] {
            let endpoint = url(text);
            assert_eq!(discovery.cluster_of(&endpoint).as_deref(), cluster, "{text}");
            let found = discovery.located(&endpoint, &urls[0], None).ok();
            assert_eq!(found, cluster.map(|cluster| located(&endpoint, cluster)), "{text}");
            let given = discovery.located(&endpoint, &urls[0], Some(&"given".into())).ok();
            assert_eq!(given, cluster.map(|_| located(&endpoint, "given")), "{text}");
        }
        assert_eq!(Discovery { urls: Vec::new(), ..discovery }.cluster_of(&urls[0]), None);
    }
}
