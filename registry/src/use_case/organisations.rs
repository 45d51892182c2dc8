//! Organisations come to be with their root group.

use serde_json::json as object;

use crate::domain::group::Group;
use crate::domain::organisation::Organisation;
use crate::domain::refusal::Refusal;
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::keeping::make;
use crate::use_case::record::{get, insert};

/// Makes the caller's organisation, where there is none yet, and says whether it did.
///
/// # Errors
/// Those of the store.
pub async fn ensure(cx: &mut Context<'_>) -> Result<bool, Refusal> {
    let id = cx.caller.organisation.clone();
    if get::<Organisation>(cx.tx, &id, &id).await?.is_some() {
        return Ok(false);
    }
    insert(cx.tx, &id, Organisation::new(&id, cx.now)).await?;
    let (groups, after) = ([None, None], Some(object!({ "id": id, "created_at": cx.now })));
    let change = Change {
        action: "organisation.create",
        kind: "organisation",
        id: &id,
        groups,
        reason: None,
        before: None,
        after,
    };
    record(cx, change).await?;
    make(cx, Group::root(cx.now)).await?;
    Ok(true)
}
