//! What the configuration says about contracts.

use std::rc::Rc;
use std::time::Duration;

use crate::base::http::HttpUrl;
use crate::base::secret::Secret;
use crate::contract::row::Row;

/// Where contracts come from and how long they may be trusted.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Contracts given in the configuration; of two for one identity the last holds.
    pub inline: Vec<Row>,
    /// The server that is polled for contracts.
    pub source: Option<SourceSettings>,
    /// After this long without a successful poll nothing counts as loaded; `None` = no bound.
    pub max_staleness: Option<Duration>,
    /// What holds until the source has answered for the first time.
    pub before_first_load: BeforeFirstLoad,
}

/// An HTTP server with the contract document.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Envoy cluster that reaches the server.
    pub cluster: Rc<str>,
    /// Where the document is.
    pub url: HttpUrl,
    /// Time from the start of one poll to the start of the next.
    pub refresh: Duration,
    /// Time for one page.
    pub timeout: Duration,
    /// Further request headers, such as credentials.
    pub headers: Vec<(Box<str>, Secret)>,
}

impl SourceSettings {
    /// A number that another one has as soon as anything is polled differently: elsewhere, at another pace, or with
    /// other credentials.
    pub fn fingerprint(&self) -> u64 {
        let Self { cluster, url, refresh, timeout, headers } = self;
        let mut hash = hmac_sha256::Hash::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        for part in [cluster, url.scheme(), url.authority(), url.path()] {
            add(part.as_bytes());
        }
        for span in [refresh, timeout] {
            add(&span.as_nanos().to_le_bytes());
        }
        for (name, value) in headers {
            add(name.as_bytes());
            add(value.expose().as_bytes());
        }
        let digest = hash.finalize();
        digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

/// What holds while a configured source has never been loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BeforeFirstLoad {
    /// Nothing: contracts count as not loaded.
    #[default]
    Refuse,
    /// The contracts of the configuration.
    Inline,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_counts_for_the_fingerprint() {
        let settings = SourceSettings {
            cluster: "contracts".into(),
            url: HttpUrl::parse("https://contracts.internal/c").unwrap(),
            refresh: Duration::from_secs(15),
            timeout: Duration::from_secs(5),
            headers: vec![("authorization".into(), Secret::new("Bearer a"))],
        };
        let fingerprint = settings.fingerprint();
        assert_eq!(settings.clone().fingerprint(), fingerprint);
        let others: [fn(&mut SourceSettings); 7] = [
            |other| other.cluster = "others".into(),
            |other| other.url = HttpUrl::parse("http://contracts.internal/c").unwrap(),
            |other| other.url = HttpUrl::parse("https://contracts.example/c").unwrap(),
            |other| other.url = HttpUrl::parse("https://contracts.internal/d").unwrap(),
            |other| other.refresh = Duration::from_secs(16),
            |other| other.timeout = Duration::from_secs(6),
            |other| other.headers = vec![("authorization".into(), Secret::new("Bearer b"))],
        ];
        for (number, change) in others.into_iter().enumerate() {
            let mut other = settings.clone();
            change(&mut other);
            assert_ne!(other.fingerprint(), fingerprint, "{number}");
        }
    }
}
