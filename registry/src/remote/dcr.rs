//! Clients at authorization servers: registered, read, changed and deleted (RFC 7591, RFC 7592).

mod address;
mod authority;
mod calls;
mod inspector;
mod issued;
mod operations;
mod searched;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::remote::dcr::operations::Operations;
use crate::remote::issuers::Issuers;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{Clock, Randomness};
use crate::use_case::registrar::{Called, ClientCredentials, Issued, Managed, Registrar};

pub use inspector::HttpInspector;

/// Calls providers over HTTP.
pub struct HttpRegistrar(Operations);

impl HttpRegistrar {
    pub fn new(issuers: Arc<Issuers>, clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self(Operations::new(issuers, clock, randomness))
    }

    /// The status of the latest answer, for whoever alone has it called.
    pub fn latest_status(&self) -> Option<u16> {
        self.0.latest()
    }

    fn note(&self, status: Option<u16>) {
        self.0.note(status);
    }
}

#[async_trait]
impl Registrar for HttpRegistrar {
    async fn register(
        &self,
        provider: &OpenProvider,
        one_time: Option<SecretString>,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        self.0.register(provider, one_time, metadata).await
    }

    async fn read(&self, provider: &OpenProvider, managed: &Managed) -> Called<Issued> {
        self.0.read(provider, managed).await
    }

    async fn update(
        &self,
        provider: &OpenProvider,
        managed: &Managed,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        self.0.update(provider, managed, metadata).await
    }

    async fn delete(&self, provider: &OpenProvider, managed: &Managed) -> Called<()> {
        self.0.delete(provider, managed).await
    }

    async fn find(&self, provider: &OpenProvider, marker: &str) -> Called<Vec<String>> {
        self.0.find(provider, marker).await
    }

    async fn token(
        &self,
        provider: &OpenProvider,
        credentials: &ClientCredentials,
        scopes: &[String],
    ) -> Called<SecretString> {
        self.0.token(provider, credentials, scopes).await
    }
}
