//! APIs: what access is requested for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::members::Members;
use crate::domain::reader::{api_id, lines, slug, text, text_that, word};
use crate::domain::text::{MAX_DESCRIPTION, MAX_TITLE, folded, is_url};
use crate::domain::time::Time;
use crate::domain::words::word_of;

/// Who sees an API, and whether it takes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// Seen by its owners only.
    Draft,
    #[default]
    Published,
    /// Takes no requests; open contracts stay.
    Deprecated,
}

pub const LIFECYCLES: &[(&str, Lifecycle)] =
    &[("draft", Lifecycle::Draft), ("published", Lifecycle::Published), ("deprecated", Lifecycle::Deprecated)];

impl Lifecycle {
    pub fn word(self) -> &'static str {
        word_of(LIFECYCLES, self)
    }
}

/// An API, as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Api {
    pub environment: String,
    pub id: String,
    pub group: String,
    pub title: String,
    #[schema(required = false)]
    pub description: String,
    pub documentation_url: Option<String>,
    #[schema(read_only)]
    pub has_openapi: bool,
    #[schema(required = false)]
    pub lifecycle: Lifecycle,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

impl Api {
    /// Of which nothing is known yet.
    pub fn blank(now: Time) -> Self {
        Self {
            environment: String::new(),
            id: String::new(),
            group: String::new(),
            title: String::new(),
            description: String::new(),
            documentation_url: None,
            has_openapi: false,
            lifecycle: Lifecycle::default(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether there are such a group and environment is not asked.
    pub fn read(&mut self, members: &mut Members<'_>) {
        let url = text_that(|text| is_url(text, &["https", "http"]), "must be an absolute http or https URL");
        members.fixed("environment", &mut self.environment, slug);
        members.fixed("id", &mut self.id, api_id);
        members.required("group", &mut self.group, slug);
        members.required("title", &mut self.title, text(1..=MAX_TITLE));
        members.optional("description", &mut self.description, String::new(), lines(0..=MAX_DESCRIPTION));
        members.nullable("documentation_url", &mut self.documentation_url, url);
        members.optional("lifecycle", &mut self.lifecycle, Lifecycle::default(), word(LIFECYCLES));
        members.made_here(&["has_openapi", "created_at", "updated_at"]);
    }

    /// Unique in its organisation.
    pub fn key(&self) -> String {
        api_key(&self.environment, &self.id)
    }

    /// In which the words of a search are sought.
    pub fn words(&self) -> String {
        folded(&format!("{} {}", self.id, self.title))
    }
}

/// How an API is named in its organisation.
pub fn api_key(environment: &str, api: &str) -> String {
    format!("{environment}/{api}")
}

/// How a tier is named in its organisation.
pub fn tier_key(environment: &str, api: &str, tier: &str) -> String {
    format!("{environment}/{api}/{tier}")
}

/// An OpenAPI document, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiDocument {
    pub environment: String,
    pub api: String,
    pub text: String,
}
