//! Who may do what with an application and all that it has.

use crate::domain::application::{Application, ApplicationStatus};
use crate::domain::contract::ContractStatus;
use crate::domain::principal::{Duty, ROOT};
use crate::domain::refusal::Refusal;
use crate::use_case::context::Context;
use crate::use_case::keeping::{find, hold};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record};
use crate::use_case::store::{Condition, Table};
use crate::use_case::tables::{APIS, APPLICATIONS, CONTRACTS};

const READERS: [Duty; 3] = [Duty::Owner, Duty::Developer, Duty::Auditor];

impl Record for Application {
    const TABLE: &'static Table = &APPLICATIONS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![Some(self.group.clone()), Some(self.status.word().to_owned()), Some(self.words())]
    }
}

/// That it is in a group of the caller's, or has an open contract for an API of his.
pub fn readable_applications(reach: &Reach) -> Condition {
    if reach.has(ROOT, &READERS) {
        return Condition::All(Vec::new());
    }
    let has_contract = Condition::ReferredBy(&CONTRACTS, "application", vec![for_own_api(reach), is_open()]);
    Condition::Any(vec![reach.condition("group_id", &READERS), has_contract])
}

/// That a contract has not ended.
pub fn is_open() -> Condition {
    let ended = ContractStatus::WORDS.iter().filter(|(_, status)| !status.is_open());
    Condition::All(ended.map(|(word, _)| Condition::IsNot("status", (*word).to_owned())).collect())
}

/// That a contract, or a tier, is for an API of the caller's.
pub fn for_own_api(reach: &Reach) -> Condition {
    Condition::Refers("api", &APIS, vec![reach.condition("group_id", &[Duty::Owner])])
}

async fn must_read(cx: &mut Context<'_>, reach: &Reach, application: &Application) -> Result<(), Refusal> {
    if application.status == ApplicationStatus::Deleted {
        return Err(Refusal::NotFound);
    }
    if reach.has(&application.group, &READERS) {
        return Ok(());
    }
    let of_this = Condition::Is("application", application.id.clone());
    let count = cx.tx.count(&CONTRACTS, &cx.caller.organisation, &[of_this, is_open(), for_own_api(reach)]).await?;
    if count > 0 { Ok(()) } else { Err(Refusal::NotFound) }
}

/// One that the caller may read.
///
/// # Errors
/// There is none for the caller; those of the store.
pub async fn readable_application(cx: &mut Context<'_>, reach: &Reach, id: &str) -> Result<Kept<Application>, Refusal> {
    let kept = find::<Application>(cx, id).await?;
    must_read(cx, reach, &kept.thing).await?;
    Ok(kept)
}

/// One that the caller may write; neither it nor what it has changes until the transaction ends.
///
/// # Errors
/// There is none for the caller; no permission; those of the store.
pub async fn writable_application(cx: &mut Context<'_>, reach: &Reach, id: &str) -> Result<Kept<Application>, Refusal> {
    let kept = hold::<Application>(cx, id).await?;
    must_read(cx, reach, &kept.thing).await?;
    if reach.has(&kept.thing.group, &[Duty::Developer]) { Ok(kept) } else { Err(Refusal::Forbidden) }
}
