//! Keeps tokens out of what is shown.

use std::borrow::Cow;
use tessera_core::base::printable::Printable;
use tessera_core::policy::paths::without_query;
use tessera_core::token::credential::{Likeness, QueryToken};
use tessera_core::token::extract::{TokenSettings, TokenSource};

/// What stands for a secret.
pub const HIDDEN: &str = "***";
/// A token shorter than this is no secret, and would be found everywhere.
const LEAST: usize = 4;
/// Most characters of a text.
const LIMIT: usize = 4096;
/// Where tokens are in a query that nobody has configured otherwise (RFC 6750 §2.3).
const USUAL: &str = "access_token";

/// What is not to be shown.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    texts: Vec<String>,
    parameters: Vec<Box<str>>,
}

impl Secrets {
    /// Those of a request with this token, where tokens are looked for so.
    pub fn of(settings: &TokenSettings, token: Option<&[u8]>) -> Self {
        let mut texts = Vec::new();
        if let Some(token) = token.filter(|token| token.len() >= LEAST) {
            texts.push(String::from_utf8_lossy(token).into_owned());
            texts.push(percent_encoding::percent_encode(token, percent_encoding::NON_ALPHANUMERIC).to_string());
        }
        let named = settings.sources.iter().filter_map(|source| match source {
            TokenSource::Query(name) => Some(name.clone()),
            TokenSource::Header { .. } | TokenSource::Cookie(_) => None,
        });
        Self { texts, parameters: named.chain([USUAL.into()]).collect() }
    }

    /// The text without secrets, in one line.
    pub fn shown(&self, text: &str) -> String {
        Printable { text: &self.without(text), limit: LIMIT }.to_string()
    }

    /// The text without secrets.
    pub fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.texts.iter().fold(Cow::Borrowed(text), |text, secret| {
            if text.contains(secret) { text.replace(secret, HIDDEN).into() } else { text }
        })
    }

    /// A path with the names, not the values, of what could be tokens in its query.
    pub fn path(&self, path: &[u8]) -> String {
        let before = without_query(path);
        let mut shown = String::from_utf8_lossy(before).into_owned();
        let query = path.get(before.len() + 1..).unwrap_or_default();
        for (index, pair) in query.split(|byte| *byte == b'&').enumerate() {
            if index > 0 || path.len() > before.len() {
                shown.push(if index == 0 { '?' } else { '&' });
            }
            let hidden = self.parameters.iter().any(|name| {
                let alone = [b"?", pair].concat();
                QueryToken::named(name).parameters(&alone).any(|(likeness, _)| likeness != Likeness::Other)
            });
            let (name, _) = super::request::split_once(pair, b'=').unwrap_or((pair, &[]));
            shown.push_str(&match hidden {
                true if pair.contains(&b';') => HIDDEN.into(),
                true => format!("{}={HIDDEN}", String::from_utf8_lossy(name)).into(),
                false => String::from_utf8_lossy(pair),
            });
        }
        self.without(&shown).into_owned()
    }
}
