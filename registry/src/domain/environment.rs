//! Environments: places where gateways stand, each with a feed of its own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::members::Members;
use crate::domain::reader::{slug, text};
use crate::domain::text::MAX_TITLE;
use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub id: String,
    pub title: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// An environment as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnvironmentView {
    pub id: String,
    pub title: String,
    /// Where its feed stands.
    #[schema(read_only, minimum = 0)]
    pub position: i64,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

impl Environment {
    /// Of which nothing is known yet.
    pub fn blank(now: Time) -> Self {
        Self { id: String::new(), title: String::new(), created_at: now, updated_at: now }
    }

    pub fn read(&mut self, members: &mut Members<'_>) {
        members.fixed("id", &mut self.id, slug);
        members.optional("title", &mut self.title, self.id.clone(), text(1..=MAX_TITLE));
        members.made_here(&["position", "created_at", "updated_at"]);
    }

    pub fn view(&self, position: i64) -> EnvironmentView {
        let Self { id, title, created_at, updated_at } = self.clone();
        EnvironmentView { id, title, position, created_at, updated_at }
    }
}
