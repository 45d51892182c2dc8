//! What an authorization server says about itself: RFC 8414, and `OpenID` Connect Discovery 1.0.

use crate::base::http::HttpUrl;
use crate::base::json::{Object, ObjectError, UnusableMember};
use crate::base::printable::Printable;
use std::fmt;
use std::rc::Rc;

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// The members that are looked at.
const ISSUER: &str = "issuer";
const INTROSPECTION: &str = "introspection_endpoint";
const JWKS: &str = "jwks_uri";

/// Most characters of a foreign issuer in a message.
const SHOWN: usize = 200;

/// What a metadata document says that is used here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub introspection_endpoint: Option<HttpUrl>,
    pub jwks_uri: Option<HttpUrl>,
}

/// Why a document is not this issuer's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// Not one JSON object (RFC 8259).
    NotJson,
    /// A member that is read is given twice.
    GivenTwice,
    NoIssuer,
    /// The issuer that it is of.
    OtherIssuer(Box<str>),
    /// This member is no string.
    WrongType(&'static str),
    /// This member is no URL that a request can be sent to, and why.
    Unusable(&'static str, &'static str),
}

/// An endpoint whose origin is neither that of the metadata nor one that has a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideOrigin(Box<str>);

/// Where the metadata of an issuer may be, in the order to try: RFC 8414 §3.1, `OpenID` Connect Discovery §4, and
/// what RFC 8414 §5 makes of both. If it is `given`, there only.
///
/// # Errors
/// When no address can be derived from the issuer: why, as a phrase.
pub fn urls(issuer: &str, given: Option<&HttpUrl>) -> Result<Vec<HttpUrl>, &'static str> {
    if let Some(url) = given {
        return Ok(vec![url.clone()]);
    }
    let url = HttpUrl::parse(issuer)?;
    if url.path().contains('?') {
        return Err("must not hold a query");
    }
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    let mut paths = vec![format!("{OAUTH}{path}"), format!("{path}{OPENID}")];
    if !path.is_empty() {
        paths.push(format!("{OPENID}{path}"));
    }
    Ok(paths.into_iter().map(|path| url.with_path(path)).collect())
}

/// The Envoy cluster that reaches an endpoint of the metadata: that of the metadata itself, where the endpoint has its
/// origin, or else the one that `clusters` has for [`HttpUrl::origin`].
///
/// # Errors
/// [`OutsideOrigin`] when there is none.
pub fn cluster_for(
    endpoint: &HttpUrl,
    metadata: &HttpUrl,
    own: &Rc<str>,
    clusters: &[(Box<str>, Rc<str>)],
) -> Result<Rc<str>, OutsideOrigin> {
    let origin = endpoint.origin();
    // One that is named goes first: it may also be another way to the same server.
    let named = clusters.iter().find(|(named, _)| **named == *origin).map(|(_, cluster)| cluster);
    let own = (origin == metadata.origin()).then_some(own);
    named.or(own).cloned().ok_or_else(|| OutsideOrigin(origin.into()))
}

impl Metadata {
    /// Reads the document of this issuer. Members that nobody here uses may be anything.
    ///
    /// # Errors
    /// [`MetadataError`] when it is of another issuer (RFC 8414 §3.3), or something else.
    pub fn read(json: &[u8], issuer: &str) -> Result<Self, MetadataError> {
        let members = Object::read(json, &|name| matches!(name, ISSUER | INTROSPECTION | JWKS))?;
        let found = members.text(ISSUER)?.ok_or(MetadataError::NoIssuer)?;
        if found != issuer {
            return Err(MetadataError::OtherIssuer(found.into()));
        }
        let url = |name| {
            let parsed = members.text(name)?.map(HttpUrl::parse).transpose();
            parsed.map_err(|reason| MetadataError::Unusable(name, reason))
        };
        Ok(Self { introspection_endpoint: url(INTROSPECTION)?, jwks_uri: url(JWKS)? })
    }
}

impl From<ObjectError> for MetadataError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::NotAnObject => Self::NotJson,
            ObjectError::GivenTwice => Self::GivenTwice,
        }
    }
}

impl From<UnusableMember> for MetadataError {
    fn from(UnusableMember(name): UnusableMember) -> Self {
        Self::WrongType(name)
    }
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("it is not a JSON object; if the metadata is elsewhere, set discovery.url"),
            Self::GivenTwice => f.write_str("a member is given twice in it"),
            Self::NoIssuer => f.write_str("it has no \"issuer\"; if the metadata is elsewhere, set discovery.url"),
            Self::OtherIssuer(found) => {
                let found = Printable { text: found, limit: SHOWN };
                write!(f, "its issuer is \"{found}\"; \"issuer\" must be exactly that, or discovery.url another one")
            }
            Self::WrongType(member) => write!(f, "its \"{member}\" is not a string"),
            Self::Unusable(member, reason) => write!(f, "its \"{member}\" {reason}"),
        }
    }
}

impl fmt::Display for OutsideOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not the metadata's origin; if it is right, name its cluster in discovery.clusters", self.0)
    }
}

#[cfg(test)]
mod tests;
