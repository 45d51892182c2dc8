//! Gateways: who polls the feed of an environment.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::members::Members;
use crate::domain::reader::{api_id, set, slug, text};
use crate::domain::text::MAX_TITLE;
use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    pub id: String,
    pub environment: String,
    pub title: String,
    /// All of the environment's when absent.
    pub apis: Option<Vec<String>>,
    pub last_poll_at: Option<Time>,
    pub last_position: Option<i64>,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A token of a gateway; it is valid while it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayToken {
    pub id: String,
    pub gateway: String,
    /// SHA-256 in hexadecimal digits.
    pub hash: String,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
}

/// A token of a gateway as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GatewayTokenView {
    pub id: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Time>,
}

/// A new token of a gateway, the only time that it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NewGatewayToken {
    pub id: String,
    /// `null` in a repeated answer.
    #[schema(value_type = Option<String>)]
    pub token: String,
}

/// A gateway as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GatewayView {
    #[schema(read_only)]
    pub id: String,
    pub environment: String,
    pub title: String,
    #[schema(min_items = 1, max_items = 1000)]
    pub apis: Option<Vec<String>>,
    #[schema(read_only)]
    pub tokens: Vec<GatewayTokenView>,
    #[schema(value_type = Option<String>, format = DateTime, read_only)]
    pub last_poll_at: Option<Time>,
    #[schema(read_only)]
    pub last_position: Option<i64>,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

/// Most APIs that a gateway can be narrowed to.
const MAX_APIS: usize = 1000;

impl Gateway {
    /// Of which nothing is known yet but what it is called.
    pub fn blank(id: String, now: Time) -> Self {
        Self {
            id,
            environment: String::new(),
            title: String::new(),
            apis: None,
            last_poll_at: None,
            last_position: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether there are such an environment and APIs is not asked.
    pub fn read(&mut self, members: &mut Members<'_>) {
        members.fixed("environment", &mut self.environment, slug);
        members.required("title", &mut self.title, text(1..=MAX_TITLE));
        members.nullable("apis", &mut self.apis, set(1..=MAX_APIS, api_id));
        members.made_here(&["id", "tokens", "last_poll_at", "last_position", "created_at", "updated_at"]);
    }

    pub fn view(&self, tokens: Vec<GatewayTokenView>) -> GatewayView {
        let Self { id, environment, title, apis, last_poll_at, last_position, created_at, updated_at } = self.clone();
        GatewayView { id, environment, title, apis, tokens, last_poll_at, last_position, created_at, updated_at }
    }
}

impl GatewayToken {
    pub fn view(&self) -> GatewayTokenView {
        GatewayTokenView { id: self.id.clone(), created_at: self.created_at, last_used_at: self.last_used_at }
    }
}
