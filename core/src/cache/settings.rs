//! The settings of the cache.

use std::time::Duration;

/// The `cache` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Good answers stored, by each worker and by the process; 0 stores nothing.
    pub entries: usize,
    /// Longest life of a good answer.
    pub max_ttl: Duration,
    /// Longest life of a negative answer; zero stores none.
    pub negative_ttl: Duration,
    /// How long past its freshness a good answer may serve while the authorization server is down.
    pub stale_if_error: Duration,
    /// Whether hot entries are renewed shortly before they expire.
    pub refresh_ahead: bool,
    /// Whether `Cache-Control` of an answer shortens its life. Most servers say `no-store` in every answer and mean
    /// the caches of a browser; RFC 7662 §4 leaves it to the resource server what to keep.
    pub respect_cache_control: bool,
}

/// As the configuration has it where it says nothing.
#[cfg(test)]
impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            entries: 10_000,
            max_ttl: Duration::from_secs(300),
            negative_ttl: Duration::from_secs(10),
            stale_if_error: Duration::ZERO,
            refresh_ahead: true,
            respect_cache_control: false,
        }
    }
}

impl CacheSettings {
    /// Negative answers kept beside the good ones: a quarter of `entries`, at least 64; none when nothing is kept.
    pub fn negative_entries(&self) -> usize {
        match self.entries {
            0 => 0,
            entries => (entries / 4).max(64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_as_many_negative_answers_are_kept_and_64_at_least() {
        for (entries, expected) in [(0, 0), (1, 64), (256, 64), (259, 64), (260, 65), (10_000, 2_500)] {
            let settings = CacheSettings { entries, ..CacheSettings::default() };
            assert_eq!(settings.negative_entries(), expected, "{entries}");
        }
    }
}
