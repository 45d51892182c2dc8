//! One contract of a document: who it is for and what was agreed.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::base::time::Timestamp;
use crate::contract::terms::{Contract, Status};

/// Longest accepted `api`, `provider` and `tier`, in bytes.
pub const MAX_SHORT_TEXT: usize = 256;
/// Longest accepted `client_id` and `name`, in bytes.
pub const MAX_LONG_TEXT: usize = 1024;

/// What a contract is found by. Never holds an empty text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The API.
    pub api: Box<str>,
    /// The provider its tokens must come from; any when absent.
    pub provider: Option<Box<str>>,
    /// The client application.
    pub client_id: Box<str>,
}

/// A contract and whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whom it is for.
    pub identity: Identity,
    /// What was agreed.
    pub contract: Contract,
}

/// Why a contract cannot be read. Never quotes the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The member at fault; empty for the whole.
    pub member: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.member.is_empty() { f.write_str(self.reason) } else { write!(f, "{}: {}", self.member, self.reason) }
    }
}

impl std::error::Error for RowError {}

/// What one element of a `contracts` or `changes` array says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// This contract holds.
    Holds(Row),
    /// `"status": "removed"`: the contract is gone. Means so in `changes` only.
    Removed(Identity),
    /// The contract cannot be read; whom it is for may be known all the same.
    Unreadable(Option<Identity>, RowError),
}

impl Row {
    /// Reads one contract from a JSON object. Members that are not known are ignored.
    ///
    /// # Errors
    /// [`RowError`] when `api` or `client_id` is missing or empty, a member has the wrong type or is too long, or
    /// a date is not in the format of RFC 3339.
    pub fn from_json(json: &[u8]) -> Result<Self, RowError> {
        match serde_json::from_slice::<RawRow<'_>>(json) {
            Ok(raw) => raw.row(),
            Err(_) => Err(NOT_A_CONTRACT),
        }
    }
}

/// What an array element is that is no object, or one with a member twice.
pub const NOT_A_CONTRACT: RowError = RowError { member: "", reason: "not an object with each member once" };

/// The members of a contract as they came.
#[derive(Default)]
pub struct RawRow<'a> {
    api: Member<'a>,
    provider: Member<'a>,
    client_id: Member<'a>,
    status: Member<'a>,
    tier: Member<'a>,
    name: Member<'a>,
    not_before: Member<'a>,
    expires_at: Member<'a>,
}

impl RawRow<'_> {
    /// Reads it as an element of a document.
    pub fn entry(self) -> Entry {
        let removed = matches!(&self.status, Member::Text(word) if word == "removed");
        let identity = match self.identity() {
            Ok(identity) => identity,
            Err(error) => return Entry::Unreadable(None, error),
        };
        if removed {
            return Entry::Removed(identity);
        }
        match self.contract() {
            Ok(contract) => Entry::Holds(Row { identity, contract }),
            Err(error) => Entry::Unreadable(Some(identity), error),
        }
    }

    fn row(self) -> Result<Row, RowError> {
        Ok(Row { identity: self.identity()?, contract: self.contract()? })
    }

    fn identity(&self) -> Result<Identity, RowError> {
        Ok(Identity {
            api: self.api.required("api", MAX_SHORT_TEXT)?,
            provider: match self.provider.optional("provider", MAX_SHORT_TEXT)? {
                Some(provider) if provider.is_empty() => return Err(error("provider", "is empty")),
                provider => provider,
            },
            client_id: self.client_id.required("client_id", MAX_LONG_TEXT)?,
        })
    }

    fn contract(&self) -> Result<Contract, RowError> {
        Ok(Contract {
            // A null status could be an approval that was never given: it is no way to write "active".
            status: match &self.status {
                Member::Absent => Status::Active,
                Member::Text(word) => Status::from_word(word),
                Member::Null | Member::Other => return Err(error("status", "not a string")),
            },
            tier: self.tier.optional("tier", MAX_SHORT_TEXT)?,
            name: self.name.optional("name", MAX_LONG_TEXT)?,
            not_before: self.not_before.date("not_before")?,
            expires_at: self.expires_at.date("expires_at")?,
        })
    }
}

/// A member's value, by what this module can do with it. Reading one never fails, so that one bad member does not
/// hide the others.
#[derive(Default)]
enum Member<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    Other,
}

impl Member<'_> {
    fn required(&self, member: &'static str, longest: usize) -> Result<Box<str>, RowError> {
        match self.optional(member, longest)? {
            None => Err(error(member, "is missing")),
            Some(text) if text.is_empty() => Err(error(member, "is empty")),
            Some(text) => Ok(text),
        }
    }

    fn optional(&self, member: &'static str, longest: usize) -> Result<Option<Box<str>>, RowError> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Text(text) if text.len() > longest => Err(error(member, "is too long")),
            Self::Text(text) => Ok(Some(text.as_ref().into())),
            Self::Other => Err(error(member, "not a string")),
        }
    }

    fn date(&self, member: &'static str) -> Result<Option<Timestamp>, RowError> {
        let text = match self {
            Self::Absent | Self::Null => return Ok(None),
            Self::Text(text) => text,
            Self::Other => return Err(error(member, "not a string")),
        };
        let date = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| error(member, "not a date of RFC 3339"))?;
        // Dates before 1970 are all equally past.
        let millis = u64::try_from(date.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        Ok(Some(Timestamp::from_millis(millis)))
    }
}

fn error(member: &'static str, reason: &'static str) -> RowError {
    RowError { member, reason }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Api,
    Provider,
    ClientId,
    Status,
    Tier,
    Name,
    NotBefore,
    ExpiresAt,
    #[serde(other)]
    Unknown,
}

// Not derived: a derived one would take an array for the members in order.
impl<'de> Deserialize<'de> for RawRow<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = RawRow<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawRow<'de>, A::Error> {
        let mut row = RawRow::default();
        while let Some(name) = map.next_key::<Key>()? {
            let member = match name {
                Key::Api => &mut row.api,
                Key::Provider => &mut row.provider,
                Key::ClientId => &mut row.client_id,
                Key::Status => &mut row.status,
                Key::Tier => &mut row.tier,
                Key::Name => &mut row.name,
                Key::NotBefore => &mut row.not_before,
                Key::ExpiresAt => &mut row.expires_at,
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if !matches!(member, Member::Absent) {
                return Err(serde::de::Error::custom("a member twice"));
            }
            *member = map.next_value()?;
        }
        Ok(row)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Row, RowError> {
        Row::from_json(json.as_bytes())
    }

    #[test]
    fn a_full_row_is_read() {
        let row = read(
            r#"{"api":"orders","client_id":"portal","status":"suspended","tier":"gold","name":"Ünï \"x\"",
                "provider":"main","not_before":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T02:00:00.5+02:00",
                "x":{"y":[1]}}"#,
        )
        .unwrap();
        assert_eq!(row.identity.provider.as_deref(), Some("main"));
        assert_eq!(row.contract.status, Status::Suspended);
        assert_eq!(row.contract.name.as_deref(), Some("Ünï \"x\""));
        let start = Timestamp::from_secs(1_767_225_600);
        assert_eq!(row.contract.not_before, Some(start));
        assert_eq!(row.contract.expires_at.map(Timestamp::as_millis), Some(start.as_millis() + 500));
    }

    #[test]
    fn a_status_grants_only_when_it_is_active() {
        let status = |json: &str| read(json).map(|row| row.contract.status);
        let with = |status: &str| format!(r#"{{"api":"a","client_id":"c","status":{status}}}"#);
        assert_eq!(status(r#"{"api":"a","client_id":"c"}"#), Ok(Status::Active));
        assert_eq!(status(&with(r#""active""#)), Ok(Status::Active));
        for word in ["\"Active\"", "\"\"", "\"approved\"", "\"removed\""] {
            assert_eq!(status(&with(word)), Ok(Status::Unknown), "{word}");
        }
        for wrong in ["null", "1", "true", "[]", "{}"] {
            assert_eq!(status(&with(wrong)).unwrap_err().member, "status");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (json, member) in [
            ("{", ""),
            ("[]", ""),
            (r#"["a",null,"c"]"#, ""),
            ("5", ""),
            (r#"{"api":"a","client_id":"c","status":"revoked","status":"active"}"#, ""),
            (r#"{"client_id":"c"}"#, "api"),
            (r#"{"api":"","client_id":"c"}"#, "api"),
            (r#"{"api":"a"}"#, "client_id"),
            (r#"{"api":"a","client_id":7}"#, "client_id"),
            (r#"{"api":"a","client_id":null}"#, "client_id"),
            (r#"{"api":"a","client_id":"c","provider":""}"#, "provider"),
            (r#"{"api":"a","client_id":"c","tier":1.5}"#, "tier"),
            (r#"{"api":"a","client_id":"c","expires_at":"tomorrow"}"#, "expires_at"),
            (r#"{"api":"a","client_id":"c","expires_at":"2026-02-30T00:00:00Z"}"#, "expires_at"),
            (r#"{"api":"a","client_id":"c","not_before":1767225600}"#, "not_before"),
        ] {
            assert_eq!(read(json).unwrap_err().member, member, "{json}");
        }
        let long = "x".repeat(MAX_LONG_TEXT + 1);
        let json = format!(r#"{{"api":"a","client_id":"{long}"}}"#);
        assert_eq!(read(&json).unwrap_err().reason, "is too long");
    }

    #[test]
    fn dates_before_the_epoch_are_past() {
        let row = read(r#"{"api":"a","client_id":"c","expires_at":"0001-01-01T00:00:00Z"}"#);
        assert_eq!(row.unwrap().contract.expires_at, Some(Timestamp::default()));
    }

    #[test]
    fn an_unreadable_entry_still_says_whom_it_is_for() {
        let entry = |json: &str| serde_json::from_str::<RawRow<'_>>(json).unwrap().entry();
        assert!(matches!(entry(r#"{"api":"a","client_id":"c","expires_at":"?"}"#), Entry::Unreadable(Some(_), _)));
        assert!(matches!(
            entry(r#"{"api":"a","client_id":"c","status":"removed","expires_at":"?"}"#),
            Entry::Removed(_)
        ));
        assert!(matches!(entry(r#"{"api":"a"}"#), Entry::Unreadable(None, _)));
    }
}
