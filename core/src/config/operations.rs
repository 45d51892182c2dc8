//! `operations`: parts of an API with their own rules.

use super::key::{Maybe, keys};
use super::kind::{FLAG, Of, Span, Word};
use super::pattern;
use super::problem::Code;
use super::references::References;
use super::rules::{self, CLAIMS, CONTRACT, SCOPE_RULE, TOKEN};
use super::section::Section;
use super::shape::Shape;
use crate::base::fields::is_token;
use crate::policy::api::{Access, Operation};
use crate::policy::claims::ClaimRule;
use crate::policy::paths::PathPattern;
use crate::policy::rule::{ContractRule, Rule, TokenRule};
use crate::policy::scopes::ScopeRule;
use std::rc::Rc;
use std::time::Duration;

/// Paths and prefixes.
pub(super) type Paths = Vec<PathPattern>;

type Methods = Vec<Box<str>>;

pub(super) const PATHS: Of<Paths> = Of(|field| field.filled_array(|element| element.parsed(PathPattern::parse)));

const METHODS: Of<Methods> = Of(|field| field.filled_array(|element| element.parsed(method)));

keys! {
    /// A part of an API with a rule of its own. What it does not name is the API's.
    OPERATION: OperationKeys at "apis[].operations[]";
    /// Which requests of the API.
    r#match: Of<(Methods, Paths)> = required(Of(|field| field.section(matching))) as Shape::Section;
    /// No token is looked at.
    public: Of<bool> = or(FLAG, "false");
    /// As for the API.
    token: Maybe<Word<TokenRule>> = optional(TOKEN);
    /// As for the API.
    claims: Maybe<Of<Vec<ClaimRule>>> = optional(CLAIMS) as rules::claims_shape();
    /// As for the API.
    scopes: Maybe<Of<ScopeRule>> = optional(SCOPE_RULE) as Shape::Section;
    /// As for the API.
    contract: Maybe<Word<ContractRule>> = optional(CONTRACT);
    /// What is known of a token for longer than this is asked again.
    max_age: Maybe<Span> = optional(Span(Duration::from_millis(1), Duration::from_secs(86_400)));
}

keys! {
    /// Which requests of an API belong to an operation.
    MATCH: OperationMatchKeys at "apis[].operations[].match";
    /// Request methods, with case; without it, every method.
    methods: Maybe<Of<Methods>> = optional(METHODS) as Shape::filled(Shape::Text(pattern::TOKEN));
    /// Whole paths and prefixes; without it, every path.
    paths: Maybe<Of<Paths>> = optional(PATHS) as Shape::filled(Shape::Text(pattern::PATH));
}

/// Reads the object; `inherited` is the rule of its API.
pub(super) fn read(section: &Section<'_>, inherited: &Rule, references: &References<'_>) -> Option<Operation> {
    let matching = section.get(&OPERATION.r#match);
    let public = section.get(&OPERATION.public);
    let rule = rule(section, inherited, references);
    let access = if public? { public_access(section, matching.as_ref())? } else { Access::Guarded(Rc::new(rule?)) };
    let (methods, paths) = matching?;
    Some(Operation { methods, paths, access })
}

fn public_access(section: &Section<'_>, matching: Option<&(Methods, Paths)>) -> Option<Access> {
    let has_rule = section.has(&OPERATION.token)
        || section.has(&OPERATION.claims)
        || section.has(&OPERATION.scopes)
        || section.has(&OPERATION.contract)
        || section.has(&OPERATION.max_age);
    if has_rule {
        section.refuse(
            Code::Conflict,
            "is public: no token is looked at, so token, claims, scopes, contract and max_age have no effect",
        );
        return None;
    }
    if matching.is_some_and(|(_, paths)| !paths.iter().all(PathPattern::is_plain)) {
        section.refuse(Code::Conflict, "can never be public: its paths hold escapes that make nothing public");
        return None;
    }
    Some(Access::Public)
}

fn rule(section: &Section<'_>, inherited: &Rule, references: &References<'_>) -> Option<Rule> {
    let token = section.get(&OPERATION.token);
    let claims = section.get(&OPERATION.claims);
    let scopes = section.get(&OPERATION.scopes);
    let contract = rules::contract(section, &OPERATION.contract, inherited.contract, references);
    let max_age = section.get(&OPERATION.max_age);
    Some(Rule {
        token: token?.unwrap_or(inherited.token),
        claims: claims?.unwrap_or_else(|| inherited.claims.clone()),
        scopes: scopes?.unwrap_or_else(|| inherited.scopes.clone()),
        contract: contract?,
        max_age: max_age?,
    })
}

fn matching(section: &Section<'_>) -> Option<(Methods, Paths)> {
    let methods = section.get(&MATCH.methods);
    let paths = section.get(&MATCH.paths);
    Some((methods?.unwrap_or_default(), paths?.unwrap_or_default()))
}

fn method(text: &str) -> Result<Box<str>, &'static str> {
    if !is_token(text.as_bytes()) {
        return Err("must be a request method");
    }
    Ok(text.into())
}
