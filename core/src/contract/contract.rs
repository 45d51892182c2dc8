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
    /// Every status with its word.
    pub const WORDS: &[(&str, Self)] = &[
        ("active", Self::Active),
        ("pending", Self::Pending),
        ("suspended", Self::Suspended),
        ("revoked", Self::Revoked),
    ];

    /// The status that a document's word stands for.
    pub fn from_word(word: &str) -> Self {
        Self::WORDS.iter().find(|(known, _)| *known == word).map_or(Self::Unknown, |(_, status)| *status)
    }

    /// The word for it in a document; [`Status::Unknown`] has none.
    pub fn word(self) -> Option<&'static str> {
        Self::WORDS.iter().find(|(_, status)| *status == self).map(|(word, _)| *word)
    }
}
