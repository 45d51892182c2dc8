//! An authorization server that is asked for its metadata (RFC 8414, OpenID Connect Discovery) and keys.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use tessera_core::jose::jwk_set::KeySet;

use crate::domain::text::is_safe_url;
use crate::http::json;
use crate::remote::aged::Aged;
use crate::remote::fetch::{answer, client};

/// Keys are used so long before they are fetched anew,
const FRESH_KEYS: Duration = Duration::from_secs(600);
/// and metadata.
const FRESH_METADATA: Duration = Duration::from_secs(3600);
/// Between two fetches, whatever tokens name for keys.
const PAUSE: Duration = Duration::from_secs(10);

/// Characters of what it says that are shown.
const MOST_SHOWN: usize = 200;

/// What is known of it.
#[derive(Clone)]
pub struct Issuer {
    pub url: Arc<str>,
    client: Client,
    metadata: Arc<Aged<Value>>,
    keys: Arc<Aged<KeySet>>,
}

impl Issuer {
    /// Each call of it ends `within` that time.
    ///
    /// # Errors
    /// The machine has no usable trust store.
    pub fn new(url: &str, within: Duration) -> Result<Self, reqwest::Error> {
        let (metadata, keys) = (Aged::new(FRESH_METADATA, PAUSE), Aged::new(FRESH_KEYS, PAUSE));
        Ok(Self { url: url.into(), client: client(within)?, metadata, keys })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its metadata.
    ///
    /// # Errors
    /// Why there is none, for the log.
    pub async fn published(&self) -> Result<Arc<Value>, String> {
        let own = self.clone();
        self.metadata.get(|_| true, || async move { own.discover().await }).await
    }

    /// A URL of its metadata.
    ///
    /// # Errors
    /// Why there is none, for the log.
    pub async fn endpoint(&self, member: &str) -> Result<String, String> {
        let metadata = self.published().await?;
        let url = metadata.get(member).and_then(Value::as_str).filter(|url| is_safe_url(url));
        url.map(str::to_owned).ok_or_else(|| format!("the metadata of {} has no usable {member}", self.url))
    }

    async fn discover(&self) -> Result<Value, String> {
        let mut why = String::new();
        for url in well_known(&self.url) {
            match self.json(&url).await {
                Ok(metadata) if metadata.get("issuer").and_then(Value::as_str) == Some(&*self.url) => {
                    return Ok(metadata);
                }
                Ok(metadata) => why = format!("{url}: names {}, not {}", other(&metadata), self.url),
                Err(error) => why = format!("{url}: {error}"),
            }
        }
        Err(why)
    }

    async fn json(&self, url: &str) -> Result<Value, String> {
        match answer(self.client.get(url)).await? {
            (200, body) => json::read(&body),
            (status, _) => Err(format!("status {status}")),
        }
    }

    /// Its keys; fetched anew when they are old, or lack the one of this name.
    ///
    /// # Errors
    /// Why there are none, for the log.
    pub async fn keys(&self, key_id: Option<&str>) -> Result<Arc<KeySet>, String> {
        let own = self.clone();
        let has = |set: &KeySet| key_id.is_none_or(|id| set.has_key_id(id));
        self.keys.get(has, || async move { own.fetched().await }).await
    }

    async fn fetched(&self) -> Result<KeySet, String> {
        let url = self.endpoint("jwks_uri").await?;
        match answer(self.client.get(&url)).await? {
            (200, body) => KeySet::read(&body).map_err(|error| format!("{url}: {error:?}")),
            (status, _) => Err(format!("{url}: status {status}")),
        }
    }
}

/// Whom metadata name as their issuer.
fn other(metadata: &Value) -> String {
    match metadata.get("issuer").and_then(Value::as_str) {
        Some(issuer) => format!("the issuer {:?}", issuer.chars().take(MOST_SHOWN).collect::<String>()),
        None => "no issuer".to_owned(),
    }
}

/// Where metadata may be: OpenID Connect Discovery 4, RFC 8414, 3.
fn well_known(issuer: &str) -> [String; 2] {
    let bare = issuer.strip_suffix('/').unwrap_or(issuer);
    let after = bare.find("://").map_or(0, |at| at + 3);
    let path = bare.get(after..).and_then(|rest| rest.find('/')).map_or(bare.len(), |at| after + at);
    let (origin, path) = bare.split_at_checked(path).unwrap_or((bare, ""));
    [
        format!("{bare}/.well-known/openid-configuration"),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::well_known;

    #[test]
    fn metadata_is_looked_for_at_both_places() {
        assert_eq!(
            well_known("https://idp/realms/x/"),
            [
                "https://idp/realms/x/.well-known/openid-configuration",
                "https://idp/.well-known/oauth-authorization-server/realms/x"
            ]
        );
        assert_eq!(
            well_known("https://idp"),
            ["https://idp/.well-known/openid-configuration", "https://idp/.well-known/oauth-authorization-server"]
        );
    }
}
