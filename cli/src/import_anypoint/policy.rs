//! The policies that can be imported, and what they guard.

use super::change::{At, Change, Kind, Notes};
use crate::document::node::Node;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// `oauth2-token-introspection`
    Introspection,
    /// `openidconnect-access-token-enforcement`
    OpenIdConnect,
}

impl PolicyKind {
    pub fn of(name: &str) -> Option<Self> {
        match name.strip_suffix("-flex").unwrap_or(name) {
            "oauth2-token-introspection" => Some(Self::Introspection),
            "openidconnect-access-token-enforcement" => Some(Self::OpenIdConnect),
            _ => None,
        }
    }

    /// Names of its parameters, and their older ones.
    pub fn parameters(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Introspection => INTROSPECTION,
            Self::OpenIdConnect => OPEN_ID_CONNECT,
        }
    }
}

/// Parameters of `oauth2-token-introspection-flex`, with their names up to its version 1.4.
const INTROSPECTION: &[(&str, &str)] = &[
    ("introspectionURL", "introspection_url"),
    ("authorizationValue", "authorization_value"),
    ("validatedTokenTTL", "validated_token_ttl"),
    ("authenticationTimeout", "authentication_timeout"),
    ("skipClientIdValidation", "skip_client_id_validation"),
    ("consumerBy", "consumer_by"),
    ("exposeHeaders", "expose_headers"),
    ("scopes", "scopes"),
    ("scopeValidationCriteria", "scope_validation_criteria"),
    ("maxCacheEntries", "max_cache_entries"),
];

/// Parameters of `openidconnect-access-token-enforcement-flex`.
const OPEN_ID_CONNECT: &[(&str, &str)] = &[
    ("authenticationTimeout", "authenticationTimeout"),
    ("scopes", "scopes"),
    ("scopeValidationCriteria", "scopeValidationCriteria"),
    ("exposeHeaders", "exposeHeaders"),
    ("skipClientIdValidation", "skipClientIdValidation"),
    ("maxFederationExpirationTime", "maxFederationExpirationTime"),
    ("maxCacheSize", "maxCacheSize"),
];

/// What the rules of a policy are called, and their parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleNames {
    pub rules: &'static str,
    pub path: &'static str,
    pub methods: &'static str,
}

pub const FLEX_RULES: RuleNames = RuleNames { rules: "rules", path: "path", methods: "methods" };
pub const MANAGER_RULES: RuleNames =
    RuleNames { rules: "pointcutData", path: "uriTemplateRegex", methods: "methodRegex" };

/// A policy that holds for an API.
#[derive(Clone, Debug)]
pub struct Policy {
    pub kind: PolicyKind,
    pub name: Box<str>,
    pub at: At,
    /// Index of its API.
    pub api: usize,
    pub config: Option<Node>,
    pub rules: Option<Node>,
    pub rule_names: RuleNames,
}

impl Policy {
    /// Where what it lacks is missing.
    pub fn config_at(&self) -> At {
        self.config.as_ref().map_or(self.at, |config| At::of(self.at.file, config))
    }

    /// The name of a parameter as the configuration writes it.
    fn written<'a>(&self, name: &'a str) -> &'a str {
        let old = self.kind.parameters().iter().find(|(known, _)| *known == name).map_or(name, |(_, old)| old);
        let has_old = self.config.as_ref().is_some_and(|config| config.get(old).is_some());
        if has_old { old } else { name }
    }

    /// Notes how a parameter differs here.
    pub fn note(&self, notes: &mut Notes, kind: Kind, parameter: (At, &str), path: &str, message: impl Into<String>) {
        notes.changes.push(Change {
            kind,
            at: parameter.0,
            policy: Some(self.name.clone()),
            parameter: self.written(parameter.1).into(),
            path: path.into(),
            message: message.into(),
        });
    }
}

/// An API that policies hold for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    pub id: String,
    pub at: At,
    /// Scheme, host and port that it listens at, if the input says so.
    pub authority: Option<Box<str>>,
    /// What its paths begin with, without a slash at the end; empty for every path.
    pub base: Box<str>,
}
