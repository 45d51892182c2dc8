//! Tiers: the terms under which an API can be used.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::members::{Members, Reading};
use crate::domain::reader::{array, boolean, integer, lines, object, set, slug, span, text, text_that, word};
use crate::domain::text::{MAX_DESCRIPTION, MAX_TITLE, Span, is_scope};

/// Whoever approves requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Nobody: it is given at once.
    Automatic,
    #[default]
    Manual,
}

/// What redirect URIs clients may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedirectUris {
    #[default]
    None,
    Https,
}

/// A grant of OAuth 2.0 that clients may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    ClientCredentials,
    AuthorizationCode,
    RefreshToken,
}

pub const GRANTS: &[(&str, Grant)] = &[
    ("client_credentials", Grant::ClientCredentials),
    ("authorization_code", Grant::AuthorizationCode),
    ("refresh_token", Grant::RefreshToken),
];

/// So many requests in that time. Shown, not enforced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RateLimit {
    #[schema(minimum = 1)]
    pub requests: u64,
    #[schema(value_type = String)]
    pub period: Span,
}

/// A tier as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tier {
    pub id: String,
    pub title: String,
    pub description: String,
    pub approval: Approval,
    pub limits: Vec<RateLimit>,
    #[schema(value_type = Option<String>)]
    pub max_duration: Option<Span>,
    pub self_approval: bool,
    pub scopes: Vec<String>,
    pub redirect_uris: RedirectUris,
    pub grants: Vec<Grant>,
}

/// A tier and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierOfApi {
    pub environment: String,
    pub api: String,
    pub tier: Tier,
}

/// Integers that JSON numbers hold exactly.
const MAX_EXACT: u64 = (1 << 53) - 1;

impl Default for Tier {
    fn default() -> Self {
        Self {
            id: String::new(),
            title: String::new(),
            description: String::new(),
            approval: Approval::default(),
            limits: Vec::new(),
            max_duration: None,
            self_approval: false,
            scopes: Vec::new(),
            redirect_uris: RedirectUris::default(),
            grants: vec![Grant::ClientCredentials],
        }
    }
}

impl Tier {
    pub fn read(&mut self, members: &mut Members<'_>) {
        let approvals = &[("automatic", Approval::Automatic), ("manual", Approval::Manual)];
        let uris = &[("none", RedirectUris::None), ("https", RedirectUris::Https)];
        let scope = text_that(is_scope, "must be a scope: 1 to 256 printable ASCII characters but space, \" and \\");
        let Self { approval, limits, grants, .. } = Self::default();
        members.fixed("id", &mut self.id, slug);
        members.optional("title", &mut self.title, self.id.clone(), text(1..=MAX_TITLE));
        members.optional("description", &mut self.description, String::new(), lines(0..=MAX_DESCRIPTION));
        members.optional("approval", &mut self.approval, approval, word(approvals));
        members.optional("limits", &mut self.limits, limits, array(0..=8, rate_limit));
        members.nullable("max_duration", &mut self.max_duration, span("1s", "36500d"));
        members.optional("self_approval", &mut self.self_approval, false, boolean);
        members.optional("scopes", &mut self.scopes, Vec::new(), set(0..=100, scope));
        members.optional("redirect_uris", &mut self.redirect_uris, RedirectUris::None, word(uris));
        members.optional("grants", &mut self.grants, grants, set(1..=GRANTS.len(), word(GRANTS)));
    }
}

fn rate_limit(value: &Value) -> Reading<RateLimit> {
    let blank = || RateLimit { requests: 0, period: Span::seconds(0) };
    object(blank, |members, limit: &mut RateLimit| {
        members.required("requests", &mut limit.requests, integer(1..=MAX_EXACT));
        members.required("period", &mut limit.period, span("1ms", "36500d"));
    })(value)
}
