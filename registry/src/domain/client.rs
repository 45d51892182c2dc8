//! Clients: as what an application is known at a provider.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::tier::Grant;
use crate::domain::time::Time;
use crate::domain::words::word_of;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientStatus {
    Pending,
    Refused,
    Live,
    Retiring,
    Deleting,
    Deleted,
}

impl ClientStatus {
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("pending", Self::Pending),
        ("refused", Self::Refused),
        ("live", Self::Live),
        ("retiring", Self::Retiring),
        ("deleting", Self::Deleting),
        ("deleted", Self::Deleted),
    ];

    pub fn word(self) -> &'static str {
        word_of(Self::WORDS, self)
    }

    /// Whether it holds its application's contracts.
    pub const fn holds_contracts(self) -> bool {
        matches!(self, Self::Live | Self::Retiring)
    }
}

/// What a pending client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientWait {
    Approval,
    Registration,
    Verification,
    Proof,
}

/// Where the secret of a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretState {
    None,
    Available,
    Shown,
    Lapsed,
}

/// What a provider made of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    pub member: String,
    pub asked: String,
    pub got: String,
}

/// Why a client was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClientError {
    pub outcome: String,
    pub status: Option<u16>,
    pub error: Option<String>,
    /// For admins only.
    pub description: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    PrivateKeyJwt,
    ClientSecretBasic,
    ClientSecretPost,
    None,
}

pub const AUTH_METHODS: &[(&str, AuthMethod)] = &[
    ("private_key_jwt", AuthMethod::PrivateKeyJwt),
    ("client_secret_basic", AuthMethod::ClientSecretBasic),
    ("client_secret_post", AuthMethod::ClientSecretPost),
    ("none", AuthMethod::None),
];

/// `VSCHAR` (RFC 6749, appendix A.1), 1 to 1024 of them.
pub fn is_client_id(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// What a client id must be.
pub const CLIENT_ID: &str = "must be 1 to 1024 printable ASCII characters";

/// A client as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppClient {
    pub id: String,
    pub application: String,
    pub provider: String,
    pub client_id: Option<String>,
    /// Made elsewhere.
    pub brought: bool,
    pub auth_method: Option<AuthMethod>,
    pub grants: Vec<Grant>,
    pub scopes: Vec<String>,
    pub redirect_uris: Vec<String>,
    pub jwks: Option<Value>,
    pub status: ClientStatus,
    pub waiting_for: Option<ClientWait>,
    /// The client that retires when this one is live.
    pub replaces: Option<String>,
    /// How long that one stays then, in milliseconds.
    pub overlap: u64,
    pub retire_at: Option<Time>,
    pub gateway_client_id: Option<String>,
    pub secret: SecretState,
    pub secret_reveal_until: Option<Time>,
    pub secret_expires_at: Option<Time>,
    pub differences: Vec<Difference>,
    pub error: Option<ClientError>,
    pub created_at: Time,
    pub updated_at: Time,
}

impl AppClient {
    /// One that was made elsewhere, and waits for a proof of that.
    pub fn brought(id: String, application: String, now: Time) -> Self {
        Self {
            id,
            application,
            provider: String::new(),
            client_id: None,
            brought: true,
            auth_method: None,
            grants: Vec::new(),
            scopes: Vec::new(),
            redirect_uris: Vec::new(),
            jwks: None,
            status: ClientStatus::Pending,
            waiting_for: Some(ClientWait::Proof),
            replaces: None,
            overlap: 0,
            retire_at: None,
            gateway_client_id: None,
            secret: SecretState::None,
            secret_reveal_until: None,
            secret_expires_at: None,
            differences: Vec::new(),
            error: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// What nobody else in the organisation may have meanwhile. Providers are slugs: the first `/` ends theirs.
    pub fn holding(&self) -> Option<String> {
        let client_id = self.client_id.as_ref().filter(|_| self.status != ClientStatus::Deleted)?;
        Some(format!("{}/{client_id}", self.provider))
    }

    pub fn waits_for_proof(&self) -> bool {
        self.status == ClientStatus::Pending && self.waiting_for == Some(ClientWait::Proof)
    }

    /// The actions that the state allows.
    pub fn possible(&self) -> Vec<&'static str> {
        match self.status {
            ClientStatus::Pending if self.waits_for_proof() => vec!["confirm", "prove"],
            ClientStatus::Refused => vec!["retry"],
            ClientStatus::Live => vec!["rotate"],
            _ => Vec::new(),
        }
    }

    /// It was checked, or somebody vouches for it.
    pub fn be_live(&mut self, now: Time) {
        (self.status, self.waiting_for, self.error) = (ClientStatus::Live, None, None);
        if self.gateway_client_id.is_none() {
            self.gateway_client_id.clone_from(&self.client_id);
        }
        self.updated_at = now;
    }

    /// Another one has taken its place.
    pub fn retire(&mut self, overlap: Duration, now: Time) {
        if self.status == ClientStatus::Live {
            (self.status, self.retire_at) = (ClientStatus::Retiring, Some(now.plus(overlap)));
            self.updated_at = now;
        }
    }

    /// Holds nothing any more. Only a client that was registered here is somebody's to delete at its provider.
    pub fn end(&mut self, now: Time) {
        self.status = if self.brought { ClientStatus::Deleted } else { ClientStatus::Deleting };
        (self.waiting_for, self.updated_at) = (None, now);
    }

    /// From refused back to the beginning.
    pub fn retry(&mut self, now: Time) {
        let waits_for = if self.brought { ClientWait::Proof } else { ClientWait::Approval };
        (self.status, self.waiting_for, self.error) = (ClientStatus::Pending, Some(waits_for), None);
        self.updated_at = now;
    }
}

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
        let own = self.clone();
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
            retire_at: own.retire_at,
            gateway_client_id: own.gateway_client_id,
            secret: own.secret,
            secret_reveal_until: own.secret_reveal_until,
            secret_expires_at: own.secret_expires_at,
            differences: own.differences,
            error,
            created_at: own.created_at,
            updated_at: own.updated_at,
        }
    }
}
