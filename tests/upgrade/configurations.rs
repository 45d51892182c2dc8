//! Configurations for either version, as text, and what each promises.

use serde_json::json;

/// One attempt.
pub const TIMEOUT: u64 = 1500;
pub const RETRIES: u64 = 1;
pub const SKEW: u64 = 500;
const REFRESH: u64 = 2000;
/// The strict operation asks for facts no older than this.
pub const MAX_AGE: u64 = 1000;

/// In milliseconds.
#[derive(Clone, Debug)]
pub struct Promised {
    pub text: String,
    pub max_ttl: u64,
    pub stale_if_error: u64,
    pub max_staleness: u64,
    pub scope: &'static str,
    pub tenant: &'static str,
}

/// As many as the plans of the model choose from; upstreams see which answer and which contract let a request pass.
pub fn all() -> Vec<Promised> {
    let mut all = Vec::new();
    for (entries, max_ttl, negative_ttl, stale_if_error) in
        [(8, 4000, 1000, 0), (8, 2000, 0, 3000), (1000, 4000, 1000, 60_000), (1000, 8000, 500, 3000)]
    {
        for (scope, tenant, max_staleness) in
            [("read", "a", 86_400_000), ("write", "b", 6000), ("read", "b", 86_400_000)]
        {
            let span = |millis: u64| if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") };
            let introspection = json!({
                "endpoint": "https://idp.example.com/introspect", "cluster": "idp", "timeout": span(TIMEOUT),
                "retries": RETRIES, "client": {"id": "gateway", "auth": "client_secret_basic", "secret": "s3cret"},
            });
            let text = json!({
                "providers": [{"name": "main", "introspection": introspection, "clock_skew": span(SKEW)}],
                "apis": [{
                    "id": "orders", "scopes": {"all": [scope]},
                    "operations": [
                        {"match": {"paths": ["/strict"]}, "max_age": span(MAX_AGE)},
                        {"match": {"paths": ["/free"]}, "contract": "none"},
                    ],
                    "upstream": {"headers": {"x-subject": "subject", "x-sla-tier": "contract.tier"}},
                }],
                "cache": {
                    "entries": entries, "max_ttl": span(max_ttl), "negative_ttl": span(negative_ttl),
                    "stale_if_error": span(stale_if_error),
                },
                "contracts": {
                    "source": {
                        "url": "https://contracts.internal/c", "cluster": "contracts", "refresh": span(REFRESH),
                        "timeout": "1s", "headers": {"authorization": tenant},
                    },
                    "max_staleness": span(max_staleness),
                },
            });
            all.push(Promised { text: text.to_string(), max_ttl, stale_if_error, max_staleness, scope, tenant });
        }
    }
    all
}
