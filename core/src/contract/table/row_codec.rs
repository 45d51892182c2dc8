//! The encoding of the rows of one bucket.
//!
//! Each row is a length and then: a byte of status and presence bits, api, client id, and what is present of
//! provider, tier, name, start and end. An empty provider is that of a denial about every one.

use crate::base::time::Timestamp;
use crate::base::wire::{Malformed, Reader, put_bytes, put_text, put_varint};
use crate::contract::contract::{Contract, Status};
use crate::contract::identity::IdentityRef;
use crate::contract::row::Row;

const STATUS: u8 = 0b0000_0111;
const PROVIDER: u8 = 0b0000_1000;
const TIER: u8 = 0b0001_0000;
const NAME: u8 = 0b0010_0000;
const NOT_BEFORE: u8 = 0b0100_0000;
const EXPIRES_AT: u8 = 0b1000_0000;

/// One row of a bucket, not yet read to its end.
pub(crate) struct StoredRow<'a> {
    /// Where it begins, its length included.
    pub start: usize,
    pub end: usize,
    pub identity: IdentityRef<'a>,
    flags: u8,
    rest: Reader<'a>,
}

impl StoredRow<'_> {
    /// What was agreed.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes do not say.
    pub(crate) fn contract(mut self) -> Result<Contract, Malformed> {
        let rest = &mut self.rest;
        let has = |flag| self.flags & flag != 0;
        Ok(Contract {
            status: status(self.flags & STATUS).ok_or(Malformed)?,
            tier: if has(TIER) { Some(rest.text()?.into()) } else { None },
            name: if has(NAME) { Some(rest.text()?.into()) } else { None },
            not_before: if has(NOT_BEFORE) { Some(Timestamp::from_millis(rest.varint()?)) } else { None },
            expires_at: if has(EXPIRES_AT) { Some(Timestamp::from_millis(rest.varint()?)) } else { None },
        })
    }
}

/// The rows of a bucket in order. An item is an error, and the last, when the bytes are not a row.
pub(crate) fn rows(bytes: &[u8]) -> Rows<'_> {
    Rows { all: bytes.len(), rest: Reader::new(bytes) }
}

/// See [`rows`].
pub(crate) struct Rows<'a> {
    all: usize,
    rest: Reader<'a>,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<StoredRow<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.rest().is_empty() {
            return None;
        }
        let row = self.row();
        if row.is_err() {
            self.rest = Reader::new(&[]);
        }
        Some(row)
    }
}

impl<'a> Rows<'a> {
    fn row(&mut self) -> Result<StoredRow<'a>, Malformed> {
        let start = self.all - self.rest.rest().len();
        let mut rest = Reader::new(self.rest.bytes()?);
        let flags = rest.u8()?;
        let api = rest.text()?;
        let client_id = rest.text()?;
        let provider = if flags & PROVIDER != 0 { Some(rest.text()?) } else { None };
        let end = self.all - self.rest.rest().len();
        Ok(StoredRow { start, end, identity: IdentityRef { api, provider, client_id }, flags, rest })
    }
}

pub(crate) fn encode(row: &Row) -> Vec<u8> {
    let (identity, contract) = (&row.identity, &row.contract);
    let flag = |present: bool, flag: u8| if present { flag } else { 0 };
    let flags = status_code(contract.status)
        | flag(identity.provider.is_some(), PROVIDER)
        | flag(contract.tier.is_some(), TIER)
        | flag(contract.name.is_some(), NAME)
        | flag(contract.not_before.is_some(), NOT_BEFORE)
        | flag(contract.expires_at.is_some(), EXPIRES_AT);
    let mut body = Vec::with_capacity(96);
    body.push(flags);
    put_text(&mut body, &identity.api);
    put_text(&mut body, &identity.client_id);
    for text in [&identity.provider, &contract.tier, &contract.name].into_iter().flatten() {
        put_text(&mut body, text);
    }
    for date in [contract.not_before, contract.expires_at].into_iter().flatten() {
        put_varint(&mut body, date.as_millis());
    }
    let mut bytes = Vec::with_capacity(body.len() + 2);
    put_bytes(&mut bytes, &body);
    bytes
}

fn status_code(status: Status) -> u8 {
    match status {
        Status::Active => 1,
        Status::Pending => 2,
        Status::Suspended => 3,
        Status::Revoked => 4,
        Status::Unknown => 5,
    }
}

pub(super) fn status(code: u8) -> Option<Status> {
    Some(match code {
        1 => Status::Active,
        2 => Status::Pending,
        3 => Status::Suspended,
        4 => Status::Revoked,
        5 => Status::Unknown,
        _ => return None,
    })
}
