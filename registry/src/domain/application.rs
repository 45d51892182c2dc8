//! Applications: what has clients and contracts, in a group.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::members::Members;
use crate::domain::reader::{lines, slug, text};
use crate::domain::text::{MAX_DESCRIPTION, MAX_TITLE, folded};
use crate::domain::time::Time;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationStatus {
    Active,
    /// Providers are being asked to delete its clients.
    Deleting,
    /// Nobody is shown it any more; contracts of before still name it.
    Deleted,
}

impl ApplicationStatus {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Application {
    #[schema(read_only)]
    pub id: String,
    pub group: String,
    pub name: String,
    #[schema(required = false)]
    pub description: String,
    #[schema(read_only)]
    pub created_by: String,
    #[schema(read_only)]
    pub status: ApplicationStatus,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

impl Application {
    /// Of which nothing is known yet.
    pub fn blank(id: String, created_by: String, now: Time) -> Self {
        Self {
            id,
            group: String::new(),
            name: String::new(),
            description: String::new(),
            created_by,
            status: ApplicationStatus::Active,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether there is such a group is not asked.
    pub fn read(&mut self, members: &mut Members<'_>) {
        members.fixed("group", &mut self.group, slug);
        members.required("name", &mut self.name, text(1..=MAX_TITLE));
        members.optional("description", &mut self.description, String::new(), lines(0..=MAX_DESCRIPTION));
        members.made_here(&["id", "created_by", "status", "created_at", "updated_at"]);
    }

    /// In which the words of a search are sought.
    pub fn words(&self) -> String {
        folded(&self.name)
    }
}
