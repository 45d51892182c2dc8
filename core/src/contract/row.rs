//! One contract of a document: whom it is for, and what was agreed.

use std::fmt;

use crate::contract::contract::{Contract, Status};

/// Longest accepted `api`, `provider` and `tier`, in bytes.
pub const MAX_SHORT_TEXT: usize = 256;
/// Longest accepted `client_id` and `name`, in bytes.
pub const MAX_LONG_TEXT: usize = 1024;

/// The `provider` of an [`Identity`] that is about every token of a client, whichever contract it would find.
pub const EVERY_PROVIDER: &str = "";

/// The key of a contract. `api` and `client_id` are never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub api: Box<str>,
    /// The provider its tokens must come from; any when absent. [`EVERY_PROVIDER`] in denials only.
    pub provider: Option<Box<str>>,
    pub client_id: Box<str>,
}

impl Identity {
    /// A denial that cannot be pinned to one provider has this.
    pub fn is_of_every_provider(&self) -> bool {
        self.provider.as_deref() == Some(EVERY_PROVIDER)
    }

    pub fn of_every_provider(self) -> Self {
        Self { provider: Some(EVERY_PROVIDER.into()), ..self }
    }
}

/// A contract and whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub identity: Identity,
    pub contract: Contract,
}

/// Why a contract cannot be read. Never quotes the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The member at fault; empty for the whole.
    pub member: &'static str,
    pub reason: &'static str,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.member.is_empty() { f.write_str(self.reason) } else { write!(f, "{}: {}", self.member, self.reason) }
    }
}

impl std::error::Error for RowError {}

impl Row {
    pub fn denial(identity: Identity) -> Self {
        let contract = Contract { status: Status::Unknown, tier: None, name: None, not_before: None, expires_at: None };
        Self { identity, contract }
    }
}

pub const NOT_A_CONTRACT: RowError = RowError { member: "", reason: "not an object" };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    fn read(json: &str) -> Result<Row, RowError> {
        Row::from_json(json.as_bytes())
    }

    #[test]
    fn a_denial_is_of_every_provider_whatever_it_was_of() {
        let of = |provider: Option<&str>| Identity {
            api: "orders".into(),
            provider: provider.map(Into::into),
            client_id: "portal".into(),
        };
        for identity in [of(None), of(Some("main"))] {
            assert!(!identity.is_of_every_provider());
            assert_eq!(identity.of_every_provider(), of(Some(EVERY_PROVIDER)));
        }
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
            (r#"{"api":"a","client_id":"c","status":"revoked","status":"active"}"#, "status"),
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
}
