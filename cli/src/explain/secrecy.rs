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
/// What is secret in a query that nobody has configured otherwise (RFC 6750 §2.3, RFC 6749 §2.3.1, §6; OpenID Connect).
const USUAL: [&str; 4] = ["access_token", "client_secret", "id_token", "refresh_token"];

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
        }
        let named = settings.sources.iter().filter_map(|source| match source {
            TokenSource::Query(name) => Some(name.clone()),
            TokenSource::Header { .. } | TokenSource::Cookie(_) => None,
        });
        Self { texts, parameters: named.chain(USUAL.map(Into::into)).collect() }
    }

    /// The text without secrets, in one line.
    pub fn shown(&self, text: &str) -> String {
        Printable { text: &self.without(text), limit: LIMIT }.to_string()
    }

    /// The text without secrets, however they are percent-encoded (RFC 3986 §2.1).
    pub fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.texts.iter().fold(Cow::Borrowed(text), |text, secret| match hidden(&text, secret) {
            Some(hidden) => hidden.into(),
            None => text,
        })
    }

    /// A path with the names, not the values, of what could be tokens in its parameters and its query, and without a
    /// fragment, which is not for servers.
    pub fn path(&self, path: &[u8]) -> String {
        let whole = path.split(|byte| *byte == b'#').next().unwrap_or_default();
        let before = without_query(whole);
        let mut shown = String::new();
        for (index, part) in before.split(|byte| *byte == b';').enumerate() {
            shown.push_str(if index > 0 { ";" } else { "" });
            // A segment that follows belongs to the path again.
            let end = part.iter().position(|byte| *byte == b'/').unwrap_or(part.len());
            let (parameter, rest) = part.split_at(end);
            shown.push_str(&if index > 0 { self.pair(parameter) } else { String::from_utf8_lossy(parameter) });
            shown.push_str(&String::from_utf8_lossy(rest));
        }
        let query = whole.get(before.len() + 1..).unwrap_or_default();
        for (index, pair) in query.split(|byte| *byte == b'&').enumerate() {
            if index > 0 || whole.len() > before.len() {
                shown.push(if index == 0 { '?' } else { '&' });
            }
            shown.push_str(&self.pair(pair));
        }
        if whole.len() < path.len() {
            shown.push('#');
            shown.push_str(HIDDEN);
        }
        self.without(&shown).into_owned()
    }

    /// A name with its value, unless that could be a token.
    fn pair<'t>(&self, pair: &'t [u8]) -> Cow<'t, str> {
        let hidden = self.parameters.iter().any(|name| {
            let alone = [b"?", pair].concat();
            QueryToken::named(name).parameters(&alone).any(|(likeness, _)| likeness != Likeness::Other)
        });
        let (name, _) = super::request::split_once(pair, b'=').unwrap_or((pair, &[]));
        match hidden {
            true if pair.contains(&b';') => HIDDEN.into(),
            true => format!("{}={HIDDEN}", String::from_utf8_lossy(name)).into(),
            false => String::from_utf8_lossy(pair),
        }
    }

    /// A host and its port, without who asks there (RFC 3986 §3.2.1).
    pub fn authority(&self, authority: &[u8]) -> String {
        let host = authority.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
        let who = if host.len() < authority.len() { "***@" } else { "" };
        self.without(&format!("{who}{}", String::from_utf8_lossy(host))).into_owned()
    }
}

/// `None` where the secret is not in the text.
fn hidden(text: &str, secret: &str) -> Option<String> {
    let mut shown = String::new();
    let (mut rest, mut found) = (text, false);
    while let Some(letter) = rest.chars().next() {
        match length_of(secret.as_bytes(), rest.as_bytes()).and_then(|length| rest.get(length..)) {
            Some(after) => {
                shown.push_str(HIDDEN);
                (rest, found) = (after, true);
            }
            None => {
                shown.push(letter);
                rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            }
        }
    }
    found.then_some(shown)
}

/// How many bytes of the text are the secret, if it begins with it; each byte as it is, or encoded.
fn length_of(secret: &[u8], text: &[u8]) -> Option<usize> {
    let mut rest = text;
    for byte in secret {
        rest = match rest {
            [first, after @ ..] if first == byte => after,
            [b'%', high, low, after @ ..] => {
                let digit = |letter: &u8| char::from(*letter).to_digit(16);
                let encoded = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
                if encoded != u32::from(*byte) {
                    return None;
                }
                after
            }
            _ => return None,
        };
    }
    Some(text.len().saturating_sub(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_however_it_is_encoded() {
        let secrets = Secrets { texts: vec!["00D!AQ.x_y".to_owned()], parameters: Vec::new() };
        for spelling in ["00D!AQ.x_y", "00D%21AQ.x_y", "00D%21AQ%2ex%5Fy", "%30%30%44%21%41%51%2E%78%5f%79"] {
            assert_eq!(secrets.without(&format!("/a/{spelling}/\u{e9}?b={spelling}")), "/a/***/\u{e9}?b=***");
        }
        for other in ["00D!AQ.x_", "00D%2AQ.x_y", "%", "%3", "00D%21AQ.x_\u{e9}"] {
            assert_eq!(secrets.without(other), other);
        }
    }
}
