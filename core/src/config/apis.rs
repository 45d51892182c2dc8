//! `apis`: what is guarded, and how.

use super::claims;
use super::reader::{Field, Object};
use crate::base::fields::{is_header_name, is_token};
use crate::policy::api::{Access, ApiSettings, Operation};
use crate::policy::hosts::HostPattern;
use crate::policy::paths::PathPattern;
use crate::policy::rule::{ContractRule, Rule, TokenRule};
use crate::policy::scopes::ScopeRule;
use crate::policy::upstream::{Upstream, Value};
use std::rc::Rc;
use std::time::Duration;

/// What the list of APIs refers to.
pub struct References<'a> {
    /// Names of the providers, in order.
    pub providers: &'a [Box<str>],
    /// Whether contracts are configured at all.
    pub contracts: bool,
}

/// Reads the list.
pub fn read(field: &Field<'_>, references: &References<'_>) -> Option<Vec<ApiSettings>> {
    let apis = field.filled_array(|element| element.object(|object| api(object, references)));
    // A faulty API is no reason to leave the others uncompared.
    let ids = field.texts("id");
    let mut sound = true;
    for (index, id) in ids.iter().enumerate() {
        if id.is_some() && ids.iter().take(index).any(|other| other == id) {
            field.refuse_within(index, "id", "is the id of another API");
            sound = false;
        }
    }
    apis.filter(|_| sound)
}

/// The ids in the list, for what refers to them; sound or not, whatever else is wrong with an API.
pub fn ids(field: &Field<'_>) -> Vec<Box<str>> {
    field.texts("id").into_iter().flatten().map(Into::into).collect()
}

fn api(object: &Object<'_>, references: &References<'_>) -> Option<ApiSettings> {
    let id = object.required("id").and_then(|field| field.text());
    let matching = object.or("match", (Vec::new(), Vec::new()), |field| field.object(api_match));
    let providers = providers(object, references);
    let default = if references.contracts { ContractRule::Required } else { ContractRule::None };
    let rule = rule(object, Rule { contract: default, ..Rule::default() }, references);
    // A faulty rule is no reason to leave the operations unread.
    let inherited = rule.clone().unwrap_or_default();
    let operations = object.or("operations", Vec::new(), |field| {
        field.array(|element| element.object(|object| operation(object, &inherited, references)))
    });
    let upstream = match object.optional("upstream") {
        Some(field) => field.object(upstream_headers),
        None => Some(default_upstream()),
    };
    let (hosts, paths) = matching?;
    Some(ApiSettings {
        id: id?,
        hosts,
        paths,
        providers: providers?,
        upstream: upstream?,
        rule: rule?,
        operations: operations?,
    })
}

fn api_match(object: &Object<'_>) -> Option<(Vec<HostPattern>, Vec<PathPattern>)> {
    let hosts =
        object.or("hosts", Vec::new(), |field| field.filled_array(|element| element.parsed(HostPattern::parse)));
    let paths = object.or("paths", Vec::new(), paths);
    hosts.zip(paths)
}

fn paths(field: &Field<'_>) -> Option<Vec<PathPattern>> {
    field.filled_array(|element| element.parsed(PathPattern::parse))
}

fn providers(object: &Object<'_>, references: &References<'_>) -> Option<Vec<usize>> {
    let known = references.providers;
    let all = (0..known.len()).collect();
    object.or("providers", all, |field| {
        field
            .filled_array(|element| {
                let name = element.string()?;
                let index = known.iter().position(|provider| **provider == *name);
                if index.is_none() {
                    element.refuse(format!("no provider is named {name:?}"));
                }
                index
            })
            .filter(|list| {
                let twice = list
                    .iter()
                    .enumerate()
                    .any(|(index, provider)| list.iter().take(index).any(|other| other == provider));
                if twice {
                    field.refuse("names a provider twice");
                }
                !twice
            })
    })
}

fn scopes(field: &Field<'_>) -> Option<ScopeRule> {
    field.object(|object| {
        let scope = |element: &Field<'_>| element.parsed(scope_token);
        match (object.optional("all"), object.optional("any")) {
            // None of them: an operation asks for none where its API asks for some.
            (Some(all), None) => all.array(scope).map(ScopeRule::All),
            (None, Some(any)) => any.filled_array(scope).map(ScopeRule::Any),
            _ => {
                object.refuse("must hold either \"all\" or \"any\"");
                None
            }
        }
    })
}

/// RFC 6749 §3.3: a scope-token.
fn scope_token(text: &str) -> Result<Box<str>, &'static str> {
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if text.is_empty() || !text.bytes().all(legal) {
        return Err("must be one scope: printable ASCII without spaces, quotes and backslashes");
    }
    Ok(text.into())
}

fn contract(field: &Field<'_>, references: &References<'_>) -> Option<ContractRule> {
    let rule = field.word(&[
        ("required", ContractRule::Required),
        ("optional", ContractRule::Optional),
        ("none", ContractRule::None),
    ])?;
    if rule != ContractRule::None && !references.contracts {
        field.refuse("asks for contracts, but \"contracts\" is not configured");
        return None;
    }
    Some(rule)
}

/// What the object says of a rule; `inherited` is the rest.
fn rule(object: &Object<'_>, inherited: Rule, references: &References<'_>) -> Option<Rule> {
    let token = object.or("token", inherited.token, |field| {
        field.word(&[("required", TokenRule::Required), ("optional", TokenRule::Optional)])
    });
    let claims = object.or("claims", inherited.claims, claims::read);
    let scopes = object.or("scopes", inherited.scopes, scopes);
    let contract = object.or("contract", inherited.contract, |field| contract(field, references));
    Some(Rule { token: token?, claims: claims?, scopes: scopes?, contract: contract?, max_age: inherited.max_age })
}

fn operation(object: &Object<'_>, inherited: &Rule, references: &References<'_>) -> Option<Operation> {
    let matching = object.required("match").and_then(|field| field.object(operation_match));
    let public = object.or("public", false, Field::boolean);
    let named = ["token", "claims", "scopes", "contract", "max_age"].map(|name| object.optional(name).is_some());
    let rule = rule(object, inherited.clone(), references);
    let max_age = object.or("max_age", inherited.max_age, |field| {
        field.duration(Duration::from_millis(1)..=Duration::from_secs(86_400)).map(Some)
    });
    let access = if public? {
        if named.contains(&true) {
            object.refuse(
                "is public: no token is looked at, so token, claims, scopes, contract and max_age have no effect",
            );
            return None;
        }
        if let Some((_, paths)) = &matching
            && !paths.iter().all(PathPattern::is_plain)
        {
            object.refuse("can never be public: its paths hold escapes that make nothing public");
            return None;
        }
        Access::Public
    } else {
        Access::Guarded(Rc::new(Rule { max_age: max_age?, ..rule? }))
    };
    let (methods, paths) = matching?;
    Some(Operation { methods, paths, access })
}

fn operation_match(object: &Object<'_>) -> Option<(Vec<Box<str>>, Vec<PathPattern>)> {
    let methods = object.or("methods", Vec::new(), |field| field.filled_array(|element| element.parsed(method)));
    let paths = object.or("paths", Vec::new(), paths);
    methods.zip(paths)
}

fn method(text: &str) -> Result<Box<str>, &'static str> {
    if !is_token(text.as_bytes()) {
        return Err("must be a request method");
    }
    Ok(text.into())
}

fn default_upstream() -> Upstream {
    Upstream { headers: default_headers(), claims_prefix: None, forward_token: true }
}

fn default_headers() -> Vec<(Box<str>, Value)> {
    vec![("x-client-id".into(), Value::ClientId), ("x-sla-tier".into(), Value::ContractTier)]
}

fn upstream_headers(object: &Object<'_>) -> Option<Upstream> {
    let headers = object.or("headers", default_headers(), |field| field.map(identity_header));
    let claims_prefix = match object.nullable("claims_prefix") {
        Some(field) => field.parsed(prefix).map(Some),
        None => Some(None),
    };
    let forward_token = object.or("forward_token", true, Field::boolean);
    Some(Upstream { headers: headers?, claims_prefix: claims_prefix?, forward_token: forward_token? })
}

fn identity_header(name: &str, field: &Field<'_>) -> Option<(Box<str>, Value)> {
    if !may_be_set(name) {
        field.refuse("is not a header name in lower case that can be set here");
        return None;
    }
    Some((name.into(), field.parsed(value)?))
}

/// Names that carry the request itself cannot carry an identity.
fn may_be_set(name: &str) -> bool {
    const OURS: [&str; 7] =
        ["host", "authorization", "cookie", "content-length", "transfer-encoding", "connection", "content-type"];
    is_header_name(name) && !OURS.contains(&name)
}

fn prefix(text: &str) -> Result<Box<str>, &'static str> {
    let wide_enough = text.starts_with("x-") && text.len() > 2 && text.ends_with('-');
    if !is_header_name(text) || !wide_enough {
        return Err("must be a header prefix in lower case such as \"x-agw-\"");
    }
    Ok(text.into())
}

fn value(text: &str) -> Result<Value, &'static str> {
    Ok(match text {
        "client_id" => Value::ClientId,
        "subject" => Value::Subject,
        "scope" => Value::Scope,
        "username" => Value::Username,
        "issuer" => Value::Issuer,
        "provider" => Value::Provider,
        "api" => Value::Api,
        "contract.tier" => Value::ContractTier,
        "contract.name" => Value::ContractName,
        _ => match text.strip_prefix("claim:") {
            Some(pointer) if pointer.len() > 1 && pointer.starts_with('/') => Value::Claim(pointer.into()),
            _ => {
                return Err("must be client_id, subject, scope, username, issuer, provider, api, contract.tier, \
                            contract.name or claim:/… (a JSON pointer)");
            }
        },
    })
}
