//! The settings of a polled document.

use crate::base::hash::SipHash;
use crate::base::http::HttpUrl;
use crate::base::secret::Secret;
use crate::feed::preference::{self, Wait};
use std::rc::Rc;
use std::time::Duration;

/// An HTTP server with a document.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    pub cluster: Rc<str>,
    pub url: HttpUrl,
    /// Time from the start of one poll to the start of the next.
    pub refresh: Duration,
    /// After so long everything is asked for, whatever has changed.
    pub full_reload: Duration,
    pub timeout: Duration,
    pub headers: Vec<(Box<str>, Secret)>,
}

impl FeedSettings {
    /// How long the server is asked to hold a poll (RFC 7240, 4.3); zero where it is not asked to.
    pub fn wait(&self) -> Duration {
        let prefer = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("prefer"));
        let wait = preference::wait(prefer.map(|(_, value)| value.expose().as_bytes()));
        wait.and_then(Wait::span).unwrap_or_default()
    }

    /// Names how the document is polled. Whom it is asked of, for what and by whom is not part of it: those who ask
    /// otherwise have a document of their own.
    pub fn pace(&self) -> u64 {
        let mut hash = SipHash::new(0);
        for span in [self.refresh, self.full_reload, self.timeout] {
            hash.write(&span.as_nanos().to_le_bytes());
        }
        hash.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_and_by_whom_is_no_part_of_the_pace() {
        let settings = FeedSettings {
            cluster: "contracts".into(),
            url: HttpUrl::parse("https://contracts.internal/c").unwrap(),
            refresh: Duration::from_secs(15),
            full_reload: Duration::from_secs(3600),
            timeout: Duration::from_secs(5),
            headers: Vec::new(),
        };
        let others: [fn(&mut FeedSettings); 4] = [
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
