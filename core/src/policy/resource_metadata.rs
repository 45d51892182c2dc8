//! What is said about a protected resource (RFC 9728 §2).

use super::api::{Access, Api};
use super::resource::ProtectedResource;
use super::scopes::ScopeRule;
use crate::base::json::{Json, Object};
use crate::token::extract::TokenSource;

const HEADER: &str = "header";

/// The metadata of `api`, which is `resource`, in JSON; tokens are looked for in these sources, and DPoP proofs may be
/// signed with these algorithms.
pub fn document(resource: &ProtectedResource, api: &Api, sources: &[TokenSource], algorithms: Vec<&str>) -> String {
    let takes_proofs = api.choices.iter().any(|choice| !choice.provider.checks.ignore_key_binding);
    let methods = distinct(sources.iter().filter_map(bearer_method));
    // The scheme `DPoP` is taken where `Bearer` is.
    let takes_dpop = takes_proofs && methods.contains(&HEADER);
    let servers = distinct(api.choices.iter().filter_map(|choice| choice.provider.checks.issuer.as_deref()));
    let scopes = distinct(rules(api).flat_map(ScopeRule::named).map(AsRef::as_ref));
    let members = [
        ("resource", Some(text(resource.identifier.as_str()))),
        ("authorization_servers", Some(servers).filter(|servers| !servers.is_empty()).map(list)),
        ("scopes_supported", Some(scopes).filter(|scopes| !scopes.is_empty()).map(list)),
        ("bearer_methods_supported", Some(list(methods))),
        ("dpop_signing_alg_values_supported", takes_dpop.then(|| list(algorithms))),
        ("tls_client_certificate_bound_access_tokens", takes_proofs.then_some(Json::Boolean(true))),
        ("resource_name", resource.name.as_deref().map(text)),
        ("resource_documentation", resource.documentation.as_deref().map(text)),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect();
    serde_json::to_string(&Json::Object(Object::new(members))).unwrap_or_default()
}

fn text(text: &str) -> Json<'_> {
    Json::Text(text.into())
}

fn list(texts: Vec<&str>) -> Json<'_> {
    Json::Array(texts.into_iter().map(text).collect())
}

/// What its rules say of scopes.
fn rules(api: &Api) -> impl Iterator<Item = &ScopeRule> {
    let operations = api.operations.iter().filter_map(|operation| match &operation.access {
        Access::Guarded(rule) => Some(&rule.scopes),
        Access::Public => None,
    });
    [&api.rule.scopes].into_iter().chain(operations)
}

/// What RFC 6750 §2 calls a place where tokens are looked for; it knows no other headers, parameters, nor cookies.
fn bearer_method(source: &TokenSource) -> Option<&'static str> {
    match source {
        TokenSource::Header { name, schemes }
            if &**name == "authorization" && schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("Bearer")) =>
        {
            Some(HEADER)
        }
        TokenSource::Query(name) if &**name == "access_token" => Some("query"),
        TokenSource::Header { .. } | TokenSource::Query(_) | TokenSource::Cookie(_) => None,
    }
}

/// Each once, in the order of their first.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for text in texts {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}
