//! The plugin configuration: JSON text in, typed settings or every mistake in it out.

mod apis;
mod cache;
mod contracts;
pub mod problem;
mod providers;
mod reader;
mod repeated;
mod replies;
mod token;

use crate::contract;
use crate::decision::policy::{AmbiguousPaths, Policy, Unmatched};
use crate::engine::settings::{Provider, Settings};
use crate::introspection::claims::ClaimNames;
use crate::reply;
use crate::upstream::{self, Value};
use problem::{Problem, Problems};
use reader::{Context, Field, Object};
use repeated::Repeated;
use serde::de::DeserializeSeed;
use std::rc::Rc;

/// Reads a configuration. `env` answers for the environment variables that secrets come from.
///
/// # Errors
/// Every mistake in the text, each with its JSON path; never a secret.
pub fn read(text: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Vec<Problem>> {
    let problems = Problems::default();
    let settings = parse(text, &problems)
        .and_then(|value| Field::root(&value, Context { problems: &problems, env }).object(settings));
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems.into_vec()),
    }
}

/// The JSON value, with members that are given twice noted.
fn parse(text: &[u8], problems: &Problems) -> Option<serde_json::Value> {
    if text.is_empty() {
        problems.add("", "is empty; the plugin needs a JSON object with \"providers\" and \"apis\"");
        return None;
    }
    let parsed = serde_json::from_slice(text).and_then(|value| {
        let seed = Repeated { path: String::new(), problems };
        seed.deserialize(&mut serde_json::Deserializer::from_slice(text))?;
        Ok(value)
    });
    // The parser's message tells line and column but quotes values: keep the place only.
    parsed
        .map_err(|error| {
            problems.add("", format!("is not valid JSON at line {} column {}", error.line(), error.column()));
        })
        .ok()
}

fn settings(object: &Object<'_>) -> Option<Settings> {
    let providers = object.required("providers").and_then(|field| providers::read(&field));
    let names: Option<Vec<Box<str>>> =
        providers.as_ref().map(|list| list.iter().map(|provider| provider.name.clone()).collect());
    let contracts_field = object.optional("contracts");
    let references = apis::References { providers: names.as_deref(), contracts: contracts_field.is_some() };
    let apis = object.required("apis").and_then(|field| apis::read(&field, &references));
    let unmatched = object.or("no_match", Unmatched::Refuse, |field| {
        field.word(&[("refuse", Unmatched::Refuse), ("pass", Unmatched::Pass)])
    });
    let ambiguous_paths = object.or("ambiguous_paths", AmbiguousPaths::Refuse, |field| {
        field.word(&[("refuse", AmbiguousPaths::Refuse), ("literal", AmbiguousPaths::Literal)])
    });
    let token = object.or("token", token::default(), |field| field.object(token::read));
    let contracts = match &contracts_field {
        Some(field) => field.object(contracts::read),
        None => Some(contract::settings::Settings::default()),
    };
    let cache = object.or("cache", Default::default(), |field| field.object(cache::read));
    let replies = object.or("replies", default_replies(), |field| field.object(replies::read));

    let (apis, upstreams): (Vec<_>, Vec<_>) = apis?.into_iter().unzip();
    let contracts = contracts?;
    let references_hold = known_references(&contracts, &apis, names.as_deref(), contracts_field.as_ref());
    let kept = KeptClaims::of(&upstreams);
    let providers = providers?
        .into_iter()
        .map(|provider| Provider {
            claims: ClaimNames { pointers: kept.pointers.clone(), all_scalars: kept.all_scalars, ..provider.claims },
            name: provider.name,
            endpoint: provider.endpoint,
            checks: provider.checks,
        })
        .collect();
    references_hold?;
    let policy = Policy::new(apis, unmatched?, ambiguous_paths?);
    Some(Settings::new(policy, providers, upstreams, token?, Rc::new(contracts), cache?, replies?))
}

fn default_replies() -> reply::Settings {
    reply::Settings { retry_after: replies::RETRY_AFTER, ..reply::Settings::default() }
}

/// Inline contracts for APIs or providers that do not exist can never grant anything: surely a slip.
fn known_references(
    contracts: &contract::settings::Settings,
    apis: &[crate::decision::policy::Api],
    providers: Option<&[Box<str>]>,
    field: Option<&Field<'_>>,
) -> Option<()> {
    let mut sound = Some(());
    for row in &contracts.inline {
        let identity = &row.identity;
        if !apis.iter().any(|api| api.id == identity.api) {
            field?.refuse(format!("\"inline\" has a contract for the API {:?}, which is not configured", identity.api));
            sound = None;
        }
        if let (Some(name), Some(known)) = (&identity.provider, providers)
            && !known.contains(name)
        {
            field?.refuse(format!("\"inline\" has a contract for the provider {name:?}, which is not configured"));
            sound = None;
        }
    }
    sound
}

/// Which members of answers become headers of some upstream.
struct KeptClaims {
    pointers: Vec<Box<str>>,
    all_scalars: bool,
}

impl KeptClaims {
    fn of(upstreams: &[upstream::Settings]) -> Self {
        let mut pointers: Vec<Box<str>> = upstreams
            .iter()
            .flat_map(|upstream| &upstream.headers)
            .filter_map(|(_, value)| match value {
                Value::Claim(pointer) => Some(pointer.clone()),
                _ => None,
            })
            .collect();
        pointers.sort();
        pointers.dedup();
        Self { pointers, all_scalars: upstreams.iter().any(|upstream| upstream.claims_prefix.is_some()) }
    }
}

#[cfg(test)]
mod tests;
