//! The top level of the configuration.

use super::apis::API;
use super::field::Field;
use super::kept::KeptClaims;
use super::key::{Elsewhere, Maybe, keys};
use super::kind::{Of, Word};
use super::problem::Code;
use super::references::References;
use super::section::Section;
use super::shape::Shape;
use super::{apis, cache, contracts, dpop, providers, replies, token};
use crate::base::http::AnswerHeaders;
use crate::cache::CacheSettings;
use crate::contract;
use crate::engine::about::Logged;
use crate::engine::settings::Settings;
use crate::policy::api::ApiSettings;
use crate::policy::selection::{AmbiguousPaths, Policy, Unmatched};
use crate::policy::upstream::IdentitySource;
use crate::proof::ProofSettings;
use crate::proof::certificate::CertificateSource;
use crate::proof::dpop::DpopSettings;
use crate::provider::Provider;
use crate::provider::introspection::request::{Introspection, LOOKED_AT};
use crate::reply::ReplySettings;
use crate::token::extract;
use std::rc::Rc;

keys! {
    /// The configuration.
    ROOT: RootKeys at "";
    /// Authorization servers; at least one.
    providers: Elsewhere = required(Elsewhere) as Shape::filled(Shape::Section);
    /// Which client may use which API; without it, contracts are not looked at.
    contracts: Maybe<Elsewhere> = optional(Elsewhere) as Shape::Section;
    /// What is guarded; at least one; tried in order, the first match wins.
    apis: Elsewhere = required(Elsewhere) as Shape::filled(Shape::Section);
    /// What happens to a request that no API matches.
    no_match: Word<Unmatched> = or(Word(&[("refuse", Unmatched::Refuse), ("pass", Unmatched::Pass)]), "\"refuse\"");
    /// What becomes of a path that an upstream could read differently.
    ambiguous_paths: Word<AmbiguousPaths> =
        or(Word(&[("refuse", AmbiguousPaths::Refuse), ("literal", AmbiguousPaths::Literal)]), "\"refuse\"");
    /// Where tokens are looked for.
    token: Of<extract::TokenSettings> = or(Of(|field| field.section(token::read)), "{}") as Shape::Section;
    /// What is required of proofs of possession by DPoP.
    dpop: Of<DpopSettings> = or(Of(|field| field.section(dpop::read)), "{}") as Shape::Section;
    /// Who says which certificate a client has: the connection, or a proxy before this one, in
    /// `x-forwarded-client-cert`.
    client_certificate: Word<CertificateSource> =
        or(Word(&[("connection", CertificateSource::Connection), ("forwarded", CertificateSource::Forwarded)]),
            "\"connection\"");
    /// Of which requests the outcome is set for access logs: of those that are refused, or of all.
    access_log: Word<Logged> = or(Word(&[("refusals", Logged::Refusals), ("all", Logged::All)]), "\"refusals\"");
    /// What is remembered of tokens.
    cache: Of<CacheSettings> = or(Of(|field| field.section(cache::read)), "{}") as Shape::Section;
    /// How refusals are worded.
    replies: Of<ReplySettings> = or(Of(|field| field.section(replies::read)), "{}") as Shape::Section;
}

pub(super) fn read(section: &Section<'_>) -> Option<Settings> {
    let providers_field = section.field(&ROOT.providers);
    let contracts_field = section.field(&ROOT.contracts);
    let apis_field = section.field(&ROOT.apis);
    let references = References {
        apis: &apis_field.as_ref().map(apis::ids).unwrap_or_default(),
        providers: &providers_field.as_ref().map(providers::names).unwrap_or_default(),
        contracts: contracts_field.is_some(),
    };
    let providers = providers_field.as_ref().and_then(providers::read);
    let apis = apis_field.as_ref().and_then(|field| apis::read(field, &references));
    let contracts = contracts(contracts_field.as_ref(), &references);
    let unmatched = section.get(&ROOT.no_match);
    let ambiguous_paths = section.get(&ROOT.ambiguous_paths);
    let token = section.get(&ROOT.token);
    let dpop = section.get(&ROOT.dpop);
    let certificates = section.get(&ROOT.client_certificate);
    let logged = section.get(&ROOT.access_log);
    let cache = section.get(&ROOT.cache);
    let replies = section.get(&ROOT.replies);

    let (apis, cache) = (apis?, cache?);
    if let (Some(field), Some(providers)) = (&apis_field, &providers)
        && !check_signed_answers(field, &apis, providers)
    {
        return None;
    }
    let proof = ProofSettings { dpop: dpop?, certificates: certificates? };
    let replies = ReplySettings { dpop_algorithms: proof.dpop.algorithm_names().join(" ").into(), ..replies? };
    let providers = completed(providers?, &KeptClaims::of(&apis), &cache);
    let policy = Policy::new(apis, &providers, unmatched?, ambiguous_paths?);
    let policy =
        policy.map_err(|error| apis_field.map(|field| field.refuse(Code::OutOfRange, error.to_string()))).ok()?;
    let settings = Settings::new(policy, providers, token?, proof, Rc::new(contracts?), cache, replies);
    let settings = Settings { logged: logged?, ..settings };
    Some(if settings.enforces_proofs() {
        Settings { token: token::taking_dpop(settings.token), ..settings }
    } else {
        settings
    })
}

fn contracts(field: Option<&Field<'_>>, references: &References<'_>) -> Option<contract::settings::ContractSettings> {
    match field {
        Some(field) => field.section(|section| contracts::read(section, references)),
        None => Some(contract::settings::ContractSettings::default()),
    }
}

/// The providers with what other sections say of their answers.
fn completed(providers: Vec<Provider>, kept: &KeptClaims, cache: &CacheSettings) -> Vec<Rc<Provider>> {
    let answer_headers = if cache.respect_cache_control { AnswerHeaders::All } else { LOOKED_AT };
    let completed = providers.into_iter().enumerate().map(|(slot, provider)| {
        let claims = kept.named(provider.claims);
        let introspection = provider.introspection.as_deref().cloned();
        let introspection = introspection.map(|settings| Rc::new(Introspection { answer_headers, ..settings }));
        Rc::new(Provider { slot, claims, introspection, ..provider })
    });
    completed.collect()
}

/// An upstream sees a signed answer only where some server signs its answers.
fn check_signed_answers(field: &Field<'_>, apis: &[ApiSettings], providers: &[Provider]) -> bool {
    let is_signed = |slot: &usize| {
        let introspection = providers.get(*slot).and_then(|provider| provider.introspection.as_ref());
        introspection.is_some_and(|introspection| introspection.signed_for.is_some())
    };
    let lacks = |api: &ApiSettings| {
        let mut sources = api.upstream.headers.iter().map(|(_, source)| source);
        sources.any(|source| *source == IdentitySource::IntrospectionJwt) && !api.providers.iter().any(is_signed)
    };
    let lacking: Vec<usize> = apis.iter().enumerate().filter(|(_, api)| lacks(api)).map(|(index, _)| index).collect();
    let reason = "hands on \"introspection_jwt\", but no provider of this API has introspection.response \"jwt\"";
    lacking.iter().for_each(|index| field.refuse_within(*index, &API.upstream, Code::Conflict, reason));
    lacking.is_empty()
}
