//! What access logs may contain: of which requests, and about a refusal besides its outcome.

use crate::outcome::Outcome;
use crate::policy::api::Api;
use crate::provider::Provider;
use crate::token::facts::{Facts, TokenState};
use std::borrow::Cow;
use std::fmt::Write;
use std::rc::Rc;

/// Most bytes of a property.
const MAX_PROPERTY: usize = 256;
/// Bytes of a token's SHA-256 that name it.
const PRINT: usize = 6;

/// Which requests have properties for an access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logged {
    /// Those that are refused: one that passes costs no host call for its log line.
    #[default]
    Refusals,
    All,
}

/// What is known about a refused request.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub api: Option<Rc<Api>>,
    /// Who was asked about its token, or would have been.
    pub provider: Option<Rc<Provider>>,
    pub client_id: Option<Box<str>>,
    pub detail: Option<Cow<'static, str>>,
    pub token: Option<[u8; PRINT]>,
}

impl About {
    /// Takes note of the token, by what cannot be turned back into it.
    pub fn set_token(&mut self, token: &[u8]) {
        self.token = print_of(token);
    }

    /// Takes note of what the refusal is about in the facts.
    pub fn set_facts(&mut self, state: &TokenState, outcome: Outcome) {
        let TokenState::Active(facts) = state else { return };
        self.client_id.clone_from(&facts.client_id);
        self.detail = Self::detail(facts, outcome);
    }

    /// What of the facts the outcome is about.
    pub fn detail(facts: &Facts, outcome: Outcome) -> Option<Cow<'static, str>> {
        let seconds = |name: &str, time: Option<crate::base::time::Timestamp>| {
            time.map(|time| format!("{name}={}", time.as_millis() / 1000))
        };
        let detail = match outcome {
            Outcome::Expired => seconds("exp", facts.expires_at),
            Outcome::NotYetValid => seconds("nbf", facts.not_before),
            Outcome::WrongIssuer => facts.issuer.as_deref().map(|issuer| format!("iss={issuer}")),
            Outcome::WrongAudience => Some(format!("aud={}", facts.audience.join(" "))),
            Outcome::InsufficientScope => Some(format!("scope={}", facts.scope.join(" "))),
            _ => None,
        };
        detail.map(Cow::Owned)
    }

    /// The properties to set, by name: printable ASCII without `"` and `\`, for a log line of whatever format.
    pub fn properties(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("tessera.api", self.api.as_ref().map(|api| &*api.id)),
            ("tessera.provider", self.provider.as_ref().map(|provider| &*provider.name)),
            ("tessera.client_id", self.client_id.as_deref()),
            ("tessera.detail", self.detail.as_deref()),
        ];
        let token = self.token.map(|print| ("tessera.token", hex(&print)));
        texts.into_iter().filter_map(|(name, text)| Some((name, loggable(text?)))).chain(token).collect()
    }
}

fn print_of(token: &[u8]) -> Option<[u8; PRINT]> {
    hmac_sha256::Hash::hash(token).first_chunk().copied()
}

/// The digits that name a token where it must not be shown.
pub fn named(token: &[u8]) -> String {
    print_of(token).map(|print| hex(&print)).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The text with everything else percent-encoded, `%` too, and cut behind a whole character or escape.
fn loggable(text: &str) -> String {
    const ENCODED: percent_encoding::AsciiSet = percent_encoding::CONTROLS.add(b'%').add(b'"').add(b'\\');
    let mut shown = String::new();
    for part in percent_encoding::utf8_percent_encode(text, &ENCODED) {
        let room = MAX_PROPERTY - shown.len();
        if part.len() > room {
            // An escape is kept or dropped as a whole.
            shown.push_str(part.get(..room).filter(|_| !part.starts_with('%')).unwrap_or_default());
            break;
        }
        shown.push_str(part);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_log_line_could_stumble_over_is_encoded() {
        assert_eq!(loggable("José \"a\\b\" 100%\n"), "Jos%C3%A9 %22a%5Cb%22 100%25%0A");
        assert_eq!(loggable(&"a".repeat(300)), "a".repeat(256));
        assert_eq!(loggable(&format!("{}\n", "a".repeat(254))), "a".repeat(254));
        assert_eq!(loggable(&format!("{}\n", "a".repeat(253))), format!("{}%0A", "a".repeat(253)));
    }

    #[test]
    fn a_token_is_named_by_its_digest() {
        let mut about = About::default();
        about.set_token(b"abc");
        // SHA-256 of "abc" (FIPS 180-4) begins with ba7816bf 8f01cfea.
        assert_eq!(about.token.map(|print| hex(&print)).as_deref(), Some("ba7816bf8f01"));
    }

    proptest! {
        #[test]
        fn any_text_becomes_short_printable_ascii(text: String) {
            let shown = loggable(&text);
            prop_assert!(shown.len() <= MAX_PROPERTY);
            prop_assert!(shown.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\'));
            let decoded: Vec<u8> = percent_encoding::percent_decode_str(&shown).collect();
            prop_assert!(text.as_bytes().starts_with(&decoded));
        }
    }
}
