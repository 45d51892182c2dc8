//! The calls that a configuration makes the filter send, and the clusters that it names for them.

use super::cursor::Cursor;
use std::time::Duration;
use tessera_core::base::http::HttpUrl;
use tessera_core::config::parse_duration;

/// A request to another server.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Where its URL stands; `None` where metadata say it, or where it is none.
    pub url: Option<(HttpUrl, Cursor<'a>)>,
    /// The cluster's name.
    pub cluster: Cursor<'a>,
    /// Of one attempt.
    pub timeout: Option<Duration>,
}

/// What a provider says of its calls.
struct Provider<'a> {
    discovery: Option<Cursor<'a>>,
    issuer: Option<Cursor<'a>>,
    introspection: Option<Cursor<'a>>,
    keys: Option<Cursor<'a>>,
}

pub fn of<'a>(root: &Cursor<'a>) -> Vec<Call<'a>> {
    let providers = root.list("providers").flat_map(|provider| Provider::new(&provider).calls());
    let source = root.dig(&["contracts", "source"]);
    let polls = source.and_then(|source| {
        Some(Call {
            url: url(source.get("url")),
            cluster: source.get("cluster")?,
            timeout: timeout(Some(&source), Duration::from_secs(5)),
        })
    });
    providers.chain(polls).collect()
}

impl<'a> Provider<'a> {
    fn new(provider: &Cursor<'a>) -> Self {
        Self {
            discovery: provider.get("discovery"),
            issuer: provider.get("issuer"),
            introspection: provider.get("introspection"),
            keys: provider.dig(&["jwt", "keys"]),
        }
    }

    fn calls(&self) -> Vec<Call<'a>> {
        let introspection = self.introspection.as_ref().and_then(|section| self.configured(section, "endpoint"));
        let keys = self.keys.as_ref().and_then(|section| self.configured(section, "url"));
        introspection.into_iter().chain(keys).chain(self.metadata()).chain(self.elsewhere()).collect()
    }

    fn configured(&self, section: &Cursor<'a>, key: &str) -> Option<Call<'a>> {
        let url = url(section.get(key));
        let found = || self.cluster_for(&url.as_ref()?.0);
        let cluster = section.get("cluster").or_else(found)?;
        Some(Call { cluster, timeout: timeout(Some(section), Duration::from_secs(2)), url })
    }

    /// The cluster that discovery names for the origin of this URL.
    fn cluster_for(&self, url: &HttpUrl) -> Option<Cursor<'a>> {
        let discovery = self.discovery.as_ref()?;
        let is_same = |other: Option<HttpUrl>| other.is_some_and(|other| other.origin() == url.origin());
        let mut others = discovery.get("clusters").into_iter().flat_map(|clusters| clusters.members());
        let other = others.find(|(member, _)| is_same(HttpUrl::parse(&member.key).ok()));
        other.map(|(_, cluster)| cluster).or_else(|| {
            let own = self.metadata_url(discovery).map(|(own, _)| own);
            discovery.get("cluster").filter(|_| is_same(own))
        })
    }

    fn metadata_url(&self, discovery: &Cursor<'a>) -> Option<(HttpUrl, Cursor<'a>)> {
        url(discovery.get("url").or_else(|| self.issuer.clone()))
    }

    fn metadata(&self) -> Option<Call<'a>> {
        let discovery = self.discovery.as_ref()?;
        Some(Call {
            url: self.metadata_url(discovery),
            cluster: discovery.get("cluster")?,
            timeout: timeout(Some(discovery), Duration::from_secs(2)),
        })
    }

    /// Calls to the other origins that metadata may name.
    fn elsewhere(&self) -> Vec<Call<'a>> {
        let default = Duration::from_secs(2);
        let timeouts = [self.introspection.as_ref(), self.keys.as_ref()].map(|section| timeout(section, default));
        let [introspection, keys] = timeouts;
        let shortest = introspection.zip(keys).map(|(one, other)| one.min(other));
        let clusters = self.discovery.as_ref().and_then(|discovery| discovery.get("clusters"));
        let origins = clusters.into_iter().flat_map(|clusters| clusters.members());
        origins
            .map(|(member, cluster)| {
                let at = Cursor { span: member.key_span, ..cluster.clone() };
                Call { url: HttpUrl::parse(&member.key).ok().map(|url| (url, at)), cluster, timeout: shortest }
            })
            .collect()
    }
}

fn url(at: Option<Cursor<'_>>) -> Option<(HttpUrl, Cursor<'_>)> {
    let at = at?;
    Some((HttpUrl::parse(at.text()?).ok()?, at))
}

/// The timeout of a section; `None` where it is none.
fn timeout(section: Option<&Cursor<'_>>, default: Duration) -> Option<Duration> {
    match section.and_then(|section| section.get("timeout")) {
        Some(value) => parse_duration(value.text()?).filter(|timeout| !timeout.is_zero()),
        None => Some(default),
    }
}
