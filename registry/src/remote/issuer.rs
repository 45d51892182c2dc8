//! The authorization server whose access tokens are taken: its metadata (RFC 8414, OpenID Connect Discovery) and keys.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use tessera_core::jose::jwk_set::KeySet;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::text::is_safe_url;
use crate::http::json;
use crate::remote::fetch::{answer, client};

/// Each call has so long.
const WITHIN: Duration = Duration::from_secs(5);
/// Keys are used so long before they are fetched anew.
const FRESH: Duration = Duration::from_secs(600);
/// Between two fetches, whatever tokens name for keys.
const PAUSE: Duration = Duration::from_secs(10);

/// What is known of it.
pub struct Issuer {
    pub url: String,
    client: Client,
    metadata: Mutex<Option<Value>>,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    set: Option<std::sync::Arc<KeySet>>,
    tried: Option<Instant>,
}

impl Issuer {
    /// # Errors
    /// The machine has no usable trust store.
    pub fn new(url: &str) -> Result<Self, reqwest::Error> {
        Ok(Self { url: url.to_owned(), client: client(WITHIN)?, metadata: Mutex::default(), keys: Mutex::default() })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A URL of its metadata.
    ///
    /// # Errors
    /// Why there is none, for the log.
    pub async fn endpoint(&self, member: &str) -> Result<String, String> {
        let mut metadata = self.metadata.lock().await;
        let known = match metadata.take() {
            Some(known) => known,
            None => self.discover().await?,
        };
        let url = known.get(member).and_then(Value::as_str).filter(|url| is_safe_url(url)).map(str::to_owned);
        *metadata = Some(known);
        url.ok_or_else(|| format!("the metadata of {} has no usable {member}", self.url))
    }

    async fn discover(&self) -> Result<Value, String> {
        let mut why = String::new();
        for url in well_known(&self.url) {
            match self.json(&url).await {
                Ok(metadata) if metadata.get("issuer").and_then(Value::as_str) == Some(&self.url) => {
                    return Ok(metadata);
                }
                Ok(_) => why = format!("{url}: names another issuer"),
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
    pub async fn keys(&self, key_id: Option<&str>) -> Result<std::sync::Arc<KeySet>, String> {
        let mut keys = self.keys.lock().await;
        let age = keys.tried.map(|tried| tried.elapsed());
        let known = keys.set.clone().filter(|set| key_id.is_none_or(|id| set.has_key_id(id)));
        let may_ask = age.is_none_or(|age| age >= PAUSE);
        if let Some(set) = known
            && age.is_some_and(|age| age < FRESH)
        {
            return Ok(set);
        }
        if may_ask {
            keys.tried = Some(Instant::now());
            match self.fetched().await {
                Ok(set) => keys.set = Some(std::sync::Arc::new(set)),
                Err(why) if keys.set.is_none() => return Err(why),
                Err(why) => tracing::warn!(why, "the issuer's keys could not be fetched; those of before are used"),
            }
        }
        keys.set.clone().ok_or_else(|| "the issuer's keys could not be fetched a moment ago".to_owned())
    }

    async fn fetched(&self) -> Result<KeySet, String> {
        let url = self.endpoint("jwks_uri").await?;
        match answer(self.client.get(&url)).await? {
            (200, body) => KeySet::read(&body).map_err(|error| format!("{url}: {error:?}")),
            (status, _) => Err(format!("{url}: status {status}")),
        }
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
