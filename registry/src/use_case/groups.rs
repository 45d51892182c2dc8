//! Groups.

use serde_json::Value;

use crate::domain::group::Group;
use crate::domain::members::{Members, Object};
use crate::domain::principal::ROOT;
use crate::domain::refusal::Refusal;
use crate::domain::registry_token::RegistryToken;
use crate::domain::time::Time;
use crate::use_case::context::Context;
use crate::use_case::keeping::{Catalogued, admin, all, change, find, hold, is_used, json, make, member, page, remove};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record};
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::{Condition, Table};
use crate::use_case::tables::{APIS, APPLICATIONS, AUDIT_ENTRIES, GROUPS};
use crate::use_case::tree::Tree;

impl Record for Group {
    const TABLE: &'static Table = &GROUPS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![self.parent.clone()]
    }
}

impl Catalogued for Group {
    const KIND: &'static str = "group";

    fn audited(&self) -> Result<Value, Refusal> {
        json(self)
    }

    fn touch(&mut self, now: Time) {
        self.updated_at = now;
    }
}

fn shown(kept: &Kept<Group>) -> Result<Shown, Refusal> {
    Ok(Shown { value: json(&kept.thing)?, revision: kept.revision })
}

/// # Errors
/// Faults of the body; one of this name; those of the store.
pub async fn create(cx: &mut Context<'_>, body: &Object) -> Result<Shown, Refusal> {
    admin(&Reach::of(cx.tx, cx.caller).await?)?;
    let (mut members, mut group) = (Members::of_new(body), Group::blank(cx.now));
    group.read(&mut members);
    hold_tree(cx).await?;
    in_tree(cx, &group, &mut members).await?;
    members.finish()?;
    shown(&make(cx, group).await?)
}

/// Whether the group may stand where it says. The tree is held.
async fn in_tree(cx: &mut Context<'_>, group: &Group, members: &mut Members<'_>) -> Result<(), Refusal> {
    let tree = Tree::read(cx.tx, &cx.caller.organisation).await?;
    if let Some(parent) = &group.parent
        && let Some(fault) = tree.fault_of_move(&group.id, parent)
    {
        members.fault("parent", fault);
    }
    Ok(())
}

/// No group comes, moves or goes until the transaction ends.
///
/// # Errors
/// Those of the store.
pub async fn hold_tree(cx: &mut Context<'_>) -> Result<(), Refusal> {
    hold::<Group>(cx, ROOT).await.map(drop)
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    member(&Reach::of(cx.tx, cx.caller).await?)?;
    shown(&find(cx, id).await?)
}

/// # Errors
/// Those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    if !Reach::of(cx.tx, cx.caller).await?.is_member() {
        return Ok(Page::default());
    }
    let (groups, next) = page::<Group>(cx, asked, Vec::new()).await?;
    Ok(Page { items: groups.iter().map(|kept| json(&kept.thing)).collect::<Result<_, _>>()?, next })
}

/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; those of the store.
pub async fn patch(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let mut kept = held(cx, id, expected).await?;
    let (mut members, mut group) = (Members::of_patch(body), kept.thing.clone());
    group.read(&mut members);
    if group.parent != kept.thing.parent {
        in_tree(cx, &group, &mut members).await?;
    }
    members.finish()?;
    change(cx, &mut kept, group).await?;
    shown(&kept)
}

/// # Errors
/// There is none for the caller; no permission; a precondition; something depends on it; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Deleted, Refusal> {
    let kept = held(cx, id, expected).await?;
    if id == ROOT {
        return Err(Refusal::InUse("every organisation has the group root"));
    }
    free(cx, id).await?;
    end(cx, &kept).await
}

/// # Errors
/// What depends on it; those of the store.
pub async fn free(cx: &mut Context<'_>, id: &str) -> Result<(), Refusal> {
    if is_used(cx, &GROUPS, "parent", id).await? {
        return Err(Refusal::InUse("there are groups below it"));
    }
    if is_used(cx, &APIS, "group_id", id).await? {
        return Err(Refusal::InUse("it has APIs"));
    }
    let conditions = [Condition::Is("group_id", id.to_owned()), Condition::IsNot("status", "deleted".to_owned())];
    if cx.tx.count(&APPLICATIONS, &cx.caller.organisation, &conditions).await? > 0 {
        return Err(Refusal::InUse("it has applications"));
    }
    let now = cx.now;
    if all::<RegistryToken>(cx).await?.values().any(|kept| now < kept.thing.expires_at && kept.thing.names(id)) {
        return Err(Refusal::InUse("a registry token has roles in it"));
    }
    Ok(())
}

/// Removes it, once it is [free]. What the audit has of it is not for auditors of a group that comes in its name.
///
/// # Errors
/// Those of the store.
pub async fn end(cx: &mut Context<'_>, kept: &Kept<Group>) -> Result<Deleted, Refusal> {
    for column in ["group_id", "other_group"] {
        cx.tx.forget(&AUDIT_ENTRIES, column, &kept.organisation, &kept.thing.id).await?;
    }
    remove(cx, kept).await
}

async fn held(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Kept<Group>, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    member(&reach)?;
    hold_tree(cx).await?;
    let kept = hold::<Group>(cx, id).await?;
    admin(&reach)?;
    expected.check(kept.revision)?;
    Ok(kept)
}
