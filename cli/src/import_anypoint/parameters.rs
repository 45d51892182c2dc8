//! The parameters of one policy.

use super::authorization::Client;
use super::change::{At, Kind, Notes, shown_name};
use super::policy::{Policy, PolicyKind};
use crate::document::node::{Member, Node, Value};
use tessera_core::base::http::HttpUrl;

/// Where the parameters of a policy go.
#[derive(Debug)]
pub struct Paths {
    /// Such as `providers[0]`.
    pub provider: String,
    /// Such as `apis[0]`.
    pub api: String,
    /// Where its scopes and the need for a contract stand, such as `apis[0].operations`; empty if that is the API.
    pub operations: String,
}

impl Paths {
    pub(super) fn rule(&self, member: &str) -> String {
        if self.operations.is_empty() { format!("{}.{member}", self.api) } else { self.operations.clone() }
    }
}

/// A policy whose parameters are read, and what is said about them.
pub struct Parameters<'a, 'n> {
    pub policy: &'a Policy,
    pub notes: &'n mut Notes,
}

impl<'a> Parameters<'a, '_> {
    fn members(&self) -> &'a [Member] {
        self.policy.config.as_ref().map_or(&[], Node::members)
    }

    /// Its value and place, unless it is absent or null.
    pub(super) fn find(&self, name: &str) -> Option<(&'a Node, At)> {
        let old = self.policy.kind.parameters().iter().find(|(known, _)| *known == name).map(|(_, old)| *old)?;
        let member = self.members().iter().find(|member| *member.key == *name || *member.key == *old)?;
        let at = At { file: self.policy.at.file, place: member.value.span.start };
        (!matches!(member.value.value, Value::Null)).then_some((&member.value, at))
    }

    /// Where a parameter stands, or is missing.
    pub fn place(&self, name: &str) -> At {
        self.find(name).map_or(self.policy.config_at(), |(_, at)| at)
    }

    pub(super) fn note(&mut self, kind: Kind, parameter: (At, &str), path: &str, message: impl Into<String>) {
        self.policy.note(self.notes, kind, parameter, path, message);
    }

    pub(super) fn absent(&mut self, name: &str, path: &str, message: impl Into<String>) {
        self.note(Kind::Default, (self.policy.config_at(), name), path, message);
    }

    /// Says what has no counterpart, and refuses what nobody can read for sure.
    pub fn look_over(&mut self) {
        if let Some(config) = &self.policy.config
            && !matches!(config.value, Value::Object(_) | Value::Null)
        {
            self.notes.fault(self.policy.config_at(), "the configuration of the policy is no object");
        }
        let known = self.policy.kind.parameters();
        let mut seen: Vec<&str> = Vec::new();
        for member in self.members() {
            let at = At { file: self.policy.at.file, place: member.key_span.start };
            let name = known.iter().find(|(name, old)| *member.key == **name || *member.key == **old);
            match name {
                Some((name, _)) if seen.contains(name) => self.notes.fault(at, format!("{name} is given twice")),
                Some((name, _)) => seen.push(name),
                None => {
                    let message = match &*member.key {
                        "secureTrustStore" => "TLS is the Envoy cluster's, with its trusted CA and names",
                        _ => "has no counterpart",
                    };
                    self.note(Kind::None, (at, shown_name(&member.key)), "", message);
                }
            }
        }
    }

    /// The URL that tokens are introspected at, or the one from the command line; without either, a fault.
    pub fn endpoint(&mut self, given: Option<&str>) -> Option<(String, At)> {
        let Some((node, at)) = self.find("introspectionURL") else {
            let at = self.policy.config_at();
            if given.is_none() {
                self.notes.fault(at, "introspectionURL is missing: --introspection-url says it");
            }
            return given.map(|url| (url.to_owned(), at));
        };
        // What is no URL may be a secret in the wrong place.
        let fault = match node.text().map(str::trim).map(|url| (url, HttpUrl::parse(url))) {
            Some((url, Ok(_))) => return Some((url.to_owned(), at)),
            Some((_, Err(fault))) => fault,
            None => "must be a text",
        };
        match given {
            Some(_) => {
                let message = format!("{fault}: the URL of --introspection-url counts");
                self.note(Kind::Meaning, (at, "introspectionURL"), "", message);
            }
            None => self.notes.fault(at, format!("introspectionURL {fault}; --introspection-url says another one")),
        }
        given.map(|url| (url.to_owned(), at))
    }

    /// Says that the endpoint is reached through a cluster.
    pub fn note_endpoint(&mut self, at: At, paths: &Paths, cluster: &str) {
        if self.policy.kind == PolicyKind::Introspection {
            let message = format!("it is reached through the Envoy cluster {cluster}, which has the address and TLS");
            self.note(
                Kind::Meaning,
                (at, "introspectionURL"),
                &format!("{}.introspection.endpoint", paths.provider),
                message,
            );
        }
    }

    /// How the gateway authenticates; the text is secret.
    pub fn client(&mut self, paths: &Paths, variable: &str, given_id: Option<&str>) -> (Client, Option<&'a str>) {
        let path = format!("{}.introspection", paths.provider);
        if self.policy.kind == PolicyKind::OpenIdConnect {
            return (Client::Given { id: given_id.unwrap_or_default().into() }, None);
        }
        let found = self.find("authorizationValue").map(|(node, _)| node.text());
        let client = match found {
            None => Client::None,
            Some(None) => Client::Verbatim,
            Some(Some(text)) => Client::of(text),
        };
        let member = if client == Client::Verbatim { "headers" } else { "client" };
        let parameter = (self.place("authorizationValue"), "authorizationValue");
        self.note(Kind::Meaning, parameter, &format!("{path}.{member}"), client.says(variable));
        (client, found.map(Option::unwrap_or_default))
    }
}
