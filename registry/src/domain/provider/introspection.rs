//! How a provider says what a token is (RFC 7662).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::members::Members;
use crate::domain::provider::credential::credential;
use crate::domain::reader::{text, text_that, word};
use crate::domain::text::{SAFE_URL, is_safe_url};

/// How the registry authenticates at an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointAuth {
    #[default]
    ClientSecretBasic,
    ClientSecretPost,
}

const AUTHS: &[(&str, EndpointAuth)] =
    &[("client_secret_basic", EndpointAuth::ClientSecretBasic), ("client_secret_post", EndpointAuth::ClientSecretPost)];

/// Where and as whom tokens are introspected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introspection {
    /// Instead of the one that the issuer's metadata names.
    pub endpoint: Option<String>,
    pub client_id: String,
    pub auth: EndpointAuth,
    /// Sealed.
    pub credential: String,
}

/// Introspection as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct IntrospectionView {
    pub endpoint: Option<String>,
    pub client_id: String,
    pub auth: EndpointAuth,
    #[schema(read_only)]
    pub credential_set: bool,
}

/// What the credential of a provider's introspection is sealed with.
pub fn introspection_place(provider: &str) -> String {
    format!("providers/{provider}/introspection/credential")
}

impl Introspection {
    pub(super) fn read(&mut self, members: &mut Members<'_>, has_issuer: bool, seal: &dyn Fn(&str) -> String) {
        let (endpoint, client_id) = (self.endpoint.clone(), self.client_id.clone());
        members.nullable("endpoint", &mut self.endpoint, text_that(is_safe_url, SAFE_URL));
        if self.endpoint.is_none() && !has_issuer {
            members.fault("endpoint", "is required where the provider has no issuer");
        }
        members.required("client_id", &mut self.client_id, text(1..=1024));
        members.optional("auth", &mut self.auth, EndpointAuth::default(), word(AUTHS));
        members.required("credential", &mut self.credential, |value| credential(value).map(seal));
        // Or who can write it could have it sent to a server of his own.
        let is_moved = (&endpoint, &client_id) != (&self.endpoint, &self.client_id);
        if members.is_patch() && is_moved && members.given("credential").is_none() {
            members.fault("credential", "is required again where `endpoint` or `client_id` changes");
        }
        members.made_here(&["credential_set"]);
    }

    pub(super) fn view(self) -> IntrospectionView {
        let Self { endpoint, client_id, auth, credential } = self;
        IntrospectionView { endpoint, client_id, auth, credential_set: !credential.is_empty() }
    }
}
