//! `upstream`: what the upstream of an API receives.

use super::field::Field;
use super::key::keys;
use super::kind::{FLAG, Nullable, Of, Parsed};
use super::pattern;
use super::problem::Code;
use super::section::Section;
use super::shape::Shape;
use crate::base::fields::is_header_name;
use crate::base::headers::is_twin;
use crate::policy::upstream::{IdentitySource, Upstream};

type IdentityHeaders = Vec<(Box<str>, IdentitySource)>;

keys! {
    /// What the upstream receives.
    UPSTREAM: UpstreamKeys at "apis[].upstream";
    /// Header names (lower case) and where their values come from.
    headers: Of<IdentityHeaders> = or(
        Of(|field| field.map(identity_header)),
        "{\"x-client-id\": \"client_id\", \"x-sla-tier\": \"contract.tier\"}",
    ) as Shape::map(pattern::HEADER_NAME, Shape::Text(pattern::IDENTITY_SOURCE));
    /// Every string, number and boolean of the answer becomes a header of this prefix and its name.
    claims_prefix: Nullable<Parsed<Box<str>>> = or(Nullable(Parsed(prefix)), "null")
        as Shape::nullable(Shape::Text(pattern::HEADER_PREFIX));
    /// Whether the credential stays in the request.
    forward_token: Of<bool> = or(FLAG, "true");
    /// Whether Envoy chooses the route anew once the headers are set; in Wasm it always does.
    rematch_route: Of<bool> = or(FLAG, "false");
}

pub(super) fn read(section: &Section<'_>) -> Option<Upstream> {
    let headers = section.get(&UPSTREAM.headers);
    let claims_prefix = section.get(&UPSTREAM.claims_prefix);
    let forward_token = section.get(&UPSTREAM.forward_token);
    let rematch_route = section.get(&UPSTREAM.rematch_route);
    Some(Upstream {
        headers: headers?,
        claims_prefix: claims_prefix?,
        forward_token: forward_token?,
        rematch_route: rematch_route?,
    })
}

fn identity_header(name: &str, field: &Field<'_>) -> Option<(Box<str>, IdentitySource)> {
    if !may_be_set(name) {
        field.refuse(Code::BadValue, "is not a header name in lower case that can be set here");
        return None;
    }
    Some((name.into(), field.parsed(source)?))
}

/// Names that carry the request itself cannot carry an identity.
fn may_be_set(name: &str) -> bool {
    const OURS: [&str; 7] =
        ["host", "authorization", "cookie", "content-length", "transfer-encoding", "connection", "content-type"];
    const PSEUDO: [&str; 4] = [":method", ":scheme", ":authority", ":path"];
    is_header_name(name)
        && !OURS.contains(&name)
        && !PSEUDO.iter().any(|pseudo| is_twin(name.as_bytes(), pseudo.as_bytes()))
}

fn prefix(text: &str) -> Result<Box<str>, &'static str> {
    let wide_enough = text.starts_with("x-") && text.len() > 2 && text.ends_with('-');
    if !is_header_name(text) || !wide_enough {
        return Err("must be a header prefix in lower case such as \"x-agw-\"");
    }
    Ok(text.into())
}

fn source(text: &str) -> Result<IdentitySource, &'static str> {
    Ok(match text {
        "client_id" => IdentitySource::ClientId,
        "subject" => IdentitySource::Subject,
        "scope" => IdentitySource::Scope,
        "username" => IdentitySource::Username,
        "issuer" => IdentitySource::Issuer,
        "provider" => IdentitySource::Provider,
        "api" => IdentitySource::Api,
        "contract.tier" => IdentitySource::ContractTier,
        "contract.name" => IdentitySource::ContractName,
        "introspection_jwt" => IdentitySource::IntrospectionJwt,
        _ => match text.strip_prefix("claim:") {
            Some(pointer) if pointer.len() > 1 && pointer.starts_with('/') => IdentitySource::Claim(pointer.into()),
            _ => {
                return Err("must be client_id, subject, scope, username, issuer, provider, api, contract.tier, \
                            contract.name, introspection_jwt or claim:/… (a JSON pointer)");
            }
        },
    })
}
