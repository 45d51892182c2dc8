//! Microsoft Entra ID as a provider: clients are applications of one tenant, made through Microsoft Graph. Their secrets
//! overlap, and get tokens by client credentials alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::client::AuthMethod;
use crate::domain::members::Members;
use crate::domain::provider::credential::credential;
use crate::domain::provider::dcr::{
    CLIENT_PARAMETERS, DcrSettings, Management, ON_DELETE, OnDelete, VERIFICATIONS, Verification, parameters,
};
use crate::domain::reader::{span, text_that, word};
use crate::domain::text::{Span, is_safe_url};
use crate::domain::tier::Grant;

/// How clients are made in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntraSettings {
    /// Its identifier, or one of its domains.
    pub tenant: String,
    /// As whom the registry calls Graph: an application with the permission `Application.ReadWrite.OwnedBy`.
    pub client_id: String,
    /// Sealed.
    pub credential: String,
    /// Without a slash at the end.
    pub graph: String,
    pub login: String,
    pub secret_lifetime: Span,
    pub on_delete: OnDelete,
    pub verify: Verification,
    /// More parameters of the token request that checks a client.
    pub token_parameters: BTreeMap<String, String>,
}

/// As the API shows it, among the members of its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EntraView {
    #[schema(min_length = 1, max_length = 253)]
    pub tenant: String,
    #[schema(min_length = 1, max_length = 253)]
    pub client_id: String,
    #[schema(read_only)]
    pub credential_set: bool,
    pub graph: String,
    pub login: String,
    #[schema(value_type = String)]
    pub secret_lifetime: Span,
    pub on_delete: OnDelete,
    pub verify: Verification,
    pub token_parameters: BTreeMap<String, String>,
}

const GRAPH: &str = "https://graph.microsoft.com";
const LOGIN: &str = "https://login.microsoftonline.com";

/// Registrations at once: Graph throttles those of a tenant that come faster.
const PARALLEL: u8 = 4;

/// What the credential of the registry's own application is sealed with.
pub fn entra_place(provider: &str) -> String {
    format!("providers/{provider}/credential")
}

impl Default for EntraSettings {
    fn default() -> Self {
        Self {
            tenant: String::new(),
            client_id: String::new(),
            credential: String::new(),
            graph: GRAPH.to_owned(),
            login: LOGIN.to_owned(),
            secret_lifetime: Span::days(180),
            on_delete: OnDelete::default(),
            verify: Verification::default(),
            token_parameters: BTreeMap::new(),
        }
    }
}

impl EntraSettings {
    pub(super) fn read(&mut self, members: &mut Members<'_>, seal: &dyn Fn(&str) -> String) {
        let blank = Self::default();
        let before = self.recipient();
        members.required("tenant", &mut self.tenant, text_that(is_name, NAME));
        members.required("client_id", &mut self.client_id, text_that(is_name, NAME));
        let address = |text: &str| is_safe_url(text) && !text.ends_with('/') && !text.contains(['?', '#']);
        members.optional("graph", &mut self.graph, blank.graph, text_that(address, ADDRESS));
        members.optional("login", &mut self.login, blank.login, text_that(address, ADDRESS));
        members.required("credential", &mut self.credential, |value| credential(value).map(seal));
        // Or who can write it could have it sent to a server of his own.
        if members.is_patch() && before != self.recipient() && members.given("credential").is_none() {
            let what = "is required again where `tenant`, `client_id`, `graph` or `login` changes";
            members.fault("credential", what);
        }
        members.made_here(&["credential_set"]);
        members.optional("secret_lifetime", &mut self.secret_lifetime, blank.secret_lifetime, span("1d", "730d"));
        members.optional("on_delete", &mut self.on_delete, blank.on_delete, word(ON_DELETE));
        members.optional("verify", &mut self.verify, blank.verify, word(VERIFICATIONS));
        // Tokens of Entra are for the API that their scope names, which clients do not know of themselves.
        let reader = |value: &Value| parameters(value, &CLIENT_PARAMETERS);
        members.merged("token_parameters", &mut self.token_parameters, BTreeMap::new(), reader);
    }

    /// As whom, and to whom, the credential is shown.
    fn recipient(&self) -> [String; 4] {
        [&self.tenant, &self.client_id, &self.graph, &self.login].map(Clone::clone)
    }

    /// Where the tenant's tokens are got (the endpoint of version 2.0).
    pub fn token_endpoint(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.login, self.tenant)
    }

    /// As of a provider at which clients are registered dynamically: what is found again is found by its unique name.
    pub(super) fn registering(&self) -> DcrSettings {
        DcrSettings {
            management: Management::Credential,
            can_update: false,
            on_delete: self.on_delete,
            search_parameter: Some("uniqueName".to_owned()),
            parallel: PARALLEL,
            grants: vec![Grant::ClientCredentials],
            auth_methods: vec![AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic],
            verify: self.verify,
            token_parameters: self.token_parameters.clone(),
            ..DcrSettings::default()
        }
    }

    pub(super) fn view(self) -> EntraView {
        EntraView {
            tenant: self.tenant,
            client_id: self.client_id,
            credential_set: !self.credential.is_empty(),
            graph: self.graph,
            login: self.login,
            secret_lifetime: self.secret_lifetime,
            on_delete: self.on_delete,
            verify: self.verify,
            token_parameters: self.token_parameters,
        }
    }
}

const ADDRESS: &str = "must be an https URL, or an http one on a loopback host, without a slash at its end";
const NAME: &str = "must be 1 to 253 of A-Z, a-z, 0-9, . and -";

/// What stands in an address as it is: an identifier or a domain.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    (1..=253).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('.')
}
