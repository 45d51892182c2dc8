//! Which changes of contracts webhooks are told of.

use crate::domain::contract::AccessContract;
use crate::domain::contract_action::ContractAction;
use crate::domain::refusal::Refusal;
use crate::domain::webhook::NoticeKind;
use crate::use_case::context::Context;
use crate::use_case::keeping::json;
use crate::use_case::webhooks::{Topic, notify};

/// Tells of a contract that was requested, when there is no action, or of what was done to it.
///
/// # Errors
/// Those of the store.
pub async fn tell(
    cx: &mut Context<'_>,
    action: Option<ContractAction>,
    contract: &AccessContract,
) -> Result<(), Refusal> {
    let kind = match action {
        None | Some(ContractAction::Tier) if contract.undecided_tier().is_some() => NoticeKind::ContractRequested,
        None | Some(ContractAction::Tier | ContractAction::Approve) => NoticeKind::ContractApproved,
        Some(ContractAction::Reject) => NoticeKind::ContractRejected,
        Some(ContractAction::Suspend) => NoticeKind::ContractSuspended,
        Some(ContractAction::Revoke) => NoticeKind::ContractRevoked,
        Some(ContractAction::Withdraw | ContractAction::Resume) => return Ok(()),
    };
    notify(cx, kind, Topic::Contract, json(contract.view(None, cx.now))?).await
}
