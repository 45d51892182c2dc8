//! The configurations of histories, read once.

use serde_json::json;
use std::rc::Rc;
use tessera_core::config;
use tessera_core::engine::settings::Settings;

/// One attempt.
pub const TIMEOUT: u64 = 1500;
pub const RETRIES: u64 = 1;
pub const SKEW: u64 = 500;
/// Between two polls of contracts.
pub const REFRESH: u64 = 2000;
/// The strict operation asks for facts no older than this.
pub const MAX_AGE: u64 = 1000;

/// What a configuration promises, in milliseconds, beside what it is for the engine.
#[derive(Clone)]
pub struct Configuration {
    pub settings: Rc<Settings>,
    pub max_ttl: u64,
    pub negative_ttl: u64,
    pub stale_if_error: u64,
    pub max_staleness: u64,
    pub scopes: Scopes,
    /// Empty where none is asked for.
    pub audience: &'static str,
    /// Who shares it shares facts.
    pub entries: u64,
    /// Whose contracts: by the credential of the poll alone.
    pub tenant: &'static str,
}

/// What the rule asks of a token's scopes.
#[derive(Clone, Copy)]
pub struct Scopes {
    pub all: bool,
    pub listed: &'static [&'static str],
}

const BOTH: Scopes = Scopes { all: true, listed: &["read", "write"] };
const EITHER: Scopes = Scopes { all: false, listed: &["write", "other"] };
const ONE: Scopes = Scopes { all: true, listed: &["read"] };

/// Some that differ in everything that a history depends on, and share what they may.
pub fn all() -> Vec<Configuration> {
    let mut all = Vec::new();
    for (entries, max_ttl, negative_ttl, stale_if_error) in
        [(8, 4000, 1000, 0), (8, 2000, 0, 3000), (1000, 4000, 1000, 60_000), (1000, 8000, 500, 3000)]
    {
        for (scopes, audience, tenant, max_staleness) in
            [(BOTH, "", "a", 86_400_000), (EITHER, "", "b", 6000), (ONE, "api", "b", 86_400_000)]
        {
            let audiences: Vec<_> = [audience].into_iter().filter(|audience| !audience.is_empty()).collect();
            let span = |millis: u64| if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") };
            let introspection = json!({
                "endpoint": "https://idp.example.com/introspect", "cluster": "idp", "timeout": span(TIMEOUT),
                "retries": RETRIES, "client": {"id": "gateway", "auth": "client_secret_basic", "secret": "s3cret"},
            });
            let source = json!({
                "url": "https://contracts.internal/c", "cluster": "contracts", "refresh": span(REFRESH), "timeout": "1s",
                "headers": {"authorization": tenant},
            });
            let text = json!({
                "providers": [{
                    "name": "main", "introspection": introspection, "proof_of_possession": "ignore",
                    "clock_skew": span(SKEW), "audiences": audiences,
                }],
                "apis": [{
                    "id": "orders", "scopes": {(if scopes.all { "all" } else { "any" }): scopes.listed},
                    "operations": [
                        {"match": {"paths": ["/strict"]}, "max_age": span(MAX_AGE)},
                        {"match": {"paths": ["/free"]}, "contract": "none"},
                    ],
                }],
                "cache": {
                    "entries": entries, "max_ttl": span(max_ttl), "negative_ttl": span(negative_ttl),
                    "stale_if_error": span(stale_if_error),
                },
                "contracts": {"source": source, "max_staleness": span(max_staleness)},
            });
            let settings = config::read(text.to_string().as_bytes(), &|_| None).expect("a configuration");
            let settings = Rc::new(settings);
            all.push(Configuration {
                settings,
                max_ttl,
                negative_ttl,
                stale_if_error,
                max_staleness,
                scopes,
                audience,
                entries,
                tenant,
            });
        }
    }
    all
}
