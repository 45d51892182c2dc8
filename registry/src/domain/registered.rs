//! What a provider has given for a client that was registered there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::time::Time;

/// Kept for the calls about a client; token, secrets and a digest are sealed.
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
    /// By which the provider tells the secret from others, where secrets overlap.
    #[serde(default)]
    pub key_id: Option<String>,
    /// Of the attempts to add a secret, where secrets overlap: whoever is late is told by it.
    #[serde(default)]
    pub numbered: u32,
    /// Takes the place of the secret when it was checked.
    #[serde(default)]
    pub next: Option<NextSecret>,
    /// The secret before, while both are good.
    #[serde(default)]
    pub retiring: Option<RetiringSecret>,
}

/// A secret that is wanted, and then one that has to be checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextSecret {
    /// How long the one before stays, in milliseconds.
    pub overlap: u64,
    pub added: Option<SealedSecret>,
    /// Attempts before may have left secrets that nobody knows.
    pub uncertain: bool,
}

/// One that a provider has added beside others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// Sealed, for a day at most.
    pub secret: Option<String>,
    pub key_id: String,
    pub given_at: Time,
    pub expires_at: Option<Time>,
}

/// One that goes at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiringSecret {
    pub key_id: String,
    pub at: Time,
}

impl Registered {
    /// What is sealed of a client, with the places that it is sealed for.
    pub fn sealed(&mut self, client: &str) -> Vec<(String, &mut String)> {
        let token = self.token.as_mut().map(|token| (token_place(client), token));
        let next = self.next.as_mut().and_then(|next| next.added.as_mut()?.secret.as_mut());
        let secrets = self.secret.iter_mut().chain(next).map(|secret| (secret_place(client), secret));
        let digest = self.secret_digest.as_mut().map(|digest| (digest_place(client), digest));
        token.into_iter().chain(secrets).chain(digest).collect()
    }

    /// Key ids of the secrets that the provider is to have, the latest first.
    pub fn key_ids(&self) -> Vec<String> {
        let next = self.next.as_ref().and_then(|next| Some(next.added.as_ref()?.key_id.clone()));
        let retiring = self.retiring.as_ref().map(|retiring| retiring.key_id.clone());
        next.into_iter().chain(self.key_id.clone()).chain(retiring).collect()
    }

    /// Nobody is shown any of them any more.
    pub fn forget_secrets(&mut self) {
        (self.secret, self.next, self.retiring) = (None, None, None);
    }
}

/// Where the registration access token of a client is.
pub fn token_place(client: &str) -> String {
    format!("clients/{client}/token")
}

/// Where the secrets of a client are.
pub fn secret_place(client: &str) -> String {
    format!("clients/{client}/secret")
}

/// Where the digest of the secret of a client is.
pub fn digest_place(client: &str) -> String {
    format!("clients/{client}/secret-digest")
}
