//! How the registry may register clients at a provider (RFC 7591, 3).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tessera_core::jose::sign::{PrivateKey, SigningAlgorithm};
use utoipa::ToSchema;

use crate::domain::members::{Members, Reading};
use crate::domain::provider::credential::{bearer_credential, credential, header_credential};
use crate::domain::reader::{text, text_that, word, wrong};
use crate::domain::text::is_scope;

/// What goes with a registration. Credentials are sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Authorization {
    #[default]
    None,
    Bearer {
        credential: String,
    },
    /// The whole value of a header.
    Header {
        name: String,
        credential: String,
    },
    /// An initial access token from the pool, each used once.
    OneTime,
    /// An access token that the registry gets with a secret.
    ClientCredentials {
        client_id: String,
        credential: String,
        scope: Option<String>,
    },
    /// An access token that it gets with a signature (RFC 7523, 2.2).
    PrivateKeyJwt {
        client_id: String,
        credential: String,
        key_id: Option<String>,
        algorithm: String,
        scope: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationType {
    None,
    Bearer,
    Header,
    OneTime,
    ClientCredentials,
    PrivateKeyJwt,
}

const TYPES: &[(&str, AuthorizationType)] = &[
    ("none", AuthorizationType::None),
    ("bearer", AuthorizationType::Bearer),
    ("header", AuthorizationType::Header),
    ("one_time", AuthorizationType::OneTime),
    ("client_credentials", AuthorizationType::ClientCredentials),
    ("private_key_jwt", AuthorizationType::PrivateKeyJwt),
];

/// As the API shows it: the members of its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuthorizationView {
    #[serde(rename = "type")]
    pub kind: AuthorizationType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub credential_set: Option<bool>,
    /// Tokens that the pool has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub one_time_left: Option<u64>,
}

/// What the credential of a provider's authorization is sealed with.
pub fn authorization_place(provider: &str) -> String {
    format!("providers/{provider}/authorization/credential")
}

/// Headers that say how a message is read, or whose it is: they are not a provider's to choose.
const NOT_FOR_CREDENTIALS: [&str; 13] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl Authorization {
    fn blank(kind: AuthorizationType) -> Self {
        let (name, client_id, credential, algorithm) = (String::new(), String::new(), String::new(), String::new());
        match kind {
            AuthorizationType::None => Self::None,
            AuthorizationType::Bearer => Self::Bearer { credential },
            AuthorizationType::Header => Self::Header { name, credential },
            AuthorizationType::OneTime => Self::OneTime,
            AuthorizationType::ClientCredentials => Self::ClientCredentials { client_id, credential, scope: None },
            AuthorizationType::PrivateKeyJwt => {
                Self::PrivateKeyJwt { client_id, credential, key_id: None, algorithm, scope: None }
            }
        }
    }

    pub fn kind(&self) -> AuthorizationType {
        match self {
            Self::None => AuthorizationType::None,
            Self::Bearer { .. } => AuthorizationType::Bearer,
            Self::Header { .. } => AuthorizationType::Header,
            Self::OneTime => AuthorizationType::OneTime,
            Self::ClientCredentials { .. } => AuthorizationType::ClientCredentials,
            Self::PrivateKeyJwt { .. } => AuthorizationType::PrivateKeyJwt,
        }
    }

    /// What is sealed of it.
    pub fn credential(&self) -> Option<&String> {
        match self {
            Self::None | Self::OneTime => None,
            Self::Bearer { credential }
            | Self::Header { credential, .. }
            | Self::ClientCredentials { credential, .. }
            | Self::PrivateKeyJwt { credential, .. } => Some(credential),
        }
    }

    pub(super) fn credential_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::None | Self::OneTime => None,
            Self::Bearer { credential }
            | Self::Header { credential, .. }
            | Self::ClientCredentials { credential, .. }
            | Self::PrivateKeyJwt { credential, .. } => Some(credential),
        }
    }

    /// The client as which the registry gets access tokens.
    fn client_id(&self) -> Option<&String> {
        match self {
            Self::ClientCredentials { client_id, .. } | Self::PrivateKeyJwt { client_id, .. } => Some(client_id),
            _ => None,
        }
    }

    pub(super) fn read(&mut self, members: &mut Members<'_>, is_moved: bool, seal: &dyn Fn(&str) -> String) {
        let mut kind = members.is_patch().then(|| self.kind());
        members.required("type", &mut kind, |value| word(TYPES)(value).map(Some));
        let Some(kind) = kind else { return members.leave_rest() };
        if kind != self.kind() {
            members.anew();
            *self = Self::blank(kind);
        }
        let before = self.client_id().cloned();
        self.read_members(members, seal);
        // Or who can write it could have it sent to a server of his own.
        let is_moved = is_moved || before.as_ref() != self.client_id();
        if members.is_patch() && is_moved && self.credential().is_some() && members.given("credential").is_none() {
            members.fault("credential", "is required again where an endpoint or `client_id` changes");
        }
        members.made_here(&["credential_set", "one_time_left"]);
    }

    fn read_members(&mut self, members: &mut Members<'_>, seal: &dyn Fn(&str) -> String) {
        match self {
            Self::None | Self::OneTime => {}
            Self::Bearer { credential } => {
                members.required("credential", credential, |value| bearer_credential(value).map(seal));
            }
            Self::Header { name, credential } => {
                members.required("name", name, text_that(is_header, "must be the name of a header for credentials"));
                members.required("credential", credential, |value| header_credential(value).map(seal));
            }
            Self::ClientCredentials { client_id, credential: sealed, scope } => {
                members.required("client_id", client_id, text(1..=1024));
                members.required("credential", sealed, |value| credential(value).map(seal));
                members.nullable("scope", scope, text_that(are_scopes, SCOPES));
            }
            Self::PrivateKeyJwt { client_id, credential, key_id, algorithm, scope } => {
                members.required("client_id", client_id, text(1..=1024));
                let before = algorithm.clone();
                members.required("algorithm", algorithm, text_that(|name| signing(name).is_some(), ALGORITHM));
                let key = signing(algorithm);
                members.required("credential", credential, |value| private_key(value, key).map(seal));
                if members.is_patch() && before != *algorithm && members.given("credential").is_none() {
                    members.fault("credential", "is required again where `algorithm` changes");
                }
                members.nullable("key_id", key_id, text(1..=256));
                members.nullable("scope", scope, text_that(are_scopes, SCOPES));
            }
        }
    }

    pub(super) fn view(self) -> AuthorizationView {
        let (kind, credential_set) = (self.kind(), self.credential().map(|credential| !credential.is_empty()));
        let blank = AuthorizationView {
            kind,
            name: None,
            client_id: None,
            key_id: None,
            algorithm: None,
            scope: None,
            credential_set,
            one_time_left: None,
        };
        match self {
            Self::None | Self::OneTime | Self::Bearer { .. } => blank,
            Self::Header { name, .. } => AuthorizationView { name: Some(name), ..blank },
            Self::ClientCredentials { client_id, scope, .. } => {
                AuthorizationView { client_id: Some(client_id), scope, ..blank }
            }
            Self::PrivateKeyJwt { client_id, key_id, algorithm, scope, .. } => {
                let (client_id, algorithm) = (Some(client_id), Some(algorithm));
                AuthorizationView { client_id, key_id, algorithm, scope, ..blank }
            }
        }
    }
}

const SCOPES: &str = "must be scopes, separated by one space each";
const ALGORITHM: &str = "must be one of `ES256`, `ES384`, `ES512`, `EdDSA`, `RS256`, `RS384`, `RS512`";

fn are_scopes(text: &str) -> bool {
    text.len() <= 2048 && text.split(' ').all(is_scope)
}

fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_own = NOT_FOR_CREDENTIALS.contains(&name.as_str());
    name.len() <= 100 && !is_own && http::HeaderName::from_bytes(name.as_bytes()).is_ok()
}

/// An algorithm that needs a key which the provider does not have.
pub fn signing(name: &str) -> Option<SigningAlgorithm> {
    let named = SigningAlgorithm::NAMED.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm);
    named.filter(|algorithm| algorithm.key_kind().is_some())
}

fn private_key(value: &Value, algorithm: Option<SigningAlgorithm>) -> Reading<&str> {
    let text = credential(value)?;
    let Some(algorithm) = algorithm else { return Ok(text) };
    if text.trim_start().starts_with('{') || PrivateKey::read(text, algorithm).is_err() {
        return wrong("must be a private key in PEM (PKCS #8), of the algorithm's kind");
    }
    Ok(text)
}
