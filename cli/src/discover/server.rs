//! What a server says about itself, as far as a configuration needs it (RFC 8414 §2).

use super::origin::Origin;
use super::unusable::{Unusable, check_scheme};
use serde_json::{Map, Value};
use tessera_core::base::http::HttpUrl;

const INTROSPECTION: &str = "introspection_endpoint";
const JWKS: &str = "jwks_uri";
const METHODS: &str = "introspection_endpoint_auth_methods_supported";
const REGISTRATION: &str = "registration_endpoint";

/// Members, and what follows for this gateway where a server has none.
const WANTED: [(&str, &str); 4] = [
    (
        INTROSPECTION,
        "tokens cannot be introspected, only verified as JWTs: revocation is not noticed before they expire",
    ),
    (JWKS, "JWTs cannot be verified here: each token is introspected"),
    (METHODS, "how the gateway has to authenticate is a guess: client_secret_basic"),
    (REGISTRATION, "clients cannot register themselves: somebody has to do it for them"),
];

pub struct Server {
    pub issuer: String,
    /// Where this was found.
    pub urls: Vec<String>,
    pub endpoint: Endpoint,
    members: Map<String, Value>,
}

/// Who says whether a token is good.
#[derive(Clone)]
pub enum Endpoint {
    Introspection(String),
    Keys(String),
}

impl Server {
    pub fn new(issuer: String, urls: Vec<String>, members: Map<String, Value>) -> Result<Self, Unusable> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(String::from);
        let endpoint = match (text(INTROSPECTION), text(JWKS)) {
            (Some(url), _) => Endpoint::Introspection(url),
            (None, Some(url)) => Endpoint::Keys(url),
            (None, None) => {
                let reason = "has neither introspection_endpoint nor jwks_uri: nobody says whether its tokens are good";
                return Err(Unusable::Unsound(format!("{}: it {reason}", urls.join(", "))));
            }
        };
        Ok(Self { issuer, urls, endpoint, members })
    }

    /// The one that is to be reached.
    pub fn origin(&self) -> Result<Origin, Unusable> {
        let (name, url) = match &self.endpoint {
            Endpoint::Introspection(url) => (INTROSPECTION, url),
            Endpoint::Keys(url) => (JWKS, url),
        };
        let unsound = |reason: &str| Unusable::Unsound(format!("its {name} {reason}"));
        let url = HttpUrl::parse(url).map_err(unsound)?;
        check_scheme(&url, &format!("its {name}")).map_err(Unusable::Unsound)?;
        Ok(Origin::of(&url))
    }

    /// The texts of a list; `None` where there is no list.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.members.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    }

    /// What is missing, with its consequence.
    pub fn lacks(&self) -> Vec<(&'static str, &'static str)> {
        let has = |name: &str| match self.members.get(name) {
            // It is about an endpoint that there is not.
            None if name == METHODS => matches!(self.endpoint, Endpoint::Keys(_)),
            found => found.is_some(),
        };
        WANTED.into_iter().filter(|(name, _)| !has(name)).collect()
    }

    pub fn methods(&self) -> Vec<&str> {
        self.list(METHODS).unwrap_or_default()
    }
}
