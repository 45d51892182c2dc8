//! An entry as bytes in shared data: compact, versioned, and untrusted when read.
//!
//! ```text
//! version u8 · digest 32 bytes · asked_at u64 · fresh_until u64 · stale_until u64 · flags u8
//! then, for an active token, what the flags announce, in this order:
//!   traits u8 (never 0)
//!   client_id, subject, username, issuer: text   expires_at, not_before: u64
//! and always: scope, audience: list of text   claims, said: list of (text, text)
//! ```
//! Numbers are little-endian, times in milliseconds since the Unix epoch; a text is its length and its UTF-8 bytes, a
//! list is its length and its elements; lengths are LEB128.

use std::fmt;

use std::rc::Rc;

use super::digest::Digest;
use super::entry::Remembered;
use super::ttl::{Lifetime, end_of};
use crate::base::http::{is_header_name, is_header_value};
use crate::base::time::Timestamp;
use crate::token::facts::{Facts, TokenState};

/// Largest encoded entry; a larger one is neither stored nor read.
pub const MAX_ENTRY: usize = 8 * 1024;

/// Changes with the layout and with the meaning of any field. Never 0.
pub(super) const VERSION: u8 = 4;

const ACTIVE: u8 = 1;
const CLIENT_ID: u8 = 1 << 1;
const SUBJECT: u8 = 1 << 2;
const USERNAME: u8 = 1 << 3;
const ISSUER: u8 = 1 << 4;
const EXPIRES_AT: u8 = 1 << 5;
const NOT_BEFORE: u8 = 1 << 6;
const TRAITS: u8 = 1 << 7;

const KEY_BOUND: u8 = 1;
const OTHER_KIND: u8 = 1 << 1;

/// Bytes that are no entry of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stored bytes are no cache entry of this version")
    }
}

/// The head of an entry: whose it is and how long it lives, without its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Whose entry it is.
    pub digest: &'a Digest,
    /// See [`Remembered::asked_at`].
    pub asked_at: Timestamp,
    /// Until when it serves.
    pub lifetime: Lifetime,
    flags: u8,
}

impl<'a> Head<'a> {
    /// Reads the head of `bytes`.
    ///
    /// # Errors
    /// [`Corrupt`] when it is cut short, of another version, over [`MAX_ENTRY`], its times contradict each other, or
    /// more lies behind the head of an inactive token than the nothing that belongs there.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let mut reader = Reader(bytes);
        let head = Self::take(&mut reader)?;
        let whole = head.is_active() || reader.0.is_empty();
        whole.then_some(head).ok_or(Corrupt)
    }

    /// Whether the token is active.
    pub fn is_active(&self) -> bool {
        self.flags & ACTIVE != 0
    }

    fn take(reader: &mut Reader<'a>) -> Result<Self, Corrupt> {
        if reader.0.len() > MAX_ENTRY || reader.byte()? != VERSION {
            return Err(Corrupt);
        }
        let head = Self {
            digest: reader.array()?,
            asked_at: reader.time()?,
            lifetime: Lifetime { fresh_until: reader.time()?, stale_until: reader.time()? },
            flags: reader.byte()?,
        };
        let Lifetime { fresh_until, stale_until } = head.lifetime;
        let ordered = head.asked_at <= fresh_until && fresh_until <= stale_until;
        ordered.then_some(head).ok_or(Corrupt)
    }
}

/// `remembered` as bytes, under the digest of its token.
pub fn encode(remembered: &Remembered, digest: &Digest) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(VERSION);
    out.extend_from_slice(digest);
    for time in [remembered.asked_at, remembered.fresh_until, remembered.stale_until] {
        put_time(&mut out, time);
    }
    match &remembered.state {
        TokenState::Inactive => out.push(0),
        TokenState::Active(facts) => put_facts(&mut out, facts),
    }
    out
}

/// The entry in `bytes`, or `None` when it belongs to another token.
///
/// # Errors
/// [`Corrupt`] when the bytes are no entry of this version, or one that [`encode`] would not have written.
pub fn decode(bytes: &[u8], digest: &Digest) -> Result<Option<Remembered>, Corrupt> {
    let mut reader = Reader(bytes);
    let head = Head::take(&mut reader)?;
    if head.digest != digest {
        return Ok(None);
    }
    let state = match head.flags {
        0 => TokenState::Inactive,
        flags if flags & ACTIVE != 0 => TokenState::Active(Rc::new(reader.facts(flags)?)),
        _ => return Err(Corrupt),
    };
    // An answer that arrived past the token's end has no lifetime; it is told, not kept.
    if !reader.0.is_empty() || head.lifetime.stale_until > end_of(&state).max(head.asked_at) {
        return Err(Corrupt);
    }
    Ok(Some(Remembered::new(state, head.asked_at, head.lifetime)))
}

fn put_facts(out: &mut Vec<u8>, facts: &Facts) {
    let texts = [
        (CLIENT_ID, &facts.client_id),
        (SUBJECT, &facts.subject),
        (USERNAME, &facts.username),
        (ISSUER, &facts.issuer),
    ];
    let times = [(EXPIRES_AT, facts.expires_at), (NOT_BEFORE, facts.not_before)];
    let mut flags = ACTIVE;
    let traits = if facts.key_bound { KEY_BOUND } else { 0 } | if facts.other_kind { OTHER_KIND } else { 0 };
    flags |= if traits != 0 { TRAITS } else { 0 };
    for (flag, text) in texts {
        flags |= if text.is_some() { flag } else { 0 };
    }
    for (flag, time) in times {
        flags |= if time.is_some() { flag } else { 0 };
    }
    out.push(flags);
    if traits != 0 {
        out.push(traits);
    }
    for text in texts.into_iter().filter_map(|(_, text)| text.as_ref()) {
        put_text(out, text);
    }
    for time in times.into_iter().filter_map(|(_, time)| time) {
        put_time(out, time);
    }
    for list in [&facts.scope, &facts.audience] {
        put_length(out, list.len());
        for text in list {
            put_text(out, text);
        }
    }
    for list in [&facts.claims, &facts.said] {
        put_length(out, list.len());
        for (name, value) in list {
            put_text(out, name);
            put_text(out, value);
        }
    }
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&time.as_millis().to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Appends `length` as LEB128.
pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    let mut rest = length;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Bytes still to be read. What it allocates is bounded by what is really there, whatever a length claims.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn facts(&mut self, flags: u8) -> Result<Facts, Corrupt> {
        let announced = |flag| flags & flag != 0;
        let traits = match announced(TRAITS) {
            true => self.byte()?,
            false => 0,
        };
        // Some, where they are announced, and no unknown ones.
        if announced(TRAITS) != (1..=KEY_BOUND | OTHER_KIND).contains(&traits) {
            return Err(Corrupt);
        }
        let facts = Facts {
            client_id: self.given(announced(CLIENT_ID), Self::text)?,
            subject: self.given(announced(SUBJECT), Self::text)?,
            username: self.given(announced(USERNAME), Self::text)?,
            issuer: self.given(announced(ISSUER), Self::text)?,
            expires_at: self.given(announced(EXPIRES_AT), Self::time)?,
            not_before: self.given(announced(NOT_BEFORE), Self::time)?,
            key_bound: traits & KEY_BOUND != 0,
            other_kind: traits & OTHER_KIND != 0,
            scope: self.list(Self::text)?,
            audience: self.list(Self::text)?,
            claims: self.list(Self::claim)?,
            said: self.list(Self::pair)?,
        };
        match &facts.client_id {
            Some(client_id) if client_id.is_empty() => Err(Corrupt),
            _ => Ok(facts),
        }
    }

    /// What becomes a header without being looked at again.
    fn claim(&mut self) -> Result<(Box<str>, Box<str>), Corrupt> {
        let (name, value) = (self.text()?, self.text()?);
        let legal = (name.starts_with('/') || is_header_name(&name)) && is_header_value(&value);
        legal.then_some((name, value)).ok_or(Corrupt)
    }

    fn given<T>(
        &mut self,
        announced: bool,
        read: impl Fn(&mut Self) -> Result<T, Corrupt>,
    ) -> Result<Option<T>, Corrupt> {
        announced.then(|| read(self)).transpose()
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, Corrupt>) -> Result<Vec<T>, Corrupt> {
        let length = self.length()?;
        // Each element takes a byte at least, so a longer list is a lie.
        if length > self.0.len() {
            return Err(Corrupt);
        }
        (0..length).map(|_| read(self)).collect()
    }

    fn pair(&mut self) -> Result<(Box<str>, Box<str>), Corrupt> {
        Ok((self.text()?, self.text()?))
    }

    fn text(&mut self) -> Result<Box<str>, Corrupt> {
        let bytes = self.sized()?;
        std::str::from_utf8(bytes).map(Into::into).map_err(|_| Corrupt)
    }

    fn time(&mut self) -> Result<Timestamp, Corrupt> {
        let bytes = self.array()?;
        Ok(Timestamp::from_millis(u64::from_le_bytes(*bytes)))
    }

    /// A length and that many bytes.
    pub(super) fn sized(&mut self) -> Result<&'a [u8], Corrupt> {
        let length = self.length()?;
        self.bytes(length)
    }

    /// LEB128 of at most three bytes, no longer than it has to be: no length here exceeds 2 MiB.
    fn length(&mut self) -> Result<usize, Corrupt> {
        let mut length = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return if byte == 0 && shift > 0 { Err(Corrupt) } else { Ok(length) };
            }
        }
        Err(Corrupt)
    }

    fn byte(&mut self) -> Result<u8, Corrupt> {
        self.array().map(|[byte]| *byte)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Corrupt> {
        let (found, rest) = self.0.split_first_chunk::<N>().ok_or(Corrupt)?;
        self.0 = rest;
        Ok(found)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Corrupt> {
        let (found, rest) = self.0.split_at_checked(length).ok_or(Corrupt)?;
        self.0 = rest;
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
