//! Groups: the tree in which roles are inherited.

use serde::{Deserialize, Serialize};

use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub id: String,
    /// `None` for `root` alone.
    pub parent: Option<String>,
    pub title: String,
    pub created_at: Time,
    pub updated_at: Time,
}
