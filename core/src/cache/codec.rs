//! The encoding of an entry in shared data: compact, versioned, and untrusted when read.
//!
//! ```text
//! version u8 · digest 32 bytes · asked_at, fresh_until, stale_until: time · flags u8
//! then, for an active token, its facts
//! ```
//! Values as [`crate::base::wire`] writes them.

mod facts;

use std::rc::Rc;

use super::entry::{Remembered, end_of};
use super::lifetime::Lifetime;
use crate::base::wire::{Malformed, Reader, put_time};
use crate::token::digest::Digest;
use crate::token::facts::TokenState;

/// Largest encoded entry; a larger one is neither stored nor read.
pub const MAX_ENTRY: usize = 8 * 1024;

/// Changes with the layout, and with the meaning of any field. Never 0.
pub(super) const VERSION: u8 = 6;

const ACTIVE: u8 = 1;

/// The head of an entry: whose it is and how long it lives, without its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHead<'a> {
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
    /// anything follows the head of an inactive token.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let head = Self::take(&mut reader)?;
        let whole = head.is_active() || reader.rest().is_empty();
        whole.then_some(head).ok_or(Malformed)
    }

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
        TokenState::Active(facts) => facts::put(&mut out, ACTIVE, facts),
    }
    out
}

/// The entry in `bytes`, or `None` when it belongs to another token.
///
/// # Errors
/// [`Malformed`] when the bytes are not an entry of this version, or one that [`encode`] would not have written.
pub fn decode(bytes: &[u8], digest: &Digest) -> Result<Option<Remembered>, Malformed> {
    let mut reader = Reader::new(bytes);
    let head = EntryHead::take(&mut reader)?;
    if head.digest != digest {
        return Ok(None);
    }
    let state = match head.flags {
        0 => TokenState::Inactive,
        flags if flags & ACTIVE != 0 => TokenState::Active(Rc::new(facts::read(&mut reader, flags)?)),
        _ => return Err(Malformed),
    };
    // An answer that arrived after the token's expiry has no lifetime; it is passed on, not stored.
    if !reader.rest().is_empty() || head.lifetime.stale_until > end_of(&state).max(head.lifetime.asked_at) {
        return Err(Malformed);
    }
    Ok(Some(Remembered { state, lifetime: head.lifetime }))
}

#[cfg(test)]
mod tests;
