//! Providers: where clients are made, and whose tokens the filter takes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::members::{Members, Reading};
use crate::domain::reader::{or_null, set, slug, span, text, text_that, word, wrong};
use crate::domain::text::{MAX_TITLE, Span, is_safe_url};
use crate::domain::time::Time;

/// How clients come to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Somebody makes them there and brings them.
    #[default]
    Manual,
}

const KINDS: &[(&str, ProviderKind)] = &[("manual", ProviderKind::Manual)];

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

/// Where and as whom tokens are introspected (RFC 7662).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introspection {
    /// Instead of the one that the issuer's metadata names.
    pub endpoint: Option<String>,
    pub client_id: String,
    pub auth: EndpointAuth,
    /// Sealed.
    pub credential: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    pub id: String,
    pub title: String,
    pub kind: ProviderKind,
    /// All when absent.
    pub environments: Option<Vec<String>>,
    pub issuer: Option<String>,
    /// Tokens are JWTs when absent.
    pub introspection: Option<Introspection>,
    pub client_id_claims: Vec<String>,
    pub timeout: Span,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A provider as everybody may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderBrief {
    pub id: String,
    pub title: String,
    pub environments: Option<Vec<String>>,
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

/// A provider as the API shows it in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderView {
    pub id: String,
    pub title: String,
    pub kind: ProviderKind,
    pub environments: Option<Vec<String>>,
    pub issuer: Option<String>,
    pub introspection: Option<IntrospectionView>,
    pub client_id_claims: Vec<String>,
    #[schema(value_type = String)]
    pub timeout: Span,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

/// Claims that name the client of a token, the first that is there.
const CLAIMS: [&str; 4] = ["client_id", "azp", "appid", "cid"];
/// Longest credential, in bytes: a PEM key of 4096 bits has some 3,300.
const MAX_CREDENTIAL: usize = 16 << 10;

impl Provider {
    /// Of which nothing is known yet.
    pub fn blank(now: Time) -> Self {
        Self {
            id: String::new(),
            title: String::new(),
            kind: ProviderKind::default(),
            environments: None,
            issuer: None,
            introspection: None,
            client_id_claims: CLAIMS.map(str::to_owned).into(),
            timeout: Span::seconds(10),
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether there are such environments is not asked. `seal` is given each new credential.
    pub fn read(&mut self, members: &mut Members<'_>, seal: &dyn Fn(&str, &str) -> String) {
        let https = "must be an https URL, or an http one on a loopback host";
        members.fixed("id", &mut self.id, slug);
        members.optional("title", &mut self.title, self.id.clone(), text(1..=MAX_TITLE));
        members.nullable("environments", &mut self.environments, set(0..=1000, slug));
        members.made_here(&["created_at", "updated_at"]);
        let mut kind = members.is_patch().then_some(self.kind);
        members.fixed("kind", &mut kind, |value| word(KINDS)(value).map(Some));
        let Some(kind) = kind else { return members.leave_rest() };
        self.kind = kind;
        if members.is_patch() {
            members.unchanged("issuer", &self.issuer, or_null(text_that(is_safe_url, https)));
        } else {
            members.nullable("issuer", &mut self.issuer, text_that(is_safe_url, https));
        }
        let id = self.id.clone();
        let seal = |credential: &str| seal(&introspection_place(&id), credential);
        members.part("introspection", &mut self.introspection, Introspection::default(), |members, introspection| {
            introspection.read(members, self.issuer.is_some(), &seal);
        });
        let claims = CLAIMS.map(str::to_owned).into();
        members.optional("client_id_claims", &mut self.client_id_claims, claims, set(1..=16, text(1..=200)));
        members.optional("timeout", &mut self.timeout, Span::seconds(10), span("1s", "60s"));
    }

    pub fn serves(&self, environment: &str) -> bool {
        self.environments.as_ref().is_none_or(|served| served.iter().any(|one| one == environment))
    }

    pub fn brief(&self) -> ProviderBrief {
        let Self { id, title, environments, .. } = self.clone();
        ProviderBrief { id, title, environments }
    }

    pub fn view(&self) -> ProviderView {
        let Self {
            id,
            title,
            kind,
            environments,
            issuer,
            introspection,
            client_id_claims,
            timeout,
            created_at,
            updated_at,
        } = self.clone();
        let introspection = introspection.map(|Introspection { endpoint, client_id, auth, credential }| {
            IntrospectionView { endpoint, client_id, auth, credential_set: !credential.is_empty() }
        });
        ProviderView {
            id,
            title,
            kind,
            environments,
            issuer,
            introspection,
            client_id_claims,
            timeout,
            created_at,
            updated_at,
        }
    }
}

/// What the credential of a provider's introspection is sealed with.
pub fn introspection_place(provider: &str) -> String {
    format!("providers/{provider}/introspection/credential")
}

impl Introspection {
    fn read(&mut self, members: &mut Members<'_>, has_issuer: bool, seal: &dyn Fn(&str) -> String) {
        let https = text_that(is_safe_url, "must be an https URL, or an http one on a loopback host");
        let (endpoint, client_id) = (self.endpoint.clone(), self.client_id.clone());
        members.nullable("endpoint", &mut self.endpoint, https);
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
}

/// A secret as it is, not normalised.
fn credential(value: &Value) -> Reading<&str> {
    match value.as_str() {
        Some(text) if (1..=MAX_CREDENTIAL).contains(&text.len()) && !text.contains('\0') => Ok(text),
        _ => wrong(format!("must be a string of 1 to {MAX_CREDENTIAL} bytes")),
    }
}
