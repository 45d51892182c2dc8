//! `providers`: the authorization servers.

use super::field::Field;
use super::key::{Elsewhere, Key, Maybe, keys};
use super::kind::{Of, Parsed, Span, TEXT, Word};
use super::pattern;
use super::problem::Code;
use super::rules::is_pointer;
use super::section::Section;
use super::shape::Shape;
use super::{discovery, introspection, jwt};
use crate::provider::discovery::Discovery;
use crate::provider::introspection::request::Introspection;
use crate::provider::jwt::settings::Jwt;
use crate::provider::{Provider, TokenChecks};
use crate::token::claims::ClaimNames;
use std::time::Duration;

type Texts = Vec<Box<str>>;

keys! {
    /// An authorization server.
    PROVIDER: ProviderKeys at "providers[]";
    /// Its name in metrics, contracts and headers.
    name: Parsed<Box<str>> = required(Parsed(provider_name)) as Shape::Text(pattern::PROVIDER_NAME);
    /// What `iss` of its tokens must be; an introspection answer may have none. Required with `jwt`, `discovery` or
    /// several providers.
    issuer: Maybe<Of<Box<str>>> = optional(TEXT);
    /// How it is asked (RFC 7662).
    introspection: Maybe<Elsewhere> = optional(Elsewhere) as Shape::Section;
    /// How its JWTs are verified here (RFC 9068).
    jwt: Maybe<Elsewhere> = optional(Elsewhere) as Shape::Section;
    /// How its metadata is found (RFC 8414), which says what `introspection` and `jwt` leave out.
    discovery: Maybe<Elsewhere> = optional(Elsewhere) as Shape::Section;
    /// One of these must be in `aud`; with none, it is not checked.
    audiences: Of<Texts> = or(Of(|field| field.array(|element| element.text())), "[]")
        as Shape::list(Shape::Text(pattern::TEXT));
    /// How far clocks may differ when `exp` and `nbf` are judged.
    clock_skew: Span = or(Span(Duration::ZERO, Duration::from_secs(3600)), "\"10s\"");
    /// Whether a token that is bound to a key (`cnf`, or `token_type` DPoP) needs its proof of possession, or passes as
    /// a bearer token.
    proof_of_possession: Word<bool> = or(Word(&[("enforce", false), ("ignore", true)]), "\"enforce\"");
    /// Which members of the answer name the client and the scopes.
    claims: Of<ClaimNames> = or(Of(|field| field.section(claims)), "{}") as Shape::Section;
}

keys! {
    /// Which members of an answer name the client and the scopes.
    CLAIMS: ClaimKeys at "providers[].claims";
    /// Members that may name the client, those within others by JSON pointers; the first that is present counts.
    client_id: Of<Texts> = or(NAMES, "[\"client_id\", \"azp\", \"appid\", \"cid\"]")
        as Shape::filled(Shape::Text(pattern::CLAIM_NAME));
    /// Members that may contain the scopes, named in the same way; the first that is present counts.
    scope: Of<Texts> = or(NAMES, "[\"scope\", \"scp\"]") as Shape::filled(Shape::Text(pattern::CLAIM_NAME));
}

const NAMES: Of<Texts> = Of(|field| field.filled_array(claim_name));

fn claim_name(field: &Field<'_>) -> Option<Box<str>> {
    let name = field.text()?;
    if name.starts_with('/') && !is_pointer(&name) {
        field.refuse(
            Code::BadValue,
            format!("must be the name of a member or a JSON pointer such as \"/roles/orders\", got {name:?}"),
        );
        return None;
    }
    Some(name)
}

/// The names in the list, for what refers to them; sound or not, whatever else is wrong with a provider.
pub(super) fn names(field: &Field<'_>) -> Vec<Box<str>> {
    field.texts(&PROVIDER.name).into_iter().map(Option::unwrap_or_default).map(Into::into).collect()
}

pub(super) fn read(field: &Field<'_>) -> Option<Vec<Provider>> {
    let providers = field.filled_array(|element| element.section(provider));
    // Compared even when a provider is wrong: one mistake must not hide another.
    let names = field.tells_apart(&PROVIDER.name, "is the name of another provider");
    let issuers = field.tells_apart(&PROVIDER.issuer, "is the issuer of another provider");
    let nameless = (0..field.len()).filter(|index| field.len() > 1 && !field.has_key(*index, &PROVIDER.issuer));
    let reason = "is required: with several providers tokens are told apart by it";
    let nameless =
        nameless.map(|index| field.refuse_within(index, &PROVIDER.issuer, Code::MissingMember, reason)).count();
    providers.filter(|_| names && issuers && nameless == 0)
}

fn provider(section: &Section<'_>) -> Option<Provider> {
    let name = section.get(&PROVIDER.name);
    let issuer = section.get(&PROVIDER.issuer);
    let sources = sources(section, issuer.as_ref().and_then(Option::as_deref));
    let audiences = section.get(&PROVIDER.audiences);
    let clock_skew = section.get(&PROVIDER.clock_skew);
    let ignore_key_binding = section.get(&PROVIDER.proof_of_possession);
    let claims = section.get(&PROVIDER.claims);
    let checks = TokenChecks {
        issuer: issuer?,
        audiences: audiences?,
        clock_skew: clock_skew?,
        ignore_key_binding: ignore_key_binding?,
    };
    let Vouchers { introspection, jwt, discovery } = sources?;
    let keeps_presence = jwt.as_ref().is_some_and(|jwt| jwt.introspects);
    let claims = ClaimNames { keeps_presence, ..claims? };
    Some(Provider { jwt, discovery, ..Provider::new(name?, introspection, checks, claims) })
}

/// Who vouches for a provider's tokens.
struct Vouchers {
    introspection: Option<Introspection>,
    jwt: Option<Jwt>,
    discovery: Option<Discovery>,
}

fn sources(section: &Section<'_>, issuer: Option<&str>) -> Option<Vouchers> {
    let discovers = section.has(&PROVIDER.discovery);
    let discovery = part(section, &PROVIDER.discovery, |section| discovery::read(section, issuer));
    // What cannot be read hides no other mistake.
    let found = discovery.as_ref().and_then(Option::as_ref);
    let introspection =
        part(section, &PROVIDER.introspection, |section| introspection::read(section, discovers, found));
    let jwt = part(section, &PROVIDER.jwt, |section| jwt::read(section, discovers, found));
    let (has_introspection, has_jwt) = (section.has(&PROVIDER.introspection), section.has(&PROVIDER.jwt));
    if !has_introspection && !has_jwt {
        section.refuse(
            Code::MissingMember,
            "must hold \"introspection\", \"jwt\" or both: who says whether a token is good",
        );
        return None;
    }
    if !section.has(&PROVIDER.issuer) && (has_jwt || discovers) {
        section.refuse_member(
            PROVIDER.issuer.name(),
            Code::MissingMember,
            "is required with \"jwt\" and with \"discovery\"",
        );
        return None;
    }
    let mut sources = Vouchers { introspection: introspection?, jwt: jwt?, discovery: discovery? };
    if let (Some(introspection), Some(issuer)) = (&mut sources.introspection, issuer) {
        introspection.client.address_to(issuer);
    }
    let is_signed = sources.introspection.as_ref().is_some_and(|introspection| introspection.signed_for.is_some());
    if is_signed && !has_jwt {
        section.refuse(
            Code::Conflict,
            "\"introspection.response\" is \"jwt\", but there is no \"jwt\" with the keys that verify it",
        );
        return None;
    }
    if sources.jwt.as_ref().is_some_and(|jwt| jwt.introspects) && !has_introspection {
        section.refuse(Code::Conflict, "\"jwt\" is to introspect, but \"introspection\" is not given");
        return None;
    }
    Some(sources)
}

/// A section that may be left out.
fn part<T>(
    section: &Section<'_>,
    key: &'static Key<Maybe<Elsewhere>>,
    read: impl FnOnce(&Section<'_>) -> Option<T>,
) -> Option<Option<T>> {
    match section.field(key) {
        Some(field) => field.section(read).map(Some),
        None => Some(None),
    }
}

fn provider_name(text: &str) -> Result<Box<str>, &'static str> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.starts_with('-') || !text.bytes().all(legal) {
        return Err("must be lower-case letters, digits and \"-\", and not begin with \"-\"");
    }
    Ok(text.into())
}

fn claims(section: &Section<'_>) -> Option<ClaimNames> {
    let client_id = section.get(&CLAIMS.client_id);
    let scope = section.get(&CLAIMS.scope);
    // The APIs determine what else is kept.
    let (pointers, asked) = (Vec::new(), Vec::new());
    Some(ClaimNames {
        client_id: client_id?,
        scope: scope?,
        pointers,
        all_scalars: false,
        asked,
        keeps_presence: false,
        keeps_answer: false,
    })
}
