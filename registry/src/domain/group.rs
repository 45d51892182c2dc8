//! Groups: the tree in which roles are inherited.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::members::Members;
use crate::domain::principal::ROOT;
use crate::domain::reader::{or_null, slug, text};
use crate::domain::text::MAX_TITLE;
use crate::domain::time::Time;

/// A group, as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    pub id: String,
    /// `None` for `root` alone.
    pub parent: Option<String>,
    pub title: String,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

impl Group {
    /// Of which nothing is known yet.
    pub fn blank(now: Time) -> Self {
        let parent = Some(ROOT.to_owned());
        Self { id: String::new(), parent, title: String::new(), created_at: now, updated_at: now }
    }

    /// The one that every organisation has.
    pub fn root(now: Time) -> Self {
        Self { id: ROOT.to_owned(), parent: None, title: ROOT.to_owned(), ..Self::blank(now) }
    }

    /// Whether there is such a parent is not asked.
    pub fn read(&mut self, members: &mut Members<'_>) {
        members.fixed("id", &mut self.id, slug);
        if self.parent.is_none() {
            members.unchanged("parent", &self.parent, or_null(slug));
        } else {
            let mut parent = self.parent.take().unwrap_or_default();
            members.optional("parent", &mut parent, ROOT.to_owned(), slug);
            self.parent = Some(parent);
        }
        members.optional("title", &mut self.title, self.id.clone(), text(1..=MAX_TITLE));
        members.made_here(&["created_at", "updated_at"]);
    }
}
