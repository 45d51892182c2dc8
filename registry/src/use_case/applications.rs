//! Applications.

use crate::domain::application::{Application, ApplicationStatus};
use crate::domain::client::{AppClient, ClientStatus};
use crate::domain::contract::ContractStatus;
use crate::domain::contract_action::{Act, ContractAction};
use crate::domain::group::Group;
use crate::domain::members::{Members, Object};
use crate::domain::principal::Duty;
use crate::domain::refusal::Refusal;
use crate::domain::webhook::NoticeKind;
use crate::use_case::application_access::{readable_application, readable_applications, writable_application};
use crate::use_case::audit::{Change, record};
use crate::use_case::client_life::let_go_of;
use crate::use_case::context::Context;
use crate::use_case::contract_access::audit_contract;
use crate::use_case::holdings::{Holdings, every};
use crate::use_case::keeping::{filtered, has_words, is_held, json, page, wrong_query};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, insert, update};
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::Condition;
use crate::use_case::webhooks::{Topic, notify};

/// Why contracts end with their application.
const APPLICATION_GOES: &str = "the application is deleted";

fn shown(kept: &Kept<Application>) -> Result<Shown, Refusal> {
    Ok(Shown { value: json(&kept.thing)?, revision: kept.revision })
}

async fn audit(
    cx: &mut Context<'_>,
    verb: &str,
    before: Option<&Application>,
    after: Option<&Application>,
) -> Result<(), Refusal> {
    let Some(application) = after.or(before) else { return Ok(()) };
    let (action, groups) = (format!("application.{verb}"), [Some(application.group.as_str()), None]);
    let (before, shown) = (before.map(json).transpose()?, after.map(json).transpose()?);
    let (kind, id, reason) = ("application", &application.id, None);
    record(cx, Change { action: &action, kind, id, groups, reason, before, after: shown }).await
}

/// # Errors
/// No permission; faults of the body; those of the store.
pub async fn create(cx: &mut Context<'_>, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    if !reach.has_anywhere(&[Duty::Developer]) {
        return Err(Refusal::Forbidden);
    }
    let mut members = Members::of_new(body);
    let (id, created_by) = (cx.randomness.id(cx.now), cx.caller.principal.to_string());
    let mut application = Application::blank(id, created_by, cx.now);
    application.read(&mut members);
    if !application.group.is_empty() {
        if !is_held::<Group>(cx, &application.group).await? {
            members.fault("group", "there is no such group");
        } else if !reach.has(&application.group, &[Duty::Developer]) {
            return Err(Refusal::Forbidden);
        }
    }
    members.finish()?;
    let kept = insert(cx.tx, &cx.caller.organisation, application).await?;
    audit(cx, "create", None, Some(&kept.thing)).await?;
    shown(&kept)
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    shown(&readable_application(cx, &reach, id).await?)
}

/// # Errors
/// A filter that cannot be read; those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    let mut conditions = filtered(asked, |name, value| match name {
        "group" => Ok(Condition::Is("group_id", value.to_owned())),
        "q" => has_words("words", name, value),
        _ => wrong_query(name, "is not known"),
    })?;
    let reach = Reach::of(cx.tx, cx.caller).await?;
    conditions.push(Condition::IsNot("status", ApplicationStatus::Deleted.word().to_owned()));
    conditions.push(readable_applications(&reach));
    let (applications, next) = page::<Application>(cx, asked, conditions).await?;
    Ok(Page { items: applications.iter().map(|kept| json(&kept.thing)).collect::<Result<_, _>>()?, next })
}

/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; those of the store.
pub async fn patch(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut kept = writable_application(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    let (mut members, before) = (Members::of_patch(body), kept.thing.clone());
    kept.thing.read(&mut members);
    members.finish()?;
    if kept.thing != before {
        kept.thing.updated_at = cx.now;
        update(cx.tx, &mut kept).await?;
        audit(cx, "update", Some(&before), Some(&kept.thing)).await?;
    }
    shown(&kept)
}

/// Ends its open contracts and lets its clients go.
///
/// # Errors
/// There is none for the caller; no permission; a precondition; it is going already; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Deleted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut kept = writable_application(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    if kept.thing.status != ApplicationStatus::Active {
        return Err(Refusal::Transition { current: kept.thing.status.word(), allowed: Vec::new() });
    }
    let mut holdings = Holdings::of(cx, kept.thing.clone()).await?;
    let rows = holdings.rows()?;
    for contract in &mut holdings.contracts {
        let before = contract.thing.clone();
        let action = match before.status {
            ContractStatus::Pending => ContractAction::Withdraw,
            _ => ContractAction::Revoke,
        };
        let by = cx.caller.principal.to_string();
        let act = Act { by: &by, reason: APPLICATION_GOES, now: cx.now };
        contract.thing.end_or_pause(action, &act).map_err(|_| Refusal::Internal)?;
        update(cx.tx, contract).await?;
        let after = &contract.thing;
        audit_contract(cx, &kept.thing, action.word(), Some(APPLICATION_GOES), Some(&before), after).await?;
        if action == ContractAction::Revoke {
            notify(cx, NoticeKind::ContractRevoked, Topic::Contract, json(after.view(None, cx.now))?).await?;
        }
    }
    let is_gone = let_clients_go(cx, &mut holdings).await?;
    let before = kept.thing.clone();
    kept.thing.status = if is_gone { ApplicationStatus::Deleted } else { ApplicationStatus::Deleting };
    kept.thing.updated_at = cx.now;
    update(cx.tx, &mut kept).await?;
    audit(cx, "delete", Some(&before), Some(&kept.thing).filter(|_| !is_gone)).await?;
    holdings.publish_since(cx, rows).await?;
    if is_gone { Ok(Deleted::Gone) } else { Ok(Deleted::Going(shown(&kept)?)) }
}

/// Whether all of them have gone; of others a provider has to be asked.
async fn let_clients_go(cx: &mut Context<'_>, holdings: &mut Holdings) -> Result<bool, Refusal> {
    let of_this = Condition::Is("application", holdings.application.id.clone());
    let not_deleted = Condition::IsNot("status", ClientStatus::Deleted.word().to_owned());
    let mut is_gone = true;
    for mut client in every::<AppClient>(cx, vec![of_this, not_deleted]).await? {
        let before = client.thing.clone();
        if before.status != ClientStatus::Deleting {
            client.thing.end(cx.now);
            let_go_of(cx, &client.thing).await?;
            holdings.put(cx, &mut client, "delete", Some(APPLICATION_GOES), Some(&before)).await?;
        }
        is_gone &= client.thing.status == ClientStatus::Deleted;
    }
    Ok(is_gone)
}
