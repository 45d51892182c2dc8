//! `apis`: what is protected, and how.

use super::field::{Field, repeated};
use super::key::{Elsewhere, Maybe, keys};
use super::kind::{Of, TEXT, Word};
use super::operations::{self, PATHS, Paths};
use super::pattern;
use super::problem::Code;
use super::references::References;
use super::resource;
use super::rules::{self, CLAIMS, CONTRACT, SCOPE_RULE, TOKEN};
use super::section::Section;
use super::shape::Shape;
use super::upstream;
use crate::policy::api::ApiSettings;
use crate::policy::claims::ClaimRule;
use crate::policy::hosts::HostPattern;
use crate::policy::resource::ProtectedResource;
use crate::policy::rule::{ContractRule, Rule, TokenRule};
use crate::policy::scopes::ScopeRule;
use crate::policy::upstream::Upstream;

type Hosts = Vec<HostPattern>;

keys! {
    /// A part of what is guarded.
    API: ApiKeys at "apis[]";
    /// The `api` of contracts and metrics.
    id: Of<Box<str>> = required(TEXT);
    /// Which requests belong to it; without it, every request.
    r#match: Of<(Hosts, Paths)> = or(Of(|field| field.section(matching)), "{}") as Shape::Section;
    /// Names of the providers whose tokens it takes; without it, all.
    providers: Maybe<Elsewhere> = optional(Elsewhere) as Shape::distinct(Shape::Text(pattern::PROVIDER_NAME));
    /// Whether a request without a token passes, without an identity.
    token: Word<TokenRule> = or(TOKEN, "\"required\"");
    /// What else a token must say: JSON pointers, each with the values of which there must be one.
    claims: Of<Vec<ClaimRule>> = or(CLAIMS, "{}") as rules::claims_shape();
    /// Scopes that a token must have; without it, none in particular.
    scopes: Maybe<Of<ScopeRule>> = optional(SCOPE_RULE) as Shape::Section;
    /// Whether the client needs a contract; without it, it does where there are contracts.
    contract: Maybe<Word<ContractRule>> = optional(CONTRACT);
    /// Parts of the API with rules of their own; the first match wins.
    operations: Elsewhere = or(Elsewhere, "[]") as Shape::list(Shape::Section);
    /// What it is called outside; without it, it has no metadata.
    resource: Maybe<Of<ProtectedResource>> = optional(resource::OBJECT) as Shape::Section;
    /// What the upstream receives.
    upstream: Of<Upstream> = or(Of(|field| field.section(upstream::read)), "{}") as Shape::Section;
}

keys! {
    /// Which requests belong to an API.
    MATCH: MatchKeys at "apis[].match";
    /// Host names, or `*.` and a host name for one or more labels before it; without it, every host.
    hosts: Maybe<Of<Hosts>> = optional(HOSTS) as Shape::filled(Shape::Text(pattern::HOST));
    /// Paths and prefixes; without it, every path.
    paths: Maybe<Of<Paths>> = optional(PATHS) as Shape::filled(Shape::Text(pattern::PATH));
}

const HOSTS: Of<Hosts> = Of(|field| field.filled_array(|element| element.parsed(HostPattern::parse)));

pub(super) fn read(field: &Field<'_>, references: &References<'_>) -> Option<Vec<ApiSettings>> {
    let apis = field.filled_array(|element| element.section(|section| api(section, references)));
    // Compared even when an API is wrong: one mistake must not hide another.
    let ids = field.tells_apart(&API.id, "is the id of another API");
    let resources = resource::are_told_apart(field, &API.resource);
    apis.filter(|_| ids && resources)
}

/// The ids in the list, for what refers to them; sound or not, whatever else is wrong with an API.
pub(super) fn ids(field: &Field<'_>) -> Vec<Box<str>> {
    field.texts(&API.id).into_iter().flatten().map(Into::into).collect()
}

fn api(section: &Section<'_>, references: &References<'_>) -> Option<ApiSettings> {
    let id = section.get(&API.id);
    let matching = section.get(&API.r#match);
    let providers = match section.field(&API.providers) {
        Some(field) => providers(&field, references),
        None => Some((0..references.providers.len()).collect()),
    };
    let rule = rule(section, references);
    // Operations are read even when the rule is wrong: one mistake must not hide another.
    let inherited = rule.clone().unwrap_or_default();
    let operations = section.read(&API.operations, |field| {
        field.array(|element| element.section(|section| operations::read(section, &inherited, references)))
    });
    let resource = section.get(&API.resource);
    let upstream = section.get(&API.upstream);
    let (hosts, paths) = matching?;
    Some(ApiSettings {
        id: id?,
        hosts,
        paths,
        providers: providers?,
        upstream: upstream?,
        rule: rule?,
        operations: operations?,
        resource: resource?,
    })
}

fn matching(section: &Section<'_>) -> Option<(Hosts, Paths)> {
    let hosts = section.get(&MATCH.hosts);
    let paths = section.get(&MATCH.paths);
    Some((hosts?.unwrap_or_default(), paths?.unwrap_or_default()))
}

fn providers(field: &Field<'_>, references: &References<'_>) -> Option<Vec<usize>> {
    let places = field.filled_array(|element| {
        let name = element.string()?;
        let place = references.providers.iter().position(|provider| **provider == *name);
        if place.is_none() {
            element.refuse(Code::UnknownReference, format!("no provider is named {name:?}"));
        }
        place
    })?;
    if repeated(&places, PartialEq::eq).next().is_some() {
        field.refuse(Code::Conflict, "names a provider twice");
        return None;
    }
    Some(places)
}

fn rule(section: &Section<'_>, references: &References<'_>) -> Option<Rule> {
    let token = section.get(&API.token);
    let claims = section.get(&API.claims);
    let scopes = section.get(&API.scopes);
    let default = if references.contracts { ContractRule::Required } else { ContractRule::None };
    let contract = rules::contract(section, &API.contract, default, references);
    Some(Rule {
        token: token?,
        claims: claims?,
        scopes: scopes?.unwrap_or_default(),
        contract: contract?,
        max_age: None,
    })
}
