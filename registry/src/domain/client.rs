//! Clients: as what an application is known at a provider.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::client_terms::ClientTerms;
use crate::domain::registered::Registered;
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

impl ClientError {
    /// One that the registry has found itself.
    pub fn of(error: &str, description: impl Into<String>) -> Self {
        let (error, description) = (Some(error.to_owned()), Some(description.into()));
        Self { outcome: "refused".to_owned(), status: None, error, description }
    }
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

/// How long a secret that nobody asks for is kept.
pub const SECRET_KEPT: Duration = Duration::from_secs(86_400);

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
    /// What its provider is still asked for, instead of what holds there.
    #[serde(default)]
    pub requested: Option<ClientTerms>,
    /// When it was told last that a secret expires.
    #[serde(default)]
    pub expiry_told_at: Option<Time>,
    /// What is left to the tiers, whenever it is registered.
    #[serde(default)]
    pub defaulted: Defaulted,
    /// What only its provider is told; shown to nobody.
    #[serde(default)]
    pub registered: Option<Registered>,
    pub created_at: Time,
    pub updated_at: Time,
}

/// Members that nobody has named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaulted {
    pub grants: bool,
    pub scopes: bool,
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
            requested: None,
            expiry_told_at: None,
            defaulted: Defaulted::default(),
            registered: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub fn waits_for_proof(&self) -> bool {
        self.waits_for(ClientWait::Proof)
    }

    /// The actions that the state allows.
    pub fn possible(&self) -> Vec<&'static str> {
        match self.status {
            ClientStatus::Pending if self.waits_for_proof() => vec!["confirm", "prove"],
            ClientStatus::Refused => vec!["retry"],
            ClientStatus::Live if self.is_rotating() => Vec::new(),
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
        self.erase_secret(SecretState::Lapsed, now);
        if let Some(registered) = &mut self.registered {
            registered.forget_secrets();
        }
        (self.waiting_for, self.requested, self.updated_at) = (None, None, now);
    }

    /// Its secret can be asked for from now on, if it has one.
    pub fn offer_secret(&mut self) {
        if let Some(until) = self.secret_until() {
            (self.secret, self.secret_reveal_until) = (SecretState::Available, Some(until));
        }
    }

    /// The secret is not kept any more.
    pub fn erase_secret(&mut self, to: SecretState, now: Time) {
        if let Some(registered) = &mut self.registered {
            registered.secret = None;
        }
        if self.secret == SecretState::Available {
            (self.secret, self.secret_reveal_until) = (to, None);
        }
        self.updated_at = now;
    }

    /// Until when a sealed secret is kept: a day from when it was given.
    pub fn secret_until(&self) -> Option<Time> {
        let registered = self.registered.as_ref().filter(|registered| registered.secret.is_some())?;
        Some(registered.given_at.plus(SECRET_KEPT))
    }

    /// It is none that could be used, for this reason.
    pub fn refuse(&mut self, error: ClientError, now: Time) {
        (self.status, self.waiting_for, self.error) = (ClientStatus::Refused, None, Some(error));
        self.updated_at = now;
    }

    pub fn waits_for(&self, what: ClientWait) -> bool {
        self.status == ClientStatus::Pending && self.waiting_for == Some(what)
    }

    /// From refused back to the beginning.
    pub fn retry(&mut self, now: Time) {
        let waits_for = if self.brought { ClientWait::Proof } else { ClientWait::Approval };
        (self.status, self.waiting_for, self.error) = (ClientStatus::Pending, Some(waits_for), None);
        self.updated_at = now;
    }
}
