//! What was agreed.

use crate::base::time::Timestamp;

/// An approved agreement between one client application and one API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Where the agreement stands.
    pub status: Status,
    /// SLA tier, if there is one.
    pub tier: Option<Box<str>>,
    /// Name for people.
    pub name: Option<Box<str>>,
    /// First moment at which it grants.
    pub not_before: Option<Timestamp>,
    /// First moment at which it no longer grants.
    pub expires_at: Option<Timestamp>,
}

/// Where an agreement stands. Only [`Status::Active`] grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In force; also what a contract without a status is.
    Active,
    /// Asked for, not yet approved.
    Pending,
    /// Approved, and halted for now.
    Suspended,
    /// Ended for good.
    Revoked,
    /// A word this version does not know; does not grant.
    Unknown,
}

impl Status {
    /// The status that a document's word stands for.
    pub fn from_word(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "pending" => Self::Pending,
            "suspended" => Self::Suspended,
            "revoked" => Self::Revoked,
            _ => Self::Unknown,
        }
    }
}
