//! Whoever registers clients at providers, and what is known when a call has ended.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::domain::client::AuthMethod;
use crate::domain::time::Time;
use crate::use_case::open_provider::OpenProvider;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called<T> {
    Done(T),
    /// The provider does not want this request, or its 2xx answer is none that a client could be made of: the same one
    /// again is of no use.
    Refused(Failure),
    /// Nothing has happened there; the provider may have said for how long it does not want to be asked, an hour at most.
    NotDone(Failure, Option<Duration>),
    /// It may have happened or not.
    Unknown(Failure),
}

/// What is known of a call that was not done. Nothing in it is secret; what a provider said is within bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    pub status: Option<u16>,
    /// The code of RFC 6749 and RFC 7591, or a word of ours.
    pub error: Option<String>,
    pub description: Option<String>,
    /// Of a client that a 2xx answer names though it cannot be used: there may be one, which is nobody's.
    pub client_id: Option<String>,
}

/// How a client that was registered is managed (RFC 7592).
#[derive(Clone)]
pub struct Managed {
    pub client_id: String,
    /// Its own address, to which alone its token is sent.
    pub uri: Option<String>,
    pub token: Option<SecretString>,
}

/// What a provider says about a client, before anybody has judged it.
#[derive(Clone, Debug)]
pub struct Issued {
    /// With the token of this answer, where it has one, else the one that was sent.
    pub managed: Managed,
    pub secret: Option<SecretString>,
    pub secret_expires_at: Option<Time>,
    /// Without secrets, tokens and what RFC 7592 has as read-only.
    pub metadata: Map<String, Value>,
}

/// A secret beside those that a client has.
#[derive(Clone, Debug)]
pub struct AddedSecret {
    pub secret: SecretString,
    /// By which the provider tells it from the others.
    pub key_id: String,
    pub expires_at: Option<Time>,
}

/// Which of the secrets that the registry has added a client keeps, where secrets overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSecrets {
    /// The latest first.
    pub key_ids: Vec<String>,
    /// Secrets with a higher number were added since, and stay.
    pub up_to: u32,
    /// Whether the provider may not know everywhere yet what was added: then nothing is concluded from what it does not
    /// know.
    pub is_patient: bool,
}

/// The `error` of a call whose provider does not know everywhere yet what it has made: nothing is wrong with it.
pub const NOT_REPLICATED: &str = "not_replicated";

/// As whom a client gets its token.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    pub client_id: String,
    pub method: AuthMethod,
    pub secret: Option<SecretString>,
}

impl fmt::Debug for Managed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Managed").field("client_id", &self.client_id).field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// Calls providers, each within the provider's timeout, without following redirects.
#[async_trait]
pub trait Registrar: Send + Sync {
    /// `one_time`: an initial access token from the pool, for a provider that wants one.
    async fn register(
        &self,
        provider: &OpenProvider,
        one_time: Option<SecretString>,
        metadata: &Map<String, Value>,
    ) -> Called<Issued>;

    async fn read(&self, provider: &OpenProvider, managed: &Managed) -> Called<Issued>;

    /// All that the client is to have, as it was registered last (RFC 7592, 2.2).
    async fn update(&self, provider: &OpenProvider, managed: &Managed, metadata: &Map<String, Value>)
    -> Called<Issued>;

    /// A client that is gone already is deleted.
    async fn delete(&self, provider: &OpenProvider, managed: &Managed) -> Called<()>;

    /// The ids of clients whose name ends with this marker, where the provider can be searched.
    async fn find(&self, provider: &OpenProvider, marker: &str) -> Called<Vec<String>>;

    /// An access token by client credentials (RFC 6749, 4.4), to be looked at and thrown away.
    async fn token(
        &self,
        provider: &OpenProvider,
        credentials: &ClientCredentials,
        scopes: &[String],
    ) -> Called<SecretString>;

    /// Another secret of a client, where secrets overlap, under the number of this attempt.
    async fn add_secret(&self, _: &OpenProvider, _client_id: &str, _number: u32) -> Called<AddedSecret> {
        Called::Refused(no_overlap())
    }

    /// Removes the secrets of a client that are not kept, where secrets overlap.
    async fn keep_secrets(&self, _: &OpenProvider, _client_id: &str, _kept: &KeptSecrets) -> Called<()> {
        Called::Refused(no_overlap())
    }
}

fn no_overlap() -> Failure {
    let description = "a client of this provider has one secret at a time".to_owned();
    Failure { error: Some("not_supported".to_owned()), description: Some(description), ..Failure::default() }
}
