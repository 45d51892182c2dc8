//! What a server says, without the secrets that it may repeat.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::domain::text::is_bidi_control;

/// So many bytes in a row of a secret are enough to know it by; of a shorter one, all.
const KNOWN_BY: usize = 8;
/// Longest text that is looked at, in characters, and the longest that is shown.
const MOST_READ: usize = 2000;
const MOST_SHOWN: usize = 500;
/// Encodings within encodings.
const DEPTH: usize = 3;
const IN_ITS_PLACE: &str = "[withheld]";

/// The secrets of a call. Texts in which one of them stands are shown without it: as it is, in base64 at any alignment,
/// in hexadecimal digits; what has one behind another encoding (percent, JSON) is not shown at all.
#[derive(Default)]
pub struct Secrets {
    pieces: HashSet<Vec<u8>>,
    /// How long they are, the longest first.
    lengths: Vec<usize>,
    whole: Vec<String>,
    /// Texts that were sent in the clear: whoever repeats one tells nothing, whatever secret has a part of it.
    sent: HashSet<String>,
}

impl Secrets {
    /// Of a call that sends this value.
    pub fn beside(sent: &Value) -> Self {
        let mut secrets = Self::default();
        secrets.note_sent(sent);
        secrets
    }

    fn note_sent(&mut self, sent: &Value) {
        match sent {
            Value::String(text) => {
                self.sent.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| self.note_sent(item)),
            Value::Object(members) => {
                self.sent.extend(members.keys().cloned());
                members.values().for_each(|value| self.note_sent(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    pub fn add(&mut self, secret: &SecretString) {
        self.add_text(secret.expose_secret());
    }

    pub fn add_text(&mut self, secret: &str) {
        let secret = secret.trim();
        self.whole.push(secret.to_owned());
        let secret = secret.as_bytes();
        self.add_form(secret);
        for digits in [hex(secret), hex(secret).to_ascii_uppercase()] {
            self.add_form(digits.as_bytes());
        }
        for before in 0..3 {
            // Behind bytes that are not known, and before others: what is whole between them.
            let shifted = [vec![0; before], secret.to_vec()].concat();
            let whole = shifted.len() / 3 * 4;
            let from = if before == 0 { 0 } else { 4 };
            for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                let inner = encoded.get(from..whole).unwrap_or_default().as_bytes();
                if inner.len() >= KNOWN_BY {
                    self.add_form(inner);
                }
            }
        }
    }

    fn add_form(&mut self, form: &[u8]) {
        let length = form.len().min(KNOWN_BY);
        if length == 0 {
            return;
        }
        self.pieces.extend(form.windows(length).map(<[u8]>::to_vec));
        self.lengths.push(length);
        self.lengths.sort_by(|one, other| other.cmp(one));
        self.lengths.dedup();
    }

    /// A text of a server within bounds: one line, without secrets. `None` where nothing is left.
    pub fn shown(&self, text: &str) -> Option<String> {
        let is_plain = |c: &char| !c.is_control() && !is_bidi_control(*c);
        let text: String = text.chars().filter(is_plain).take(MOST_READ).collect();
        let shown = if self.hides(&text, DEPTH) { IN_ITS_PLACE.to_owned() } else { self.without(&text) };
        let shown: String = shown.trim().chars().take(MOST_SHOWN).collect();
        (!shown.is_empty()).then_some(shown)
    }

    /// Whether a text has a whole secret in it. A short one may be a word.
    pub fn repeats(&self, text: &str) -> bool {
        self.whole.iter().any(|secret| secret.len() >= KNOWN_BY && text.contains(secret.as_str()))
    }

    /// A value without the texts in which a secret stands, and without the members whose names have one in them. Short
    /// ones do not count: they are words that metadata have, too. Nor do texts that were sent in the clear.
    pub fn cleaned(&self, value: Value) -> Value {
        let lengths = self.lengths.iter().copied().filter(|length| *length == KNOWN_BY).collect();
        Self { pieces: self.pieces.clone(), lengths, whole: Vec::new(), sent: self.sent.clone() }.without_known(value)
    }

    fn without_known(&self, value: Value) -> Value {
        match value {
            Value::String(text) if self.is_told(&text) => Value::String(IN_ITS_PLACE.to_owned()),
            Value::Array(items) => items.into_iter().map(|item| self.without_known(item)).collect(),
            Value::Object(members) => {
                let members = members.into_iter().filter(|(name, _)| !self.is_told(name));
                members.map(|(name, value)| (name, self.without_known(value))).collect()
            }
            other => other,
        }
    }

    fn is_told(&self, text: &str) -> bool {
        !self.sent.contains(text) && self.knows(text)
    }

    /// Whether a secret stands in it, in the clear or not.
    pub fn knows(&self, text: &str) -> bool {
        self.has(text) || self.hides(text, DEPTH)
    }

    fn has(&self, text: &str) -> bool {
        self.next(text.as_bytes(), 0).is_some()
    }

    /// Whether there is one behind an encoding.
    fn hides(&self, text: &str, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        [unquoted(text), unquoted(&text.replace('+', " ")), unescaped(text)]
            .into_iter()
            .any(|decoded| decoded != text && (self.has(&decoded) || self.hides(&decoded, depth)))
    }

    /// Where the next piece of a secret begins and ends.
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        (from..text.len()).find_map(|start| {
            let mut ends = self.lengths.iter().map(|length| start.saturating_add(*length));
            let is_known = |end: &usize| text.get(start..*end).is_some_and(|piece| self.pieces.contains(piece));
            ends.find(is_known).map(|end| (start, end))
        })
    }

    fn without(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let (mut kept, mut at) = (Vec::new(), 0);
        while let Some((start, mut end)) = self.next(bytes, at) {
            kept.extend_from_slice(bytes.get(at..start).unwrap_or_default());
            kept.extend_from_slice(IN_ITS_PLACE.as_bytes());
            let mut next = start.saturating_add(1);
            while let Some((another, its_end)) = self.next(bytes, next).filter(|(another, _)| *another <= end) {
                (end, next) = (end.max(its_end), another.saturating_add(1));
            }
            at = end;
        }
        kept.extend_from_slice(bytes.get(at..).unwrap_or_default());
        String::from_utf8_lossy(&kept).into_owned()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Without percent-encoding (RFC 3986, 2.1).
fn unquoted(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Without the escapes of JSON (RFC 8259, 7).
fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let digits = after.strip_prefix('u').and_then(|digits| digits.get(..4));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        rest = match (code, after.chars().next()) {
            (Some(c), _) => {
                plain.push(c);
                after.get(5..).unwrap_or_default()
            }
            (None, Some(c)) => {
                plain.push(c);
                after.get(c.len_utf8()..).unwrap_or_default()
            }
            (None, None) => "",
        };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;
    use serde_json::json;

    const SECRET: &str = "S3cret/+ value\"with\\all~of-it";

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(&SECRET.into());
        secrets
    }

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    fn escaped(text: &str) -> String {
        text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect()
    }

    #[test]
    fn a_secret_is_not_shown_in_any_form() {
        let secrets = secrets();
        let form = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>();
        let json = json!(SECRET).to_string();
        for form in [
            SECRET.to_owned(),
            SECRET[..12].to_owned(),
            percent(SECRET),
            percent(SECRET).to_lowercase(),
            percent(&percent(SECRET)),
            form,
            json.clone(),
            json!(json).to_string(),
            escaped(SECRET),
            STANDARD.encode(SECRET),
            URL_SAFE.encode(SECRET),
            STANDARD.encode(format!("a{SECRET}")),
            STANDARD.encode(format!("ab:{SECRET}!")),
            percent(&STANDARD.encode(SECRET)),
            hex(SECRET.as_bytes()),
        ] {
            let shown = secrets.shown(&format!("bad token {form} was sent")).unwrap();
            assert!(shown.contains(IN_ITS_PLACE), "{form}: {shown}");
            for piece in [SECRET, &SECRET[..8], &form[..12], &form[form.len() - 12..]] {
                assert!(!shown.contains(piece), "{form}: {shown}");
            }
            assert!(secrets.knows(&form), "{form}");
        }
        let mut plain = Secrets::default();
        plain.add_text("a-plain.secret");
        let said = "it is a-plain.secret, twice a-plain.secret.";
        assert_eq!(plain.shown(said).unwrap(), "it is [withheld], twice [withheld].");
    }

    #[test]
    fn what_is_shown_is_one_line_within_bounds() {
        let secrets = secrets();
        assert_eq!(secrets.shown("a\r\nb\u{202e}c\u{0}").as_deref(), Some("abc"));
        assert_eq!(secrets.shown(&"\u{e4}".repeat(100_000)).unwrap().chars().count(), 500);
        assert_eq!((secrets.shown(" \n"), secrets.shown("")), (None, None));
        let said = "100% of \\ it, %zz \\u00zz";
        assert_eq!(secrets.shown(said).as_deref(), Some(said));
        let mut short = Secrets::default();
        short.add(&"abc".into());
        assert_eq!(short.shown("xabcx").as_deref(), Some("x[withheld]x"));
    }

    #[test]
    fn values_are_cleaned() {
        let members =
            json!({"a": [SECRET, {"b": format!("x{SECRET}")}], SECRET: 1, "c": "plain", "d": percent(SECRET)});
        let cleaned = secrets().cleaned(members);
        let mut short = Secrets::default();
        short.add_text("client");
        assert_eq!(short.cleaned(json!(["client_credentials"])), json!(["client_credentials"]));
        assert!(
            secrets().repeats(&format!("x{SECRET}")) && !secrets().repeats(&SECRET[1..]) && !short.repeats("client")
        );
        let mut worded = Secrets::beside(&json!({"grant_types": ["client_credentials"], "scope": "a b"}));
        worded.add_text("client_credentials of grant_types: a b c");
        let answer = json!({"grant_types": ["client_credentials", "client_credentials of"], "of grant_types": 1});
        assert_eq!(worded.cleaned(answer), json!({"grant_types": ["client_credentials", IN_ITS_PLACE]}));
        assert_eq!(cleaned, json!({"a": [IN_ITS_PLACE, {"b": IN_ITS_PLACE}], "c": "plain", "d": IN_ITS_PLACE}));
    }

    proptest! {
        #[test]
        fn whatever_stands_around_a_secret_it_is_not_shown(
            secret in "[ -~]{8,40}", before in ".{0,20}", after in ".{0,20}", form in 0..4,
        ) {
            let secret = secret.trim();
            prop_assume!(secret.len() >= 8);
            let mut secrets = Secrets::default();
            secrets.add_text(secret);
            let form = match form {
                0 => secret.to_owned(),
                1 => percent(secret),
                2 => escaped(secret),
                _ => json!(secret).to_string(),
            };
            let shown = secrets.shown(&format!("{before}{form}{after}")).unwrap_or_default();
            prop_assert!(!shown.contains(secret) && !shown.contains(&form), "{shown}");
        }

        #[test]
        fn no_text_is_too_much(text in ".{0,200}") {
            let shown = secrets().shown(&text).unwrap_or_default();
            prop_assert!(shown.chars().count() <= MOST_SHOWN);
        }
    }
}
