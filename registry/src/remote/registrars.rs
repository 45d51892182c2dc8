//! Providers of every kind at which clients are made.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::domain::provider::ProviderKind;
use crate::remote::dcr::HttpRegistrar;
use crate::remote::entra::EntraRegistrar;
use crate::remote::issuers::Issuers;
use crate::remote::provider_calls::counted;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{Clock, Randomness};
use crate::use_case::registrar::{AddedSecret, Called, ClientCredentials, Issued, KeptSecrets, Managed, Registrar};

/// Calls each provider as its kind is called, and counts the calls. One that registers nothing is called as those of dynamic registration are,
/// which refuses.
pub struct Registrars {
    dcr: HttpRegistrar,
    entra: EntraRegistrar,
}

impl Registrars {
    pub fn new(issuers: &Arc<Issuers>, clock: &Arc<dyn Clock>, randomness: &Arc<dyn Randomness>) -> Self {
        let dcr = HttpRegistrar::new(Arc::clone(issuers), Arc::clone(clock), Arc::clone(randomness));
        Self { dcr, entra: EntraRegistrar::new(Arc::clone(issuers), Arc::clone(clock)) }
    }

    fn of(&self, provider: &OpenProvider) -> &dyn Registrar {
        match provider.provider.kind {
            ProviderKind::Entra => &self.entra,
            ProviderKind::Dcr | ProviderKind::Manual => &self.dcr,
        }
    }
}

#[async_trait]
impl Registrar for Registrars {
    async fn register(
        &self,
        provider: &OpenProvider,
        one_time: Option<SecretString>,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        counted(provider, "register", self.of(provider).register(provider, one_time, metadata)).await
    }

    async fn read(&self, provider: &OpenProvider, managed: &Managed) -> Called<Issued> {
        counted(provider, "read", self.of(provider).read(provider, managed)).await
    }

    async fn update(
        &self,
        provider: &OpenProvider,
        managed: &Managed,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        counted(provider, "update", self.of(provider).update(provider, managed, metadata)).await
    }

    async fn delete(&self, provider: &OpenProvider, managed: &Managed) -> Called<()> {
        counted(provider, "delete", self.of(provider).delete(provider, managed)).await
    }

    async fn find(&self, provider: &OpenProvider, marker: &str) -> Called<Vec<String>> {
        counted(provider, "find", self.of(provider).find(provider, marker)).await
    }

    async fn token(
        &self,
        provider: &OpenProvider,
        credentials: &ClientCredentials,
        scopes: &[String],
    ) -> Called<SecretString> {
        counted(provider, "token", self.of(provider).token(provider, credentials, scopes)).await
    }

    async fn add_secret(&self, provider: &OpenProvider, client_id: &str, number: u32) -> Called<AddedSecret> {
        counted(provider, "add_secret", self.of(provider).add_secret(provider, client_id, number)).await
    }

    async fn keep_secrets(&self, provider: &OpenProvider, client_id: &str, kept: &KeptSecrets) -> Called<()> {
        counted(provider, "remove_secret", self.of(provider).keep_secrets(provider, client_id, kept)).await
    }
}
