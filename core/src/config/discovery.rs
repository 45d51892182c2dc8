//! `discovery`: how an authorization server's metadata is found.

use super::field::Field;
use super::key::{Maybe, keys};
use super::kind::{Of, Span, TEXT, URL};
use super::pattern;
use super::problem::Code;
use super::section::Section;
use super::shape::Shape;
use crate::base::http::HttpUrl;
use crate::feed::fresh_document::Freshening;
use crate::provider::discovery::Discovery;
use crate::provider::metadata;
use std::rc::Rc;
use std::time::Duration;

type Clusters = Vec<(Box<str>, Rc<str>)>;

keys! {
    /// How the server's metadata is found (RFC 8414, OpenID Connect Discovery), which says where it is asked and where
    /// its keys are.
    DISCOVERY: DiscoveryKeys at "providers[].discovery";
    /// The Envoy cluster that reaches the metadata and the endpoints of its origin.
    cluster: Of<Box<str>> = required(TEXT);
    /// Where the metadata is, if not at one of the well-known addresses under the issuer.
    url: Maybe<Of<HttpUrl>> = optional(URL);
    /// Origins of other endpoints, such as `https://keys.example.com`, each with the Envoy cluster that reaches it.
    clusters: Of<Clusters> = or(Of(|field| field.map(origin)), "{}")
        as Shape::map(pattern::ORIGIN, Shape::Text(pattern::TEXT));
    /// Time between two fetches.
    refresh: Span = or(Span(Duration::from_secs(1), Duration::from_secs(86_400)), "\"1h\"");
    /// Limit of one attempt.
    timeout: Span = or(Span(Duration::from_millis(1), Duration::from_secs(60)), "\"2s\"");
}

/// `issuer` is that of the provider.
pub(super) fn read(section: &Section<'_>, issuer: Option<&str>) -> Option<Discovery> {
    let cluster = section.get(&DISCOVERY.cluster);
    let url = section.get(&DISCOVERY.url);
    let clusters = section.get(&DISCOVERY.clusters);
    let refresh = section.get(&DISCOVERY.refresh);
    let timeout = section.get(&DISCOVERY.timeout);
    let (issuer, url) = (issuer?, url?);
    let urls = metadata::urls(issuer, url.as_ref());
    let urls = urls.map_err(|reason| {
        section.refuse(
            Code::Conflict,
            format!("no address of metadata follows from the issuer, which {reason}; set \"url\""),
        );
    });
    let freshening = Freshening { refresh: refresh?, timeout: timeout? };
    Some(Discovery { urls: urls.ok()?, cluster: cluster?.into(), clusters: clusters?, freshening })
}

/// An origin in the form in which origins are compared.
fn origin(name: &str, field: &Field<'_>) -> Option<(Box<str>, Rc<str>)> {
    let url = HttpUrl::parse(name)
        .map_err(|reason| field.refuse(Code::BadValue, format!("is not named by an origin, which {reason}")));
    let url = url.ok()?;
    if url.path() != "/" {
        field.refuse(Code::BadValue, "must be named by an origin alone, such as \"https://keys.example.com\"");
        return None;
    }
    Some((url.origin().into(), field.text()?.into()))
}
