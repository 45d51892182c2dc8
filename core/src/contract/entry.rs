//! Reads one element of a document: what it says, or whom it may be about if it cannot be read.

use crate::base::date;
use crate::base::time::Timestamp;
use crate::contract::contract::{Contract, Status};
use crate::contract::row::{EVERY_PROVIDER, Identity, MAX_LONG_TEXT, MAX_SHORT_TEXT, NOT_A_CONTRACT, Row, RowError};
use crate::contract::scan::{DocumentError, MAX_VALUE, Scan, Scanned, TOO_LARGE};

/// Most times that a contract may give members again.
const MAX_AGAIN: usize = 16;

/// What one element of a `contracts` or `changes` array says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Holds(Row),
    /// `"status": "removed"`: the contract is gone. Means so in `changes` only.
    Removed(Identity),
    Unreadable(Unreadable),
}

/// A contract that cannot be read, and what can be told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub error: RowError,
    /// Whom it may be for: none of these is granted anything by it, nor by what was said of them before.
    pub denied: Vec<Identity>,
    /// It is for the one in `denied`, and for nobody else.
    pub exact: bool,
}

impl Entry {
    pub(super) fn no_object() -> Self {
        Self::Unreadable(Unreadable { error: NOT_A_CONTRACT, denied: Vec::new(), exact: false })
    }
}

impl Row {
    /// Reads one contract from a JSON object. Members that are not known are ignored.
    ///
    /// # Errors
    /// [`RowError`] when `api` or `client_id` is missing or empty, a member has the wrong type, is too long or given
    /// twice, or a date is not in the format of RFC 3339.
    pub fn from_json(json: &[u8]) -> Result<Self, RowError> {
        let mut scan = Scan::new(json, 0);
        let raw = RawRow::read(&mut scan).map_err(|_| NOT_A_CONTRACT)?;
        if scan.is_at_end() { raw.row() } else { Err(NOT_A_CONTRACT) }
    }
}

/// The members of a contract as they were given.
#[derive(Default)]
pub(super) struct RawRow<'a> {
    api: Scanned<'a>,
    provider: Scanned<'a>,
    client_id: Scanned<'a>,
    status: Scanned<'a>,
    tier: Scanned<'a>,
    name: Scanned<'a>,
    not_before: Scanned<'a>,
    expires_at: Scanned<'a>,
    /// What was given for members that had been given before.
    again: Vec<(&'static str, Scanned<'a>)>,
}

impl<'a> RawRow<'a> {
    /// Reads an object, member by member, so that one that is broken does not hide the others.
    ///
    /// # Errors
    /// [`DocumentError`] when it is no JSON, or too large.
    pub(super) fn read(scan: &mut Scan<'a>) -> Result<Self, DocumentError> {
        let mut row = Self::default();
        let start = scan.at;
        scan.take(b'{')?;
        if scan.peek()? == b'}' {
            return scan.take(b'}').map(|()| row);
        }
        loop {
            row.read_member(scan)?;
            if scan.at.saturating_sub(start) > MAX_VALUE {
                return Err(TOO_LARGE);
            }
            match scan.peek()? {
                b',' => scan.take(b',')?,
                _ => return scan.take(b'}').map(|()| row),
            }
        }
    }

    fn read_member(&mut self, scan: &mut Scan<'a>) -> Result<(), DocumentError> {
        let name = scan.name()?;
        // A name that is not Unicode is not one of ours.
        let name = if let Scanned::Text(name) = &name { name } else { "" };
        let (name, member) = match name {
            "api" => ("api", &mut self.api),
            "provider" => ("provider", &mut self.provider),
            "client_id" => ("client_id", &mut self.client_id),
            "status" => ("status", &mut self.status),
            "tier" => ("tier", &mut self.tier),
            "name" => ("name", &mut self.name),
            "not_before" => ("not_before", &mut self.not_before),
            "expires_at" => ("expires_at", &mut self.expires_at),
            _ => return scan.pass_over(),
        };
        let value = scan.value()?;
        if *member == Scanned::Absent {
            *member = value;
        } else if self.again.len() < MAX_AGAIN {
            self.again.push((name, value));
        } else {
            return Err(TOO_OFTEN);
        }
        Ok(())
    }

    /// Reads it as an element of a document.
    pub(super) fn entry(self) -> Entry {
        let removed = self.again.is_empty() && matches!(&self.status, Scanned::Text(word) if word == "removed");
        if removed && let Ok(identity) = self.identity() {
            return Entry::Removed(identity);
        }
        let error = match self.row() {
            Ok(row) => return Entry::Holds(row),
            Err(error) => error,
        };
        let exact = self.again.is_empty() && self.identity().is_ok();
        Entry::Unreadable(Unreadable { error, denied: self.denied(), exact })
    }

    /// Every identity that it may be about. A provider that cannot be read may be any of them, or none.
    fn denied(&self) -> Vec<Identity> {
        let apis: Vec<_> = self.given("api", &self.api).flat_map(Scanned::api).collect();
        let clients: Vec<_> = self.given("client_id", &self.client_id).flat_map(Scanned::client_id).collect();
        let providers: Result<Vec<_>, _> = self.given("provider", &self.provider).map(Scanned::provider).collect();
        let providers = providers.unwrap_or_else(|_| vec![Some(EVERY_PROVIDER.into())]);
        let mut denied = Vec::new();
        for api in &apis {
            for client_id in &clients {
                denied.extend(providers.iter().map(|provider| Identity {
                    api: api.clone(),
                    provider: provider.clone(),
                    client_id: client_id.clone(),
                }));
            }
        }
        denied
    }

    fn given<'r>(&'r self, name: &'static str, first: &'r Scanned<'a>) -> impl Iterator<Item = &'r Scanned<'a>> {
        let again = self.again.iter().filter(move |(other, _)| *other == name);
        std::iter::once(first).chain(again.map(|(_, member)| member))
    }

    /// The contract.
    ///
    /// # Errors
    /// See [`Row::from_json`].
    pub(super) fn row(&self) -> Result<Row, RowError> {
        let row = Row { identity: self.identity()?, contract: self.contract()? };
        match self.again.first() {
            None => Ok(row),
            Some((name, _)) => Err(error(name, "is given twice")),
        }
    }

    fn identity(&self) -> Result<Identity, RowError> {
        Ok(Identity {
            api: self.api.api()?,
            provider: self.provider.provider()?,
            client_id: self.client_id.client_id()?,
        })
    }

    fn contract(&self) -> Result<Contract, RowError> {
        Ok(Contract {
            // A null status could be an approval that was never given: it does not mean "active".
            status: match &self.status {
                Scanned::Absent => Status::Active,
                Scanned::Text(word) => Status::from_word(word),
                Scanned::Null | Scanned::Other => return Err(error("status", "not a string")),
            },
            tier: self.tier.optional("tier", MAX_SHORT_TEXT)?,
            name: self.name.optional("name", MAX_LONG_TEXT)?,
            not_before: self.not_before.date("not_before")?,
            expires_at: self.expires_at.date("expires_at")?,
        })
    }
}

impl Scanned<'_> {
    fn api(&self) -> Result<Box<str>, RowError> {
        self.required("api", MAX_SHORT_TEXT)
    }

    fn client_id(&self) -> Result<Box<str>, RowError> {
        self.required("client_id", MAX_LONG_TEXT)
    }

    fn provider(&self) -> Result<Option<Box<str>>, RowError> {
        match self.optional("provider", MAX_SHORT_TEXT)? {
            Some(provider) if provider.is_empty() => Err(error("provider", "is empty")),
            provider => Ok(provider),
        }
    }

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
        date::parse(text).map(Some).ok_or(error(member, "not a date of RFC 3339"))
    }
}

const TOO_OFTEN: DocumentError = DocumentError("a contract gives members again and again");

fn error(member: &'static str, reason: &'static str) -> RowError {
    RowError { member, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Entry {
        RawRow::read(&mut Scan::new(json.as_bytes(), 0)).unwrap().entry()
    }

    /// Whom an unreadable entry may be for, as `api/provider/client`; `?` behind when that may not be all.
    fn denied(json: &str) -> String {
        let Entry::Unreadable(row) = entry(json) else { panic!("{json} can be read") };
        let name = |one: &Identity| format!("{}/{}/{}", one.api, one.provider.as_deref().unwrap_or("-"), one.client_id);
        let names: Vec<_> = row.denied.iter().map(name).collect();
        names.join(" ") + if row.exact { "" } else { "?" }
    }

    #[test]
    fn an_unreadable_entry_still_says_whom_it_is_for() {
        for more in [
            r#""expires_at":"?""#,
            r#""expires_at":"2027-01-01""#,
            r#""expires_at":1e999"#,
            r#""expires_at":"10000-01-01T00:00:00Z""#,
            r#""not_before":0"#,
            r#""status":null"#,
            r#""status":["active"]"#,
            r#""status":"\ud800""#,
            r#""n\u0061me":"\udc00","status":"active""#,
            r#""tier":{"x":[[[[]]]]}"#,
        ] {
            assert_eq!(denied(&format!(r#"{{"api":"a","client_id":"c",{more}}}"#)), "a/-/c", "{more}");
            assert_eq!(denied(&format!(r#"{{{more},"provider":"p","client_id":"c","api":"a"}}"#)), "a/p/c", "{more}");
        }
        let name = "x".repeat(MAX_LONG_TEXT + 1);
        assert_eq!(denied(&format!(r#"{{"api":"a","client_id":"c","name":"{name}"}}"#)), "a/-/c");
        let long = format!(r#"{{"api":"a","client_id":"c","x":"{}","name":7}}"#, "x".repeat(MAX_VALUE - 100));
        assert_eq!(denied(&long), "a/-/c");
    }

    #[test]
    fn members_that_are_too_large_together_are_refused() {
        let of = |bytes: usize| {
            let half = "x".repeat(MAX_VALUE / 2);
            let mut json = format!(r#"{{"api":"a","client_id":"c","x":"{half}","y":""#);
            json.push_str(&"y".repeat(bytes - json.len() - 2));
            json.push_str(r#""}"#);
            json
        };
        assert!(matches!(entry(&of(MAX_VALUE + 1)), Entry::Holds(_)), "up to the last member's end");
        for bytes in [MAX_VALUE + 2, MAX_VALUE + 3, MAX_VALUE + 1000] {
            assert_eq!(RawRow::read(&mut Scan::new(of(bytes).as_bytes(), 0)).err(), Some(TOO_LARGE), "{bytes}");
        }
    }

    #[test]
    fn what_is_given_twice_may_mean_either() {
        for (json, may_be) in [
            (r#"{"api":"a","client_id":"c","status":"active","status":"active"}"#, "a/-/c?"),
            (r#"{"api":"a","client_id":"c","n\u0061me":"x","name":"x"}"#, "a/-/c?"),
            (r#"{"api":"a","client_id":"c","client_id":"d"}"#, "a/-/c a/-/d?"),
            (
                r#"{"api":"a","client_id":"c","client_id":"d","api":"b","provider":"p","provider":null}"#,
                "a/p/c a/-/c a/p/d a/-/d b/p/c b/-/c b/p/d b/-/d?",
            ),
            (r#"{"api":"a","client_id":7,"client_id":"d","client_id":""}"#, "a/-/d?"),
            (r#"{"api":"a","client_id":"c","provider":"p","provider":7}"#, "a//c?"),
            (r#"{"api":"a","client_id":"c","status":"removed","status":"removed"}"#, "a/-/c?"),
        ] {
            assert_eq!(denied(json), may_be, "{json}");
        }
        let often = format!("{{{}}}", vec![r#""api":"a""#; MAX_AGAIN + 2].join(","));
        assert_eq!(RawRow::read(&mut Scan::new(often.as_bytes(), 0)).err(), Some(TOO_OFTEN));
    }

    #[test]
    fn a_provider_that_cannot_be_read_may_be_any() {
        let long = format!("{:?}", "x".repeat(MAX_SHORT_TEXT + 1));
        for provider in ["7", "true", "[]", "{}", r#""""#, r#""\ud800""#, "1e999", &long] {
            for status in ["active", "suspended", "removed"] {
                let json = format!(r#"{{"api":"a","client_id":"c","provider":{provider},"status":"{status}"}}"#);
                assert_eq!(denied(&json), "a//c?", "{json}");
            }
        }
        let json = [&br#"{"api":"a","client_id":"c","provider":""#[..], b"\xff\"}"].concat();
        let Entry::Unreadable(row) = RawRow::read(&mut Scan::new(&json, 0)).unwrap().entry() else { panic!() };
        assert!(row.denied.iter().all(Identity::is_of_every_provider) && row.denied.len() == 1);
    }

    #[test]
    fn who_cannot_be_told_is_nobody() {
        for json in [r#"{"api":"a"}"#, r#"{"api":"\ud800","client_id":"c"}"#, r#"{"api":"a","client_id":7}"#, "{}"] {
            assert_eq!(denied(json), "?", "{json}");
        }
    }

    #[test]
    fn a_removal_needs_an_identity_and_nothing_else() {
        for json in [
            r#"{"api":"a","client_id":"c","status":"removed"}"#,
            r#"{"api":"a","client_id":"c","status":"removed","expires_at":"?"}"#,
            "{\"\\ud800\":\"\\ud800\",\"api\":\"a\",\"client_id\":\"c\",\"status\":\"removed\"}",
        ] {
            assert!(matches!(entry(json), Entry::Removed(_)), "{json}");
        }
    }
}
