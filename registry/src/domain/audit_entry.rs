//! The audit: what was changed, by whom and why, each entry chained to the one before it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::domain::time::Time;
use crate::domain::token_text::hexadecimal;

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditSubject {
    pub kind: String,
    pub id: String,
}

/// An entry, as everybody who may read it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// From 1 in each organisation, without gaps.
    pub seq: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub actor: String,
    pub action: String,
    pub subject: AuditSubject,
    pub reason: Option<String>,
    /// Without secrets; null for what did not exist.
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub request_id: Option<String>,
    /// The hash of the entry before; 64 zeros for the first.
    pub previous: String,
    /// SHA-256 over the other members in the canonical form of RFC 8785.
    pub hash: String,
}

/// An entry with whose auditors may read it, which is no part of the chain: groups may change their names for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptEntry {
    #[serde(flatten)]
    pub entry: AuditEntry,
    pub groups: [Option<String>; 2],
}

/// Where the chain of an organisation stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Of the last entry; 0 before the first.
    pub seq: u64,
    pub hash: String,
}

impl Default for ChainHead {
    fn default() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

impl AuditEntry {
    /// What `hash` has to be. `None` for what has no canonical form, such as numbers beyond what a double holds.
    pub fn computed_hash(&self) -> Option<String> {
        let Ok(Value::Object(mut members)) = serde_json::to_value(self) else { return None };
        members.remove("hash");
        let canonical = serde_json_canonicalizer::to_vec(&members).ok()?;
        Some(hexadecimal(&Sha256::digest(canonical)))
    }

    /// Whether it is the entry after that one, and unchanged.
    pub fn follows(&self, head: &ChainHead) -> bool {
        self.seq == head.seq.saturating_add(1)
            && self.previous == head.hash
            && self.computed_hash().as_ref() == Some(&self.hash)
    }

    pub fn head(&self) -> ChainHead {
        ChainHead { seq: self.seq, hash: self.hash.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry() -> AuditEntry {
        let mut entry = AuditEntry {
            seq: 1,
            at: Time::from_millis(0),
            actor: "user:7".into(),
            action: "contract.approve".into(),
            subject: AuditSubject { kind: "contract".into(), id: "c".into() },
            reason: None,
            before: Some(json!({"b": 1, "a": "é"})),
            after: None,
            request_id: None,
            previous: "0".repeat(64),
            hash: String::new(),
        };
        entry.hash = entry.computed_hash().unwrap();
        entry
    }

    #[test]
    fn the_hash_is_over_the_canonical_form_of_all_other_members() {
        let canonical = format!(
            r#"{{"action":"contract.approve","actor":"user:7","after":null,"at":"1970-01-01T00:00:00.000Z","before":{{"a":"é","b":1}},"previous":"{}","reason":null,"request_id":null,"seq":1,"subject":{{"id":"c","kind":"contract"}}}}"#,
            "0".repeat(64)
        );
        let expected: String = Sha256::digest(canonical.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(entry().hash, expected);
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let start = ChainHead::default();
        assert!(entry().follows(&start));
        let changes: [fn(&mut AuditEntry); 7] = [
            |entry| entry.seq = 2,
            |entry| entry.actor.push('8'),
            |entry| entry.before = None,
            |entry| entry.reason = Some(String::new()),
            |entry| entry.at = Time::from_millis(1),
            |entry| entry.previous = "1".repeat(64),
            |entry| entry.hash = entry.hash.to_uppercase(),
        ];
        for change in changes {
            let mut entry = entry();
            change(&mut entry);
            assert!(!entry.follows(&start), "{entry:?}");
        }
    }
}
