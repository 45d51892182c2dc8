//! Who the caller is.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::principal::Caller;

/// The caller as the API knows him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Me {
    pub principal: String,
    pub organisation: String,
    pub roles: Vec<String>,
}

impl Me {
    pub fn of(caller: &Caller) -> Self {
        Self {
            principal: caller.principal.to_string(),
            organisation: caller.organisation.clone(),
            roles: caller.roles.iter().map(ToString::to_string).collect(),
        }
    }
}
