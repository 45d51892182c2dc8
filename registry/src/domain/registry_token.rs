//! Registry tokens: made on the command line, for programs that call the API.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryToken {
    pub id: String,
    pub name: String,
    /// As roles are written.
    pub roles: Vec<String>,
    /// SHA-256 in hexadecimal digits.
    pub hash: String,
    pub created_by: String,
    pub expires_at: Time,
    pub last_used_at: Option<Time>,
    pub created_at: Time,
}

/// A registry token as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegistryTokenView {
    pub id: String,
    pub name: String,
    pub roles: Vec<String>,
    pub created_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    /// They never change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

impl RegistryToken {
    /// Whether it has a role in this group.
    pub fn names(&self, group: &str) -> bool {
        self.roles.iter().any(|role| role.split_once(':').is_some_and(|(of, _)| of == group))
    }

    pub fn view(&self) -> RegistryTokenView {
        let Self { id, name, roles, hash: _, created_by, expires_at, last_used_at, created_at } = self.clone();
        RegistryTokenView { id, name, roles, created_by, expires_at, last_used_at, created_at, updated_at: created_at }
    }
}
