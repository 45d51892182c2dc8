//! A protected API: which requests it matches, its rules, and whose tokens it accepts.

use super::hosts::HostPattern;
use super::paths::PathPattern;
use super::resource::ProtectedResource;
use super::rule::{Rule, TokenRule};
use super::upstream::Upstream;
use crate::provider::Provider;
use crate::provider::jwt::settings::Jwt;
use crate::token::bearer::Bearer;
use crate::token::issuer::unverified_issuer;
use std::rc::Rc;

/// An API as it is configured.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    pub id: Box<str>,
    /// Hosts it is served under; empty = every host.
    pub hosts: Vec<HostPattern>,
    /// Paths it is served under; empty = every path.
    pub paths: Vec<PathPattern>,
    /// Providers whose tokens it takes, by their places in the configuration.
    pub providers: Vec<usize>,
    pub upstream: Upstream,
    pub rule: Rule,
    /// Tried in this order; the first match wins.
    pub operations: Vec<Operation>,
    /// What it is called outside, if it is to be found by its metadata.
    pub resource: Option<ProtectedResource>,
}

/// One protected API.
#[derive(Debug)]
pub struct Api {
    pub id: Box<str>,
    pub slot: usize,
    pub choices: Choices,
    pub upstream: Upstream,
    pub rule: Rc<Rule>,
    /// Tried in this order; the first match wins.
    pub operations: Vec<Operation>,
    pub resource: Option<ProtectedResource>,
    hosts: Vec<HostPattern>,
    paths: Vec<PathPattern>,
}

/// A part of an API with its own rule.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Request methods, with case; empty = every method.
    pub methods: Vec<Box<str>>,
    /// Paths; empty = every path of the API.
    pub paths: Vec<PathPattern>,
    pub access: Access,
}

/// Who may call an operation.
#[derive(Clone, Debug)]
pub enum Access {
    Public,
    Guarded(Rc<Rule>),
}

/// The API and the rule that a request matches.
#[derive(Clone, Debug)]
pub struct Guard {
    pub api: Rc<Api>,
    pub rule: Rc<Rule>,
    /// Whether the path is certain enough for the rule to open something.
    pub(super) opens: bool,
}

impl Guard {
    /// Whether a request passes without a token.
    pub fn waives_token(&self) -> bool {
        self.opens && self.rule.token == TokenRule::Optional
    }
}

/// The providers of an API; never none.
#[derive(Clone, Debug)]
pub struct Choices {
    first: Choice,
    others: Box<[Choice]>,
}

/// A provider among those of an API, and the key under which its answers are cached.
///
/// APIs with the same list of providers send a token to the same one and share its answers. APIs with different lists
/// may send it to different ones and do not.
#[derive(Clone, Debug)]
pub struct Choice {
    pub provider: Rc<Provider>,
    pub key: u16,
}

/// Why nobody vouches for a token, where all that is taken is JWTs to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unvouched {
    /// It names an issuer that is none of theirs.
    WrongIssuer,
    /// It names none.
    NotJwt,
}

impl Choices {
    /// `None` without a choice.
    pub fn new(choices: Vec<Choice>) -> Option<Self> {
        let mut choices = choices.into_iter();
        Some(Self { first: choices.next()?, others: choices.collect() })
    }

    pub fn iter(&self) -> impl Iterator<Item = &Choice> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The one that this token goes to: whose issuer it names, else the first that can be asked. It is verified where
    /// that one verifies JWTs of its issuer, else introspected.
    ///
    /// # Errors
    /// [`Unvouched`] when there is none.
    pub fn choose(&self, token: &Bearer) -> Result<(&Choice, Option<&Jwt>), Unvouched> {
        if self.others.is_empty() && self.first.provider.jwt.is_none() {
            return Ok((&self.first, None));
        }
        let issuer = unverified_issuer(token.expose());
        let is_named =
            |choice: &&Choice| issuer.is_some() && choice.provider.checks.issuer.as_deref() == issuer.as_deref();
        if let Some(named) = self.iter().find(is_named) {
            return Ok((named, named.provider.jwt.as_ref()));
        }
        let asked = self.iter().find(|choice| choice.provider.introspection.is_some()).map(|choice| (choice, None));
        asked.ok_or(if issuer.is_some() { Unvouched::WrongIssuer } else { Unvouched::NotJwt })
    }
}

impl Api {
    /// The API at this place, with these choices.
    pub(super) fn new(slot: usize, settings: ApiSettings, choices: Choices) -> Self {
        let ApiSettings { id, hosts, paths, upstream, rule, operations, resource, providers: _ } = settings;
        Self { id, slot, choices, upstream, rule: Rc::new(rule), operations, resource, hosts, paths }
    }

    /// The hosts that it is served under; none: every host.
    pub fn hosts(&self) -> &[HostPattern] {
        &self.hosts
    }

    /// The paths that it is served under; none: every path.
    pub fn paths(&self) -> &[PathPattern] {
        &self.paths
    }

    #[inline]
    pub(super) fn matches(&self, host: &[u8], path: &[u8]) -> bool {
        self.is_served_at(host) && (self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.matches(path)))
    }

    /// Whether a request for this host may match.
    pub fn is_served_at(&self, host: &[u8]) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| pattern.matches(host))
    }

    /// Whether it is served under some hosts only.
    pub fn reads_authority(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Whether some of its rules are about paths.
    pub fn reads_path(&self) -> bool {
        !self.paths.is_empty() || self.operations.iter().any(|operation| !operation.paths.is_empty())
    }
}

impl Operation {
    #[inline]
    pub(super) fn matches(&self, method: &[u8], path: &[u8]) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|name| name.as_bytes() == method))
            && (self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.matches(path)))
    }
}

#[cfg(test)]
mod tests;
