//! What a provider has given for a client that was registered there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::time::Time;

/// Kept for the calls about a client; token, secret and its digest are sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Its client id at the provider, also where the client is not to be used.
    pub client_id: String,
    /// Where it is managed (RFC 7592).
    pub uri: Option<String>,
    pub token: Option<String>,
    /// Until somebody was shown it, or it has lapsed.
    pub secret: Option<String>,
    /// When the secret was given.
    pub given_at: Time,
    /// As it was asked for last, and agreed to.
    pub metadata: Map<String, Value>,
    /// By which a secret that is told again is known, when the secret itself is not kept any more.
    #[serde(default)]
    pub secret_digest: Option<String>,
    /// How a call has ended that may have brought another token is not known: the one that is here may be none any more.
    #[serde(default)]
    pub is_doubtful: bool,
}

impl Registered {
    /// What is sealed of a client, with the places that it is sealed for.
    pub fn sealed(&mut self, client: &str) -> Vec<(String, &mut String)> {
        let token = self.token.as_mut().map(|token| (token_place(client), token));
        let secret = self.secret.as_mut().map(|secret| (secret_place(client), secret));
        let digest = self.secret_digest.as_mut().map(|digest| (digest_place(client), digest));
        token.into_iter().chain(secret).chain(digest).collect()
    }
}

/// Where the registration access token of a client is.
pub fn token_place(client: &str) -> String {
    format!("clients/{client}/token")
}

/// Where the secret of a client is.
pub fn secret_place(client: &str) -> String {
    format!("clients/{client}/secret")
}

/// Where the digest of the secret of a client is.
pub fn digest_place(client: &str) -> String {
    format!("clients/{client}/secret-digest")
}
