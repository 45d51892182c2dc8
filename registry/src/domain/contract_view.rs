//! Contracts as the API shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::contract::{AccessContract, ContractStatus, ContractWait};
use crate::domain::contract_action::ContractAction;
use crate::domain::time::Time;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContractView {
    #[schema(read_only)]
    pub id: String,
    pub environment: String,
    pub api: String,
    pub application: String,
    pub tier: String,
    pub name: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub not_before: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Time>,
    #[schema(read_only)]
    pub status: ContractStatus,
    #[schema(read_only)]
    pub waiting_for: Vec<ContractWait>,
    #[schema(read_only)]
    pub in_force: bool,
    #[schema(read_only)]
    pub requested_tier: Option<String>,
    #[schema(read_only)]
    pub requested_by: String,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub requested_at: Time,
    #[schema(read_only)]
    pub decided_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime, read_only)]
    pub decided_at: Option<Time>,
    pub reason: String,
    /// Actions open to the caller now; not in webhooks and the audit, which have no caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    pub allowed: Option<Vec<ContractAction>>,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}

impl AccessContract {
    pub fn view(&self, allowed: Option<Vec<ContractAction>>, now: Time) -> ContractView {
        let own = self.clone();
        ContractView {
            waiting_for: self.waiting_for(),
            in_force: self.in_force(now),
            id: own.id,
            environment: own.environment,
            api: own.api,
            application: own.application,
            tier: own.tier,
            name: own.name,
            not_before: own.not_before,
            expires_at: own.expires_at,
            status: own.status,
            requested_tier: own.requested_tier,
            requested_by: own.requested_by,
            requested_at: own.requested_at,
            decided_by: own.decided_by,
            decided_at: own.decided_at,
            reason: own.reason,
            allowed,
            created_at: own.created_at,
            updated_at: own.updated_at,
        }
    }
}
