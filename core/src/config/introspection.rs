//! `introspection`: how an authorization server is asked about tokens.

use super::client_auth::CLIENT_AUTH;
use super::field::Field;
use super::headers::{ExtraHeaders, HEADERS};
use super::key::{Maybe, keys};
use super::kind::{Of, Span, TEXT, URL, Whole, Word};
use super::pattern;
use super::problem::Code;
use super::section::Section;
use super::shape::Shape;
use crate::base::http::HttpUrl;
use crate::provider::client_auth::ClientAuth;
use crate::provider::discovery::Discovery;
use crate::provider::introspection::request::{Introspection, LOOKED_AT};
use std::rc::Rc;
use std::time::Duration;

type Parameters = Vec<(Box<str>, Box<str>)>;

keys! {
    /// How it is asked (RFC 7662).
    INTROSPECTION: IntrospectionKeys at "providers[].introspection";
    /// Absolute URL; its host is sent as `Host`. Required without `discovery`, which finds it.
    endpoint: Maybe<Of<HttpUrl>> = optional(URL);
    /// The Envoy cluster that reaches it. Required without `discovery`, which has one.
    cluster: Maybe<Of<Box<str>>> = optional(TEXT);
    /// Limit of one attempt.
    timeout: Span = or(Span(Duration::from_millis(1), Duration::from_secs(60)), "\"2s\"");
    /// Further attempts after no answer, 502, 503 or 504, unless the answer asks for time (`Retry-After`).
    retries: Whole = or(Whole(0, 10), "1");
    /// How the gateway authenticates.
    client: Of<ClientAuth> = required(CLIENT_AUTH) as Shape::Section;
    /// Further form fields; replaces the default.
    parameters: Of<Parameters> =
        or(Of(|field| field.map(parameter)), "{\"token_type_hint\": \"access_token\"}")
        as Shape::map(pattern::FILLED, Shape::Text(pattern::TEXT_OR_NONE));
    /// Further request headers; each value is a secret.
    headers: Of<ExtraHeaders> = or(HEADERS, "{}") as Shape::map(pattern::TOKEN, Shape::Secret(pattern::HEADER_VALUE));
    /// Whether answers are JSON, or signed (RFC 9701), verified as `jwt` says.
    response: Word<bool> = or(Word(&[("json", false), ("jwt", true)]), "\"json\"");
    /// What `aud` of a signed answer must hold; without it, the client's `id`.
    audience: Maybe<Of<Box<str>>> = optional(TEXT);
}

/// Whether the provider `discovers`, and its `discovery` if that can be read.
pub(super) fn read(section: &Section<'_>, discovers: bool, discovery: Option<&Discovery>) -> Option<Introspection> {
    let url = section.get(&INTROSPECTION.endpoint);
    let cluster = section.get(&INTROSPECTION.cluster);
    let timeout = section.get(&INTROSPECTION.timeout);
    let retries = section.get(&INTROSPECTION.retries);
    let client = section.get(&INTROSPECTION.client);
    let parameters = section.get(&INTROSPECTION.parameters);
    let headers = section.get(&INTROSPECTION.headers);
    let signed_for = signed_for(section, client.as_ref());
    let missing = |key: &'static str, is_there: bool| {
        if !is_there && !discovers {
            section.refuse_member(key, Code::MissingMember, "is required");
        }
        is_there || discovers
    };
    let has_url = missing(INTROSPECTION.endpoint.name(), section.has(&INTROSPECTION.endpoint));
    let has_cluster = missing(INTROSPECTION.cluster.name(), section.has(&INTROSPECTION.cluster));
    let (url, cluster) = (url?, cluster?.map(Rc::from));
    if !has_url || !has_cluster {
        return None;
    }
    // What is given without a cluster is reached as what is found.
    let cluster = cluster.or_else(|| discovery?.cluster_of(url.as_ref()?));
    if discovery.is_some() && url.is_some() && cluster.is_none() {
        let reason = "is required: discovery.clusters has none for the origin of this address";
        section.refuse_member(INTROSPECTION.cluster.name(), Code::MissingMember, reason);
        return None;
    }
    let introspection = Introspection {
        url,
        cluster,
        timeout: timeout?,
        retries: retries?,
        client: client?,
        parameters: parameters?,
        headers: headers?,
        answer_headers: LOOKED_AT,
        signed_for: signed_for?,
    };
    let sets_authorization = |(name, _): &(Box<str>, _)| &**name == "authorization";
    if introspection.client.authorization().is_some() && introspection.headers.iter().any(sets_authorization) {
        section.refuse(Code::Conflict, "\"headers\" sets authorization, which \"client\" sets too");
        return None;
    }
    let is_set = |name: &str| introspection.parameters.iter().any(|(parameter, _)| **parameter == *name);
    if let Some(name) = introspection.client.form_names().find(|name| is_set(name)) {
        section.refuse(Code::Conflict, format!("\"parameters\" sets {name}, which \"client\" sets too"));
        return None;
    }
    Some(introspection)
}

fn parameter(name: &str, field: &Field<'_>) -> Option<(Box<str>, Box<str>)> {
    if name.is_empty() || name == "token" {
        field.refuse(Code::BadValue, "cannot be set: the request's own token is sent as \"token\"");
        return None;
    }
    let value = if field.string()?.is_empty() { Box::default() } else { field.text()? };
    Some((name.into(), value))
}

/// What `aud` of an answer must hold, if answers are signed.
fn signed_for(section: &Section<'_>, client: Option<&ClientAuth>) -> Option<Option<Box<str>>> {
    let (is_signed, audience) = (section.get(&INTROSPECTION.response)?, section.get(&INTROSPECTION.audience)?);
    if !is_signed {
        if section.has(&INTROSPECTION.audience) {
            section.refuse_member(
                INTROSPECTION.audience.name(),
                Code::Conflict,
                "has no effect unless \"response\" is \"jwt\"",
            );
            return None;
        }
        return Some(None);
    }
    let audience = audience.or_else(|| client?.id().map(Into::into));
    if audience.is_none() && client.is_some() {
        section.refuse_member(
            INTROSPECTION.audience.name(),
            Code::MissingMember,
            "is required where the client has no \"id\"",
        );
        return None;
    }
    Some(audience)
}
