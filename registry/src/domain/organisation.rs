//! Organisations: tenants, of whose things nobody else learns anything.

use serde::{Deserialize, Serialize};

use crate::domain::audit_entry::ChainHead;
use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    pub id: String,
    pub created_at: Time,
    /// The end of its audit.
    pub audit: ChainHead,
    /// Of the feed, as its audit knows.
    #[serde(default)]
    pub epoch: Option<String>,
}

impl Organisation {
    pub fn new(id: impl Into<String>, now: Time) -> Self {
        Self { id: id.into(), created_at: now, audit: ChainHead::default(), epoch: None }
    }
}
