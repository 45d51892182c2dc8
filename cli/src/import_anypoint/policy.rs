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
}

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

    /// Notes how a parameter differs here.
    pub fn note(&self, notes: &mut Notes, kind: Kind, parameter: (At, &str), path: &str, message: impl Into<String>) {
        notes.changes.push(Change {
            kind,
            at: parameter.0,
            policy: Some(self.name.clone()),
            parameter: parameter.1.into(),
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
