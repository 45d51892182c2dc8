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

use std::rc::Rc;

use super::entry::{Remembered, end_of};
use super::lifetime::Lifetime;
use crate::base::fields::{is_header_name, is_header_value};
use crate::base::wire::{Malformed, Reader, put_list, put_text, put_time};
use crate::token::digest::Digest;
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

/// The head of an entry: whose it is and how long it lives, without its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHead<'a> {
    /// Whose entry it is.
    pub digest: &'a Digest,
    /// From when and until when it serves.
    pub lifetime: Lifetime,
    flags: u8,
}

impl<'a> EntryHead<'a> {
    /// Reads the head of `bytes`.
    ///
    /// # Errors
    /// [`Malformed`] when it is cut short, of another version, over [`MAX_ENTRY`], its times contradict each other, or
    /// more lies behind the head of an inactive token than the nothing that belongs there.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let head = Self::take(&mut reader)?;
        let whole = head.is_active() || reader.rest().is_empty();
        whole.then_some(head).ok_or(Malformed)
    }

    /// Whether the token is active.
    pub fn is_active(&self) -> bool {
        self.flags & ACTIVE != 0
    }

    fn take(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        if reader.rest().len() > MAX_ENTRY || reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let head = Self {
            digest: reader.array()?,
            lifetime: Lifetime { asked_at: reader.time()?, fresh_until: reader.time()?, stale_until: reader.time()? },
            flags: reader.u8()?,
        };
        let Lifetime { asked_at, fresh_until, stale_until } = head.lifetime;
        let ordered = asked_at <= fresh_until && fresh_until <= stale_until;
        ordered.then_some(head).ok_or(Malformed)
    }
}

/// `remembered` as bytes, under the digest of its token.
pub fn encode(remembered: &Remembered, digest: &Digest) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(VERSION);
    out.extend_from_slice(digest);
    let Lifetime { asked_at, fresh_until, stale_until } = remembered.lifetime;
    for time in [asked_at, fresh_until, stale_until] {
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
/// [`Malformed`] when the bytes are no entry of this version, or one that [`encode`] would not have written.
pub fn decode(bytes: &[u8], digest: &Digest) -> Result<Option<Remembered>, Malformed> {
    let mut reader = Reader::new(bytes);
    let head = EntryHead::take(&mut reader)?;
    if head.digest != digest {
        return Ok(None);
    }
    let state = match head.flags {
        0 => TokenState::Inactive,
        flags if flags & ACTIVE != 0 => TokenState::Active(Rc::new(facts(&mut reader, flags)?)),
        _ => return Err(Malformed),
    };
    // An answer that arrived past the token's end has no lifetime; it is told, not kept.
    if !reader.rest().is_empty() || head.lifetime.stale_until > end_of(&state).max(head.lifetime.asked_at) {
        return Err(Malformed);
    }
    Ok(Some(Remembered { state, lifetime: head.lifetime }))
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
        put_list(out, list, |out, text| put_text(out, text));
    }
    for list in [&facts.claims, &facts.said] {
        put_list(out, list, |out, (name, value)| {
            put_text(out, name);
            put_text(out, value);
        });
    }
}

fn facts(reader: &mut Reader<'_>, flags: u8) -> Result<Facts, Malformed> {
    let announced = |flag| flags & flag != 0;
    let traits = match announced(TRAITS) {
        true => reader.u8()?,
        false => 0,
    };
    // Some, where they are announced, and no unknown ones.
    if announced(TRAITS) != (1..=KEY_BOUND | OTHER_KIND).contains(&traits) {
        return Err(Malformed);
    }
    let facts = Facts {
        client_id: given(reader, announced(CLIENT_ID), text)?,
        subject: given(reader, announced(SUBJECT), text)?,
        username: given(reader, announced(USERNAME), text)?,
        issuer: given(reader, announced(ISSUER), text)?,
        expires_at: given(reader, announced(EXPIRES_AT), Reader::time)?,
        not_before: given(reader, announced(NOT_BEFORE), Reader::time)?,
        key_bound: traits & KEY_BOUND != 0,
        other_kind: traits & OTHER_KIND != 0,
        scope: reader.list(text)?,
        audience: reader.list(text)?,
        claims: reader.list(claim)?,
        said: reader.list(pair)?,
    };
    match &facts.client_id {
        Some(client_id) if client_id.is_empty() => Err(Malformed),
        _ => Ok(facts),
    }
}

fn given<'a, T>(
    reader: &mut Reader<'a>,
    announced: bool,
    read: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    announced.then(|| read(reader)).transpose()
}

fn text(reader: &mut Reader<'_>) -> Result<Box<str>, Malformed> {
    reader.text().map(Into::into)
}

fn pair(reader: &mut Reader<'_>) -> Result<(Box<str>, Box<str>), Malformed> {
    Ok((text(reader)?, text(reader)?))
}

/// What becomes a header without being looked at again.
fn claim(reader: &mut Reader<'_>) -> Result<(Box<str>, Box<str>), Malformed> {
    let (name, value) = pair(reader)?;
    let legal = (name.starts_with('/') || is_header_name(&name)) && is_header_value(&value);
    legal.then_some((name, value)).ok_or(Malformed)
}

#[cfg(test)]
mod tests;
