//! The encoding of an active token's facts.
//!
//! ```text
//! flags u8, and what they announce, in this order:
//!   traits u8 (never 0), and of a bound token: thumbprints of its key and its certificate, 32 bytes each; of a signed
//!   answer: the thumbprint of its key, 32 bytes, and the answer itself: text
//!   client_id, subject, username, issuer: text   expires_at, not_before: time
//! and always: scope, audience: list of text   claims, said: list of (text, text)
//! ```

use crate::base::fields::{is_header_name, is_header_value};
use crate::base::wire::{Malformed, Reader, put_list, put_text, put_time};
use crate::token::confirmation::Confirmation;
use crate::token::facts::Facts;

// The lowest bit belongs to the entry.
const CLIENT_ID: u8 = 1 << 1;
const SUBJECT: u8 = 1 << 2;
const USERNAME: u8 = 1 << 3;
const ISSUER: u8 = 1 << 4;
const EXPIRES_AT: u8 = 1 << 5;
const NOT_BEFORE: u8 = 1 << 6;
const TRAITS: u8 = 1 << 7;

const OTHER_KIND: u8 = 1;
const UNPROVABLE: u8 = 1 << 1;
const KEY: u8 = 1 << 2;
const CERTIFICATE: u8 = 1 << 3;
const INTROSPECTION_JWT: u8 = 1 << 4;
const SIGNED: u8 = 1 << 5;

/// Appends the flags, those of the entry itself among them, and the facts.
pub(super) fn put(out: &mut Vec<u8>, entry_flags: u8, facts: &Facts) {
    let texts = [
        (CLIENT_ID, &facts.client_id),
        (SUBJECT, &facts.subject),
        (USERNAME, &facts.username),
        (ISSUER, &facts.issuer),
    ];
    let times = [(EXPIRES_AT, facts.expires_at), (NOT_BEFORE, facts.not_before)];
    let mut flags = entry_flags;
    let (key, certificate, unprovable) = match facts.confirmation.as_deref() {
        None => (None, None, false),
        // What names nothing must not be read back as bound to nothing.
        Some(Confirmation::Unprovable | Confirmation::Of { key: None, certificate: None }) => (None, None, true),
        Some(Confirmation::Of { key, certificate }) => (key.as_ref(), certificate.as_ref(), false),
    };
    let (signer, jwt) = (facts.signed_by.as_deref(), &facts.introspection_jwt);
    let traits = [facts.other_kind, unprovable, key.is_some(), certificate.is_some(), jwt.is_some(), signer.is_some()];
    let traits = traits.into_iter().rev().fold(0, |traits, has| traits << 1 | u8::from(has));
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
    for thumbprint in [key, certificate, signer].into_iter().flatten() {
        out.extend_from_slice(thumbprint);
    }
    if let Some(jwt) = jwt {
        put_text(out, jwt);
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

/// Reads the facts that come after these flags.
pub(super) fn read(reader: &mut Reader<'_>, flags: u8) -> Result<Facts, Malformed> {
    let announced = |flag| flags & flag != 0;
    let traits = match announced(TRAITS) {
        true => reader.u8()?,
        false => 0,
    };
    // Some, where they are announced, and no unknown ones.
    const ALL: u8 = OTHER_KIND | UNPROVABLE | KEY | CERTIFICATE | INTROSPECTION_JWT | SIGNED;
    if announced(TRAITS) != (1..=ALL).contains(&traits) {
        return Err(Malformed);
    }
    let confirmation = confirmation(reader, traits)?;
    let signed_by = given(reader, traits & SIGNED != 0, |reader| reader.array().copied().map(Box::new))?;
    let introspection_jwt = given(reader, traits & INTROSPECTION_JWT != 0, text)?;
    let facts = Facts {
        client_id: given(reader, announced(CLIENT_ID), text)?,
        subject: given(reader, announced(SUBJECT), text)?,
        username: given(reader, announced(USERNAME), text)?,
        issuer: given(reader, announced(ISSUER), text)?,
        expires_at: given(reader, announced(EXPIRES_AT), Reader::time)?,
        not_before: given(reader, announced(NOT_BEFORE), Reader::time)?,
        confirmation,
        introspection_jwt,
        signed_by,
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

fn confirmation(reader: &mut Reader<'_>, traits: u8) -> Result<Option<Box<Confirmation>>, Malformed> {
    let is_of = |what| traits & what != 0;
    let key = given(reader, is_of(KEY), |reader| reader.array().copied())?;
    let certificate = given(reader, is_of(CERTIFICATE), |reader| reader.array().copied())?;
    match (is_of(UNPROVABLE), key.is_some() || certificate.is_some()) {
        (false, false) => Ok(None),
        (false, true) => Ok(Some(Box::new(Confirmation::Of { key, certificate }))),
        (true, false) => Ok(Some(Box::new(Confirmation::Unprovable))),
        (true, true) => Err(Malformed),
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
