//! `jwt`: how JWT access tokens are verified.

use super::field::{Field, repeated};
use super::key::{Elsewhere, Maybe, keys};
use super::kind::{Of, Span, TEXT, URL, Word};
use super::pattern;
use super::problem::Code;
use super::section::Section;
use super::shape::Shape;
use crate::base::http::HttpUrl;
use crate::feed::fresh_document::Freshening;
use crate::jose::algorithm::Algorithm;
use crate::jose::jwk_set::KeySet;
use crate::provider::discovery::Discovery;
use crate::provider::jwt::settings::{Jwt, KeySource, TokenTypes};
use std::rc::Rc;
use std::time::Duration;

keys! {
    /// How JWT access tokens are verified (RFC 9068).
    JWT: JwtKeys at "providers[].jwt";
    /// Where the keys are. With `discovery` it may be left out.
    keys: Maybe<Elsewhere> = optional(Elsewhere) as Shape::Section;
    /// Accepted signature algorithms: RS256 to RS512, PS256 to PS512, ES256 to ES512, EdDSA. Never `none`, never HMAC.
    algorithms: Of<Vec<Algorithm>> = required(Of(algorithms)) as algorithm_names();
    /// Accepted values of `typ`; case and a leading `application/` do not count. Without it: at+jwt, JWT, or none; once
    /// given, a token without `typ` is refused.
    types: Maybe<Of<Vec<Box<str>>>> = optional(Of(|field| field.filled_array(|element| element.text())))
        as Shape::filled(Shape::Text(pattern::TEXT));
    /// Whether a verified token is introspected as well, which notices revocation.
    introspect: Word<bool> = or(Word(&[("never", false), ("always", true)]), "\"never\"");
}

keys! {
    /// Where the keys are: at a URL (RFC 7517 §5), or here.
    KEYS: KeySourceKeys at "providers[].jwt.keys";
    /// Where the JWK Set is.
    url: Maybe<Of<HttpUrl>> = optional(URL);
    /// The Envoy cluster that reaches it.
    cluster: Maybe<Of<Box<str>>> = optional(TEXT);
    /// Time between two fetches.
    refresh: Span = or(Span(Duration::from_secs(1), Duration::from_secs(86_400)), "\"10m\"");
    /// Limit of one fetch.
    timeout: Span = or(Span(Duration::from_millis(1), Duration::from_secs(60)), "\"2s\"");
    /// The JWK Set itself.
    inline: Maybe<Of<KeySet>> = optional(Of(inline)) as Shape::Object;
}

/// Whether the provider `discovers`, and its `discovery` if that can be read.
pub(super) fn read(section: &Section<'_>, discovers: bool, discovery: Option<&Discovery>) -> Option<Jwt> {
    let algorithms = section.get(&JWT.algorithms);
    let types = section.get(&JWT.types);
    let introspects = section.get(&JWT.introspect);
    let keys = match section.field(&JWT.keys) {
        Some(field) => field.section(|section| key_source(section, discovers, discovery)),
        None if discovers => Some(found()),
        None => {
            section.refuse_member(JWT.keys.name(), Code::MissingMember, "is required without \"discovery\"");
            None
        }
    };
    let types = types?.map_or_else(TokenTypes::default, |names| TokenTypes::only(&names));
    Some(Jwt { keys: keys?, algorithms: algorithms?, types, introspects: introspects? })
}

/// What the metadata says, as often as by default.
fn found() -> KeySource {
    let freshening = Freshening { refresh: Duration::from_secs(600), timeout: Duration::from_secs(2) };
    KeySource::Fetched { url: None, cluster: None, freshening }
}

fn key_source(section: &Section<'_>, discovers: bool, discovery: Option<&Discovery>) -> Option<KeySource> {
    let url = section.get(&KEYS.url);
    let cluster = section.get(&KEYS.cluster);
    let refresh = section.get(&KEYS.refresh);
    let timeout = section.get(&KEYS.timeout);
    let inline = section.get(&KEYS.inline);
    let is_fetched = section.has(&KEYS.url) || section.has(&KEYS.cluster);
    if section.has(&KEYS.inline) {
        if is_fetched || section.has(&KEYS.refresh) || section.has(&KEYS.timeout) {
            section.refuse(Code::Conflict, "holds \"inline\" keys: nothing else has an effect beside it");
            return None;
        }
        return inline?.map(|keys| KeySource::Inline(Rc::new(keys)));
    }
    if !discovers && !section.has(&KEYS.url) {
        section.refuse(Code::MissingMember, "must hold \"url\" or \"inline\"");
        return None;
    }
    if !discovers && !section.has(&KEYS.cluster) {
        section.refuse_member(KEYS.cluster.name(), Code::MissingMember, "is required without \"discovery\"");
        return None;
    }
    let (url, cluster) = (url?, cluster?.map(Rc::from));
    // What is given without a cluster is reached as what is found.
    let cluster = cluster.or_else(|| discovery?.cluster_of(url.as_ref()?));
    if discovery.is_some() && url.is_some() && cluster.is_none() {
        let reason = "is required: discovery.clusters has none for the origin of this address";
        section.refuse_member(KEYS.cluster.name(), Code::MissingMember, reason);
        return None;
    }
    let freshening = Freshening { refresh: refresh?, timeout: timeout? };
    Some(KeySource::Fetched { url, cluster, freshening })
}

fn inline(field: &Field<'_>) -> Option<KeySet> {
    let json = serde_json::to_vec(field.value()).ok()?;
    let keys = KeySet::read(&json).map_err(|error| field.refuse(Code::BadValue, error.to_string())).ok()?;
    if keys.skipped() > 0 || keys.is_empty() {
        field.refuse(
            Code::BadValue,
            format!(
                "must hold public keys that are of use, and nothing else: {} are, {} are not",
                keys.len(),
                keys.skipped()
            ),
        );
        return None;
    }
    Some(keys)
}

pub(super) fn algorithms(field: &Field<'_>) -> Option<Vec<Algorithm>> {
    let algorithms = field.filled_array(|element| element.parsed(algorithm))?;
    if repeated(&algorithms, |one, other| one == other).next().is_some() {
        field.refuse(Code::Conflict, "names an algorithm twice");
        return None;
    }
    Some(algorithms)
}

/// A key that `algorithms` reads is of this shape.
pub(super) fn algorithm_names() -> Shape {
    Shape::distinct(Shape::Word(Algorithm::ALL.map(Algorithm::name).to_vec()))
}

fn algorithm(name: &str) -> Result<Algorithm, &'static str> {
    Algorithm::named(name).ok_or("must be RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA")
}
