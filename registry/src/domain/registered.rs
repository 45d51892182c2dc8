//! What a provider has given for a client that was registered there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::time::Time;

/// Kept for the calls about a client; token and secret are sealed.
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
}

impl Registered {
    /// What is sealed of a client, with the places that it is sealed for.
    pub fn sealed(&mut self, client: &str) -> Vec<(String, &mut String)> {
        let token = self.token.as_mut().map(|token| (token_place(client), token));
        let secret = self.secret.as_mut().map(|secret| (secret_place(client), secret));
        token.into_iter().chain(secret).collect()
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
