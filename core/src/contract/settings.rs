//! What the configuration says about contracts.

use std::hash::{DefaultHasher, Hasher};
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
    /// After so long everything is asked for, whatever has changed.
    pub full_reload: Duration,
    /// Time for one page.
    pub timeout: Duration,
    /// Further request headers, such as credentials.
    pub headers: Vec<(Box<str>, Secret)>,
}

impl SourceSettings {
    /// Names how the source is polled. Whom it is asked of, for what and by whom is no part of it: those who ask
    /// otherwise have a set of their own.
    pub fn pace(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for span in [self.refresh, self.full_reload, self.timeout] {
            hasher.write_u128(span.as_nanos());
        }
        hasher.finish()
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
    fn who_is_asked_and_by_whom_is_no_part_of_the_pace() {
        let settings = SourceSettings {
            cluster: "contracts".into(),
            url: HttpUrl::parse("https://contracts.internal/c").unwrap(),
            refresh: Duration::from_secs(15),
            full_reload: Duration::from_secs(3600),
            timeout: Duration::from_secs(5),
            headers: Vec::new(),
        };
        let others: [fn(&mut SourceSettings); 4] = [
            |other| other.headers = vec![("authorization".into(), Secret::new("Bearer a"))],
            |other| other.refresh = Duration::from_secs(16),
            |other| other.full_reload = Duration::from_secs(16),
            |other| other.timeout = Duration::from_secs(16),
        ];
        let same = others.map(|change| {
            let mut other = settings.clone();
            change(&mut other);
            other.pace() == settings.pace()
        });
        assert_eq!(same, [true, false, false, false]);
    }
}
