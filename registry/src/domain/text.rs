//! Texts as people and programs write them: their form, their length, and the words in them.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use unicode_normalization::UnicodeNormalization;

/// Longest title or name, in characters.
pub const MAX_TITLE: usize = 200;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 4000;
/// Longest reason, in characters.
pub const MAX_REASON: usize = 1000;

/// Bytes that become one character in NFC: at most four characters of four bytes. What has more for each character that
/// it may have need not be normalised, which takes its time.
const MAX_DECOMPOSED: usize = 16;

/// Whether a text may have line feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    One,
    Many,
}

/// `text` in NFC, when it then has so many characters and none of them is a control character.
///
/// # Errors
/// What is wrong with it.
pub fn checked(text: &str, lines: Lines, length: &RangeInclusive<usize>) -> Result<String, String> {
    let wrong_length = || match (length.start(), length.end()) {
        (0, most) => format!("must have at most {most} characters"),
        (least, most) => format!("must have {least} to {most} characters"),
    };
    if text.len() > length.end().saturating_mul(MAX_DECOMPOSED) {
        return Err(wrong_length());
    }
    let text: String = text.nfc().collect();
    let is_refused = |c: char| c.is_control() && !(c == '\n' && lines == Lines::Many);
    if text.chars().any(is_refused) {
        return Err("must not have control characters".to_owned());
    }
    if length.contains(&text.chars().count()) {
        return Ok(text);
    }
    Err(wrong_length())
}

/// Whether it has others show a text in another order than it has (Unicode, `Bidi_Control`).
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Lower case, so that words are found however they are written.
pub fn folded(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`: the identifier of an API.
pub fn is_api_id(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.len() <= 128 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(inner)
}

/// `scope-token` (RFC 6749, 3.3), of at most 256 bytes.
pub fn is_scope(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// An absolute URL of one of these schemes (RFC 3986), without user and fragment, of at most 2048 bytes.
pub fn is_url(text: &str, schemes: &[&str]) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    text.len() <= 2048
        && schemes.contains(&scheme)
        && !host.is_empty()
        && !authority.contains('@')
        && !text.contains('#')
        && text.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// What a URL must be that [`is_safe_url`] takes.
pub const SAFE_URL: &str = "must be an https URL, or an http one on a loopback host";

/// `https`, or `http` on a loopback host: where credentials may be sent.
pub fn is_safe_url(text: &str) -> bool {
    let is_here = || text.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(is_loopback));
    is_url(text, &["https"]) || (is_url(text, &["http"]) && is_here())
}

/// `localhost`, or an address of this machine; an IPv6 address may stand in brackets, as it does in URLs.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let is_address = || bare.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback());
    bare.eq_ignore_ascii_case("localhost") || is_address()
}

/// A duration as it was written: a whole number and one unit of `ms`, `s`, `m`, `h`, `d`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    text: String,
    duration: Duration,
}

impl Span {
    /// `None` for what is no duration.
    pub fn parse(text: &str) -> Option<Self> {
        let duration = tessera_core::config::duration::parse(text)?;
        Some(Self { text: text.to_owned(), duration })
    }

    pub fn seconds(seconds: u64) -> Self {
        Self { text: format!("{seconds}s"), duration: Duration::from_secs(seconds) }
    }

    pub fn days(days: u64) -> Self {
        Self { text: format!("{days}d"), duration: Duration::from_secs(days.saturating_mul(86_400)) }
    }

    pub fn duration(&self) -> Duration {
        self.duration
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a duration"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_normalised_before_it_is_measured() {
        let one = |text| checked(text, Lines::One, &(1..=2));
        assert_eq!(one("e\u{301}x").as_deref(), Ok("\u{e9}x"));
        for wrong in ["", "abc", "a\n", "\u{0}", "\u{7f}", "\u{85}"] {
            assert!(one(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(checked("a\n", Lines::Many, &(0..=2)).as_deref(), Ok("a\n"));
        assert!(checked("\r\n", Lines::Many, &(0..=2)).is_err());
        assert_eq!(folded("STRA\u{df}E \u{c9}"), folded("stra\u{df}e e\u{301}"));
    }

    #[test]
    fn what_is_too_long_is_not_normalised() {
        // U+1F82 is one character of four, in four bytes at most each.
        let four = "\u{3b1}\u{313}\u{300}\u{345}".repeat(200);
        assert_eq!(checked(&four, Lines::One, &(1..=200)).as_deref(), Ok("\u{1f82}".repeat(200).as_str()));
        let begun = std::time::Instant::now();
        assert!(checked(&"\u{301}".repeat(32 << 20), Lines::One, &(1..=200)).is_err());
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(checked(&"a".repeat(201), Lines::One, &(0..=200)).is_err());
    }

    #[test]
    fn identifiers_scopes_and_urls() {
        assert!(is_api_id("A.b_c-9") && is_api_id(&"a".repeat(128)));
        for wrong in ["", ".a", "-a", "a/b", "a b", "\u{e4}", &"a".repeat(129)] {
            assert!(!is_api_id(wrong), "{wrong}");
        }
        assert!(is_scope("orders:read") && !is_scope("") && !is_scope("a b") && !is_scope("a\"") && !is_scope("a\\"));
        let web = ["https", "http"];
        assert!(is_url("https://example.com/a?b", &web) && is_url("http://example.com", &web));
        for wrong in [
            "",
            "example.com",
            "javascript://a",
            "https://",
            "https:///a",
            "https://a b",
            "https://u@a",
            "https://:1",
            "https://a#b",
            "https://a\n",
            "HTTPS//a",
        ] {
            assert!(!is_url(wrong, &web), "{wrong}");
        }
        assert!(
            is_safe_url("https://a.example") && is_safe_url("http://127.0.0.1:80/") && is_safe_url("http://[::1]/")
        );
        assert!(!is_safe_url("http://a.example") && !is_safe_url("http://localhost.example"));
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_else_is() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "[::1]", "::1", "[::ffff:127.0.0.1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "[", "0.0.0.0", "[::]", "128.0.0.1", "127.1", "2130706433", "127.0.0.1.example", "localhost.a"]
        {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(is_safe_url("http://LOCALHOST:1/a") && is_safe_url("http://127.0.0.2") && !is_safe_url("http://[::]/"));
    }

    #[test]
    fn a_span_stays_as_it_was_written() {
        let span = Span::parse("60s").unwrap();
        assert_eq!((span.to_string().as_str(), span.duration()), ("60s", Duration::from_secs(60)));
        assert!(Span::parse("1.5s").is_none() && Span::parse("1").is_none());
    }
}
