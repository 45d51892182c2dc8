//! The plugin configuration: JSON text in, typed settings or every mistake in it out.

mod apis;
mod cache;
mod claims;
mod contracts;
pub mod problem;
mod protobuf;
mod providers;
mod reader;
mod replies;
mod text;
mod token;

use crate::base::http::AnswerHeaders;
use crate::contract;
use crate::engine::settings::Settings;
use crate::policy::api::ApiSettings;
use crate::policy::selection::{AmbiguousPaths, Policy, Unmatched};
use crate::policy::upstream::Value;
use crate::provider::Provider;
use crate::provider::introspection::request::{Endpoint, LOOKED_AT};
use crate::reply;
use crate::token::claims::ClaimNames;
use problem::{Problem, Problems};
use reader::{Context, Field, Object};
use std::rc::Rc;

/// Reads a configuration. `env` answers for the environment variables that secrets come from.
///
/// # Errors
/// Every mistake in the text, each with its JSON path; never a secret.
pub fn read(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Vec<Problem>> {
    let problems = Problems::default();
    let settings = text::parse(bytes, &problems)
        .and_then(|value| Field::root(&value, Context { problems: &problems, env }).object(settings));
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems.into_vec()),
    }
}

/// What is allowed and seldom meant, for the log. A provider's name is safe to show.
pub fn advice(settings: &Settings) -> Option<String> {
    let unchecked = settings.providers.iter().filter(|provider| provider.checks.audiences.is_empty());
    let names: Vec<&str> = unchecked.map(|provider| &*provider.name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "audiences are not checked for tokens of {}: any active token of that server passes, also one that was \
             issued for another API or is no access token at all; set providers[].audiences where it answers \"aud\"",
            names.join(", ")
        )
    })
}

fn settings(object: &Object<'_>) -> Option<Settings> {
    let providers_field = object.required("providers");
    let providers = providers_field.as_ref().and_then(providers::read);
    let names = providers_field.as_ref().map(providers::names).unwrap_or_default();
    let contracts_field = object.optional("contracts");
    let references = apis::References { providers: &names, contracts: contracts_field.is_some() };
    let apis_field = object.required("apis");
    let apis = apis_field.as_ref().and_then(|field| apis::read(field, &references));
    let unmatched = object.or("no_match", Unmatched::Refuse, |field| {
        field.word(&[("refuse", Unmatched::Refuse), ("pass", Unmatched::Pass)])
    });
    let ambiguous_paths = object.or("ambiguous_paths", AmbiguousPaths::Refuse, |field| {
        field.word(&[("refuse", AmbiguousPaths::Refuse), ("literal", AmbiguousPaths::Literal)])
    });
    let token = object.or("token", token::default(), |field| field.object(token::read));
    let contracts = match &contracts_field {
        Some(field) => {
            let ids = apis_field.as_ref().map(apis::ids).unwrap_or_default();
            let references = contracts::References { apis: &ids, providers: &names };
            field.object(|object| contracts::read(object, &references))
        }
        None => Some(contract::settings::Settings::default()),
    };
    let cache = object.or("cache", Default::default(), |field| field.object(cache::read));
    let replies = object.or("replies", default_replies(), |field| field.object(replies::read));

    let apis = apis?;
    let kept = KeptClaims::of(&apis);
    let cache = cache?;
    let answer_headers = if cache.respect_cache_control { AnswerHeaders::All } else { LOOKED_AT };
    let asked = claims::asked(&apis);
    let providers: Vec<Rc<Provider>> = providers?
        .into_iter()
        .enumerate()
        .map(|(slot, provider)| {
            let claims = ClaimNames {
                pointers: kept.pointers.clone(),
                all_scalars: kept.all_scalars,
                asked: asked.clone(),
                ..provider.claims
            };
            let endpoint = Endpoint { answer_headers, ..provider.endpoint };
            Rc::new(Provider { slot, claims, endpoint, ..provider })
        })
        .collect();
    let policy = Policy::new(apis, &providers, unmatched?, ambiguous_paths?);
    let policy = policy.map_err(|error| apis_field.map(|field| field.refuse(error.to_string()))).ok()?;
    Some(Settings::new(policy, providers, token?, Rc::new(contracts?), cache, replies?))
}

fn default_replies() -> reply::Settings {
    reply::Settings { retry_after: replies::RETRY_AFTER, ..reply::Settings::default() }
}

/// Which members of answers become headers of some upstream.
struct KeptClaims {
    pointers: Vec<Box<str>>,
    all_scalars: bool,
}

impl KeptClaims {
    fn of(apis: &[ApiSettings]) -> Self {
        let upstreams = || apis.iter().map(|api| &api.upstream);
        let mut pointers: Vec<Box<str>> = upstreams()
            .flat_map(|upstream| &upstream.headers)
            .filter_map(|(_, value)| match value {
                Value::Claim(pointer) => Some(pointer.clone()),
                _ => None,
            })
            .collect();
        pointers.sort();
        pointers.dedup();
        Self { pointers, all_scalars: upstreams().any(|upstream| upstream.claims_prefix.is_some()) }
    }
}

#[cfg(test)]
mod tests;
