//! `providers`: the authorization servers.

use super::reader::{Field, Object};
use crate::base::fields::is_header_name;
use crate::base::secret::Secret;
use crate::provider::client_auth::{BasicEncoding, ClientAuth};
use crate::provider::introspection::request::{Endpoint, LOOKED_AT, Written};
use crate::provider::{Provider, TokenChecks};
use crate::token::claims::ClaimNames;
use std::time::Duration;

const TIMEOUT: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
const SKEW: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

/// The names in the list, for what refers to them; sound or not, whatever else is wrong with a provider.
pub fn names(field: &Field<'_>) -> Vec<Box<str>> {
    field.texts("name").into_iter().map(Option::unwrap_or_default).map(Into::into).collect()
}

/// Reads the list.
pub fn read(field: &Field<'_>) -> Option<Vec<Provider>> {
    let providers = field.filled_array(|element| element.object(provider));
    // A faulty provider is no reason to leave the others uncompared.
    let mut sound = true;
    let mut refuse = |index: usize, name: &str, reason: &str| {
        field.refuse_within(index, name, reason);
        sound = false;
    };
    let (names, issuers) = (field.texts("name"), field.texts("issuer"));
    for (index, (name, issuer)) in names.iter().zip(&issuers).enumerate() {
        if name.is_some() && names.iter().take(index).any(|other| other == name) {
            refuse(index, "name", "is the name of another provider");
        }
        if issuer.is_some() && issuers.iter().take(index).any(|other| other == issuer) {
            refuse(index, "issuer", "is the issuer of another provider");
        }
        if names.len() > 1 && !field.has_member(index, "issuer") {
            refuse(index, "issuer", "is required: with several providers tokens are told apart by it");
        }
    }
    providers.filter(|_| sound)
}

fn provider(object: &Object<'_>) -> Option<Provider> {
    let name = object.required("name").and_then(|field| field.parsed(provider_name));
    let issuer = object.or("issuer", None, |field| field.text().map(Some));
    let endpoint = object.required("introspection").and_then(|field| field.object(endpoint));
    let audiences = object.or("audiences", Vec::new(), |field| field.array(Field::text));
    let clock_skew = object.or("clock_skew", Duration::from_secs(10), |field| field.duration(SKEW));
    let ignore_key_binding =
        object.or("proof_of_possession", false, |field| field.word(&[("enforce", false), ("ignore", true)]));
    let claims = match object.optional("claims") {
        Some(field) => field.object(claims),
        None => Some(ClaimNames::default()),
    };
    let checks = TokenChecks {
        issuer: issuer?,
        audiences: audiences?,
        clock_skew: clock_skew?,
        ignore_key_binding: ignore_key_binding?,
    };
    Some(Provider::new(name?, endpoint?, checks, claims?))
}

fn provider_name(text: &str) -> Result<Box<str>, &'static str> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.starts_with('-') || !text.bytes().all(legal) {
        return Err("must be lower-case letters, digits and \"-\", and not begin with \"-\"");
    }
    Ok(text.into())
}

fn claims(object: &Object<'_>) -> Option<ClaimNames> {
    let default = ClaimNames::default();
    let client_id = object.or("client_id", default.client_id, |field| field.filled_array(Field::text));
    let scope = object.or("scope", default.scope, |field| field.filled_array(Field::text));
    Some(ClaimNames { client_id: client_id?, scope: scope?, ..ClaimNames::default() })
}

fn endpoint(object: &Object<'_>) -> Option<Endpoint> {
    let url = object.required("endpoint").and_then(|field| field.url());
    let cluster = object.required("cluster").and_then(|field| field.text());
    let timeout = object.or("timeout", Duration::from_secs(2), |field| field.duration(TIMEOUT));
    let retries = object.or("retries", 1, |field| field.integer(0..=10));
    let client = object.required("client").and_then(|field| field.object(client_auth));
    let default = vec![("token_type_hint".into(), "access_token".into())];
    let parameters = object.or("parameters", default, |field| field.map(parameter));
    let headers = object.or("headers", Vec::new(), extra_headers);
    let endpoint = Endpoint {
        url: url?,
        cluster: cluster?.into(),
        timeout: timeout?,
        retries: retries?,
        client: client?,
        parameters: parameters?,
        headers: headers?,
        answer_headers: LOOKED_AT,
        written: Written::default(),
    };
    let authorized_twice = endpoint.client.authorization().is_some()
        && endpoint.headers.iter().any(|(name, _)| &**name == "authorization");
    if authorized_twice {
        object.refuse("\"headers\" sets authorization, which \"client\" sets too");
        return None;
    }
    let field_twice = endpoint
        .client
        .form_fields()
        .find(|(name, _)| endpoint.parameters.iter().any(|(parameter, _)| **parameter == **name));
    if let Some((name, _)) = field_twice {
        object.refuse(format!("\"parameters\" sets {name}, which \"client\" sets too"));
        return None;
    }
    Some(endpoint)
}

fn parameter(name: &str, field: &Field<'_>) -> Option<(Box<str>, Box<str>)> {
    if name.is_empty() || name == "token" {
        field.refuse("cannot be set: the request's own token is sent as \"token\"");
        return None;
    }
    let value = if field.string()?.is_empty() { Box::default() } else { field.text()? };
    Some((name.into(), value))
}

/// Extra headers of a call: names in lower case, values that may be secrets.
pub fn extra_headers(field: &Field<'_>) -> Option<Vec<(Box<str>, Secret)>> {
    const OURS: [&str; 6] = ["host", "content-type", "content-length", "transfer-encoding", "connection", "te"];
    let headers = field.map(|name, value| {
        let lower = name.to_ascii_lowercase();
        if !is_header_name(&lower) || OURS.contains(&lower.as_str()) {
            value.refuse("is not a header that can be set here");
            return None;
        }
        Some((Box::from(lower), value.header_secret()?))
    })?;
    let repeated = headers
        .iter()
        .enumerate()
        .find(|(index, (name, _))| headers.iter().skip(index + 1).any(|(other, _)| other == name));
    if let Some((_, (name, _))) = repeated {
        field.refuse(format!("{name:?} is given twice"));
        return None;
    }
    Some(headers)
}

#[derive(Clone, Copy)]
enum Method {
    Basic,
    Post,
    Bearer,
    None,
}

fn client_auth(object: &Object<'_>) -> Option<ClientAuth> {
    const METHODS: [(&str, Method); 4] = [
        ("client_secret_basic", Method::Basic),
        ("client_secret_post", Method::Post),
        ("bearer", Method::Bearer),
        ("none", Method::None),
    ];
    let Some(method) = object.or("auth", Method::Basic, |field| field.word(&METHODS)) else {
        object.pass_over(&["id", "secret", "basic_encoding"]);
        return None;
    };
    match method {
        Method::Basic => {
            let id = object.required("id").and_then(|field| field.text());
            let secret = object.required("secret").and_then(|field| field.secret());
            let encoding = object.or("basic_encoding", BasicEncoding::Form, |field| {
                field.word(&[("form", BasicEncoding::Form), ("raw", BasicEncoding::Raw)])
            });
            let (id, secret, encoding) = (id?, secret?, encoding?);
            if encoding == BasicEncoding::Raw && id.contains(':') {
                object.refuse("\"id\" must not hold \":\" with basic_encoding \"raw\" (RFC 7617 §2)");
                return None;
            }
            Some(ClientAuth::Basic { id, secret, encoding })
        }
        Method::Post => {
            let id = object.required("id").and_then(|field| field.text());
            let secret = object.required("secret").and_then(|field| field.secret());
            Some(ClientAuth::Post { id: id?, secret: secret? })
        }
        Method::Bearer => Some(ClientAuth::Bearer(object.required("secret")?.header_secret()?)),
        Method::None => Some(ClientAuth::None { id: object.or("id", None, |field| field.text().map(Some))? }),
    }
}
