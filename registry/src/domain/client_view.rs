//! Clients as the API shows them: without what only their providers are told.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::client::{AppClient, AuthMethod, ClientError, ClientStatus, ClientWait, Difference, SecretState};
use crate::domain::client_terms::ClientTerms;
use crate::domain::tier::Grant;
use crate::domain::time::Time;

/// As the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClientView {
    #[schema(read_only)]
    pub id: String,
    #[schema(read_only)]
    pub application: String,
    pub provider: String,
    pub client_id: Option<String>,
    #[schema(read_only)]
    pub brought: bool,
    pub auth_method: Option<AuthMethod>,
    pub grants: Vec<Grant>,
    pub scopes: Vec<String>,
    pub redirect_uris: Vec<String>,
    pub jwks: Option<Value>,
    #[schema(read_only)]
    pub status: ClientStatus,
    #[schema(read_only)]
    pub waiting_for: Option<ClientWait>,
    #[schema(read_only)]
    pub replaces: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime, read_only)]
    pub retire_at: Option<Time>,
    #[schema(read_only)]
    pub gateway_client_id: Option<String>,
    #[schema(read_only)]
    pub secret: SecretState,
    #[schema(value_type = Option<String>, format = DateTime, read_only)]
    pub secret_reveal_until: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime, read_only)]
    pub secret_expires_at: Option<Time>,
    #[schema(read_only)]
    pub requested: Option<ClientTerms>,
    #[schema(read_only)]
    pub differences: Vec<Difference>,
    #[schema(read_only)]
    pub error: Option<ClientError>,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

impl AppClient {
    /// What a provider says about a refusal may name things of others: only admins are shown it.
    pub fn view(&self, for_admin: bool) -> ClientView {
        let (own, retire_at) = (self.clone(), self.retire_at.or(self.secret_retires_at()));
        let error =
            own.error.map(|error| ClientError { description: error.description.filter(|_| for_admin), ..error });
        ClientView {
            id: own.id,
            application: own.application,
            provider: own.provider,
            client_id: own.client_id,
            brought: own.brought,
            auth_method: own.auth_method,
            grants: own.grants,
            scopes: own.scopes,
            redirect_uris: own.redirect_uris,
            jwks: own.jwks,
            status: own.status,
            waiting_for: own.waiting_for,
            replaces: own.replaces,
            retire_at,
            gateway_client_id: own.gateway_client_id,
            secret: own.secret,
            secret_reveal_until: own.secret_reveal_until,
            secret_expires_at: own.secret_expires_at,
            requested: own.requested,
            differences: own.differences,
            error,
            created_at: own.created_at,
            updated_at: own.updated_at,
        }
    }
}
