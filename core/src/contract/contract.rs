//! What was agreed between a client and an API.

use crate::base::time::Timestamp;

/// An approved agreement between one client application and one API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    pub status: Status,
    pub tier: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub not_before: Option<Timestamp>,
    /// First moment at which it no longer grants.
    pub expires_at: Option<Timestamp>,
}

/// Where an agreement stands. Only [`Status::Active`] grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In force; also what a contract without a status is.
    Active,
    Pending,
    Suspended,
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
