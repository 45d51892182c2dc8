//! Asking a server for its metadata: RFC 8414 §3, `OpenID` Connect Discovery 1.0 §4.

use super::server::Server;
use super::unusable::{Unusable, check_scheme, shown};
use crate::http_client::{Failure, Request, Response, Trust, send};
use serde_json::{Map, Value};
use std::time::Duration;
use tessera_core::base::http::HttpUrl;
use tessera_core::feed::fetched_body::MAX_DOCUMENT_BYTES;
use tessera_core::provider::metadata::{Metadata, MetadataError, urls};

/// What the server says at both addresses: the first sound document, and what only the other one has.
pub fn ask(issuer: &str, trust: &Trust, timeout: Duration) -> Result<Server, Unusable> {
    let unusable = |reason: &str| Unusable::Unanswered(format!("the issuer {reason}"));
    let url = HttpUrl::parse(issuer).map_err(unusable)?;
    check_scheme(&url, "the issuer").map_err(Unusable::Unanswered)?;
    let mut sound: Vec<(String, Map<String, Value>)> = Vec::new();
    let mut faults = Vec::new();
    for url in urls(issuer, None).map_err(unusable)?.into_iter().take(2) {
        let url = format!("{}{}", url.origin(), url.path());
        match document(&url, issuer, trust, timeout) {
            Ok(members) => sound.push((url, members)),
            Err(fault) => faults.push(fault),
        }
    }
    if sound.is_empty() {
        return Err(worst(faults));
    }
    let mut merged = Map::new();
    let mut urls = Vec::new();
    for (url, members) in sound {
        urls.push(url);
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
            merged.entry(name).or_insert(value);
        }
    }
    Server::new(issuer.into(), urls, merged)
}

/// What was answered says more than that nothing was.
fn worst(faults: Vec<Unusable>) -> Unusable {
    let is_unsound = faults.iter().any(|fault| matches!(fault, Unusable::Unsound(_)));
    let texts: Vec<String> = faults
        .into_iter()
        .map(|fault| match fault {
            Unusable::Unanswered(text) | Unusable::Unsound(text) => text,
        })
        .collect();
    let text = texts.join("; ");
    if is_unsound { Unusable::Unsound(text) } else { Unusable::Unanswered(text) }
}

fn document(url: &str, issuer: &str, trust: &Trust, timeout: Duration) -> Result<Map<String, Value>, Unusable> {
    let unsound = |reason: String| Unusable::Unsound(format!("{url}: {reason}"));
    let headers = vec![("accept".into(), "application/json".into())];
    let request = Request { method: "GET", url, headers, body: Vec::new(), timeout, limit: MAX_DOCUMENT_BYTES };
    let Response { status, headers, body } = send(&request, trust).map_err(|failure| match failure {
        Failure::TooLarge(_) => unsound(failure.to_string()),
        _ => Unusable::Unanswered(format!("{url}: {failure}")),
    })?;
    match status {
        200 => {}
        300..=399 => {
            let location = headers.iter().find(|(name, _)| name == "location").map_or("", |(_, value)| value);
            return Err(unsound(format!("it redirects to {}, where nobody goes", origin(location))));
        }
        429 | 500.. => return Err(Unusable::Unanswered(format!("{url}: status {status}"))),
        _ => return Err(unsound(format!("status {status}"))),
    }
    Metadata::read(&body, issuer).map_err(|error| unsound(said(&error)))?;
    serde_json::from_slice(&body).map_err(|_| unsound("it is not a JSON object".into()))
}

/// The origin of a location alone: the rest may be the state of somebody's login.
fn origin(location: &str) -> String {
    let url = location.split(['?', '#']).next().map(HttpUrl::parse);
    match url {
        Some(Ok(url)) => format!("\"{}\"", shown(&url.origin())),
        _ => "another address".to_owned(),
    }
}

/// In other words than where the metadata's address can be configured.
fn said(error: &MetadataError) -> String {
    match error {
        MetadataError::NotJson => "it is not a JSON object".into(),
        MetadataError::NoIssuer => "it has no \"issuer\"".into(),
        MetadataError::OtherIssuer(found) => {
            format!("its issuer is \"{}\"; ask for exactly that one, if it is the right one", shown(found))
        }
        other => other.to_string(),
    }
}
