//! Providers at which clients are registered dynamically (RFC 7591, RFC 7592): what each of them can do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::client::{AUTH_METHODS, AuthMethod};
use crate::domain::members::{Members, Reading};
use crate::domain::provider::authorization::{Authorization, AuthorizationType, AuthorizationView};
use crate::domain::provider::template::Template;
use crate::domain::reader::{boolean, integer, set, text_that, word, wrong};
use crate::domain::text::{SAFE_URL, is_safe_url};
use crate::domain::tier::{GRANTS, Grant};

/// With what a client is read, changed and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Management {
    /// Its own, at its own address (RFC 7592).
    #[default]
    RegistrationToken,
    /// The provider's authorization, at `{endpoint}/{client_id}`.
    Credential,
    /// Nothing: what is registered stays as it is.
    None,
}

const MANAGEMENTS: &[(&str, Management)] = &[
    ("registration_token", Management::RegistrationToken),
    ("credential", Management::Credential),
    ("none", Management::None),
];

/// What becomes of a client at its provider when it has ended here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDelete {
    #[default]
    Delete,
    /// It stays, as an orphan.
    Keep,
}

pub(super) const ON_DELETE: &[(&str, OnDelete)] = &[("delete", OnDelete::Delete), ("keep", OnDelete::Keep)];

/// How a new client is checked before it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// By a token that it gets.
    #[default]
    Token,
    /// By what the provider says that it has registered.
    Metadata,
    None,
}

pub(super) const VERIFICATIONS: &[(&str, Verification)] =
    &[("token", Verification::Token), ("metadata", Verification::Metadata), ("none", Verification::None)];

/// How clients are registered at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DcrSettings {
    /// Instead of those that the issuer's metadata names.
    pub endpoint: Option<String>,
    pub token_endpoint: Option<String>,
    pub authorization: Authorization,
    pub management: Management,
    pub can_update: bool,
    pub can_delete: bool,
    pub on_delete: OnDelete,
    /// By which clients are searched at the endpoint.
    pub search_parameter: Option<String>,
    /// Registrations at once.
    pub parallel: u8,
    pub grants: Vec<Grant>,
    /// Those that are offered, the best first.
    pub auth_methods: Vec<AuthMethod>,
    pub metadata: Template,
    pub verify: Verification,
    /// More parameters of the token request that checks a client.
    pub token_parameters: BTreeMap<String, String>,
}

/// As the API shows it, among the members of its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DcrView {
    pub endpoint: Option<String>,
    pub token_endpoint: Option<String>,
    pub authorization: AuthorizationView,
    pub management: Management,
    pub can_update: bool,
    pub can_delete: bool,
    pub on_delete: OnDelete,
    pub search_parameter: Option<String>,
    #[schema(minimum = 1, maximum = 16)]
    pub parallel: u8,
    pub grants: Vec<Grant>,
    pub auth_methods: Vec<AuthMethod>,
    pub metadata: Template,
    pub verify: Verification,
    pub token_parameters: BTreeMap<String, String>,
}

const MAX_PARALLEL: u64 = 16;
const MAX_PARAMETERS: usize = 16;
const MAX_PARAMETER: usize = 2048;
/// What a token request has of its own, wherever it goes.
pub(super) const CLIENT_PARAMETERS: [&str; 5] =
    ["grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type"];

impl Default for DcrSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            token_endpoint: None,
            authorization: Authorization::None,
            management: Management::default(),
            can_update: true,
            can_delete: true,
            on_delete: OnDelete::default(),
            search_parameter: None,
            parallel: 1,
            grants: vec![Grant::ClientCredentials],
            auth_methods: vec![AuthMethod::PrivateKeyJwt, AuthMethod::ClientSecretBasic],
            metadata: Template::default(),
            verify: Verification::default(),
            token_parameters: BTreeMap::new(),
        }
    }
}

impl DcrSettings {
    /// Whether clients can be changed there.
    pub fn updates(&self) -> bool {
        self.can_update && self.management != Management::None
    }

    /// Whether they can be deleted there, and are.
    pub fn deletes(&self) -> bool {
        self.can_delete && self.management != Management::None && self.on_delete == OnDelete::Delete
    }

    /// How a client with these grants is checked: without client credentials it gets no token by itself.
    pub fn verification(&self, grants: &[Grant]) -> Verification {
        match self.verify {
            Verification::Token if !grants.contains(&Grant::ClientCredentials) => Verification::Metadata,
            verify => verify,
        }
    }

    pub(super) fn read(&mut self, members: &mut Members<'_>, seal: &dyn Fn(&str) -> String) {
        let blank = Self::default();
        let endpoints = (self.endpoint.clone(), self.token_endpoint.clone());
        members.nullable("endpoint", &mut self.endpoint, text_that(is_safe_url, SAFE_URL));
        members.nullable("token_endpoint", &mut self.token_endpoint, text_that(is_safe_url, SAFE_URL));
        let is_moved = endpoints != (self.endpoint.clone(), self.token_endpoint.clone());
        self.read_authorization(members, is_moved, seal);
        members.optional("management", &mut self.management, blank.management, word(MANAGEMENTS));
        if self.management == Management::Credential && !self.has_standing_credential() {
            members.fault("management", "`credential` needs an authorization with a credential");
        }
        members.optional("can_update", &mut self.can_update, true, boolean);
        members.optional("can_delete", &mut self.can_delete, true, boolean);
        members.optional("on_delete", &mut self.on_delete, blank.on_delete, word(ON_DELETE));
        members.nullable("search_parameter", &mut self.search_parameter, text_that(is_parameter, PARAMETER));
        let at_once = |value: &Value| integer(1..=MAX_PARALLEL)(value).map(|number| u8::try_from(number).unwrap_or(1));
        members.optional("parallel", &mut self.parallel, 1, at_once);
        members.optional("grants", &mut self.grants, blank.grants, set(1..=GRANTS.len(), word(GRANTS)));
        let methods = set(1..=AUTH_METHODS.len(), word(AUTH_METHODS));
        members.optional("auth_methods", &mut self.auth_methods, blank.auth_methods, methods);
        members.merged("metadata", &mut self.metadata, blank.metadata, Template::read);
        members.optional("verify", &mut self.verify, blank.verify, word(VERIFICATIONS));
        let reader = |value: &Value| parameters(value, &[&["scope"], &CLIENT_PARAMETERS[..]].concat());
        members.merged("token_parameters", &mut self.token_parameters, BTreeMap::new(), reader);
    }

    fn read_authorization(&mut self, members: &mut Members<'_>, is_moved: bool, seal: &dyn Fn(&str) -> String) {
        let is_kept = members.is_patch() && members.given("authorization").is_none();
        if is_kept && is_moved && self.authorization.credential().is_some() {
            members.fault("authorization", "is required again, with its credential, where an endpoint changes");
        }
        let mut authorization = Some(std::mem::take(&mut self.authorization));
        members.part("authorization", &mut authorization, Authorization::None, |members, authorization| {
            authorization.read(members, is_moved, seal);
        });
        self.authorization = authorization.unwrap_or_default();
    }

    fn has_standing_credential(&self) -> bool {
        !matches!(self.authorization.kind(), AuthorizationType::None | AuthorizationType::OneTime)
    }

    pub(super) fn view(self) -> DcrView {
        DcrView {
            endpoint: self.endpoint,
            token_endpoint: self.token_endpoint,
            authorization: self.authorization.view(),
            management: self.management,
            can_update: self.can_update,
            can_delete: self.can_delete,
            on_delete: self.on_delete,
            search_parameter: self.search_parameter,
            parallel: self.parallel,
            grants: self.grants,
            auth_methods: self.auth_methods,
            metadata: self.metadata,
            verify: self.verify,
            token_parameters: self.token_parameters,
        }
    }
}

const PARAMETER: &str = "must be 1 to 64 of A-Z, a-z, 0-9, ., _, ~ and -";

fn is_parameter(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Parameters of a form, none of them of these names.
pub(super) fn parameters(value: &Value, not: &[&str]) -> Reading<BTreeMap<String, String>> {
    let Some(object) = value.as_object() else { return wrong("must be an object") };
    if object.len() > MAX_PARAMETERS {
        return wrong(format!("must have at most {MAX_PARAMETERS} members"));
    }
    let mut read = BTreeMap::new();
    for (name, value) in object {
        if !is_parameter(name) || not.contains(&name.as_str()) {
            return wrong(format!("cannot name `{}`", name.chars().take(64).collect::<String>()));
        }
        match value.as_str().filter(|text| text.len() <= MAX_PARAMETER && !text.chars().any(char::is_control)) {
            Some(text) => read.insert(name.clone(), text.to_owned()),
            None => return wrong(format!("`{name}` must be a text of at most {MAX_PARAMETER} bytes")),
        };
    }
    Ok(read)
}
