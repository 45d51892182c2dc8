//! How one authorization server's JWTs are verified.

use crate::base::http::HttpUrl;
use crate::feed::fresh_document::Freshening;
use crate::jose::algorithm::Algorithm;
use crate::jose::jwk_set::KeySet;
use std::rc::Rc;

/// How JWTs are verified.
#[derive(Clone, Debug)]
pub struct Jwt {
    pub keys: KeySource,
    /// Accepted values of `alg`; never empty.
    pub algorithms: Vec<Algorithm>,
    pub types: TokenTypes,
    /// Whether a token that is verified is introspected, too.
    pub introspects: bool,
}

/// Where the keys are.
#[derive(Clone, Debug)]
pub enum KeySource {
    Inline(Rc<KeySet>),
    /// At this URL, or where the metadata says; reached by this cluster, or by the one that reaches that origin.
    Fetched {
        url: Option<HttpUrl>,
        cluster: Option<Rc<str>>,
        freshening: Freshening,
    },
}

impl KeySource {
    /// Differs where the keys may differ.
    pub fn identity(&self) -> String {
        match self {
            Self::Inline(keys) => format!("{:?}", keys.thumbprints()),
            Self::Fetched { url, cluster, .. } => format!("{url:?} {cluster:?}"),
        }
    }
}

/// The media types that an access token may have (`typ`, RFC 7515 §4.1.9), in lower case and without `application/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTypes {
    accepted: Vec<Box<str>>,
    /// Whether it may have none.
    absent: bool,
}

impl Default for TokenTypes {
    fn default() -> Self {
        Self { accepted: ["at+jwt", "jwt"].map(Into::into).into(), absent: true }
    }
}

impl TokenTypes {
    /// One of these, and no token without.
    pub fn only(names: &[Box<str>]) -> Self {
        Self { accepted: names.iter().map(|name| plain(name).into()).collect(), absent: false }
    }

    pub fn accept(&self, typ: Option<&str>) -> bool {
        typ.map_or(self.absent, |typ| self.accepted.iter().any(|accepted| **accepted == *plain(typ)))
    }
}

fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("application/").map(Into::into).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    #[test]
    fn keys_from_elsewhere_are_others() {
        let fetched = |url: &str, cluster: Option<&str>| KeySource::Fetched {
            url: HttpUrl::parse(url).ok(),
            cluster: cluster.map(Into::into),
            freshening: Freshening { refresh: Duration::ZERO, timeout: Duration::ZERO },
        };
        let sources = [
            fetched("https://idp/a", None),
            fetched("https://idp/b", None),
            fetched("https://idp/a", Some("idp")),
            KeySource::Inline(Rc::new(KeySet::default())),
        ];
        let identities: BTreeSet<String> = sources.iter().map(KeySource::identity).collect();
        assert_eq!(identities.len(), sources.len());
        assert_eq!(fetched("https://idp/a", None).identity(), sources[0].identity());
    }

    #[test]
    fn a_type_counts_without_case_and_prefix() {
        let types = TokenTypes::default();
        for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/AT+JWT"), Some("Application/jwt")]
        {
            assert!(types.accept(typ), "{typ:?}");
        }
        for typ in [Some(""), Some("id+jwt"), Some("dpop+jwt"), Some("application/application/jwt"), Some("text/jwt")] {
            assert!(!types.accept(typ), "{typ:?}");
        }
        let types = TokenTypes::only(&["application/At+jwt".into()]);
        assert!(types.accept(Some("at+JWT")) && types.accept(Some("application/at+jwt")));
        assert!(!types.accept(None) && !types.accept(Some("JWT")), "once given, absent is refused");
    }
}
