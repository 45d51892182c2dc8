//! The audit of an organisation: entries are written with the changes that they are about, read, and checked.

use serde_json::Value;

use crate::domain::audit_entry::{AuditEntry, AuditSubject, ChainHead, KeptEntry};
use crate::domain::organisation::Organisation;
use crate::domain::principal::Duty;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::context::Context;
use crate::use_case::listing::{filtered, page, wrong_query};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, get, insert, list as records, lock, update};
use crate::use_case::shown::{Asked, Page};
use crate::use_case::store::{Condition, Query, StoreError, Table, Transaction};
use crate::use_case::tables::{AUDIT_ENTRIES, ORGANISATIONS};

/// Entries that are checked at once.
const CHECKED: u32 = 500;

/// What was done to a thing.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// `kind.verb`
    pub action: &'a str,
    pub kind: &'a str,
    pub id: &'a str,
    /// The groups whose auditors may read of it; none for what only admins write.
    pub groups: [Option<&'a str>; 2],
    pub reason: Option<&'a str>,
    /// Its representations without secrets; `None` when it did not, or does not, exist.
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl Record for Organisation {
    const TABLE: &'static Table = &ORGANISATIONS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        Vec::new()
    }
}

impl Record for KeptEntry {
    const TABLE: &'static Table = &AUDIT_ENTRIES;

    /// With leading zeros, so that identifiers sort as numbers do.
    fn id(&self) -> String {
        format!("{:020}", self.entry.seq)
    }

    fn columns(&self) -> Vec<Option<String>> {
        let AuditEntry { subject, actor, action, request_id, at, .. } = &self.entry;
        let [group, other_group] = self.groups.clone();
        let subject = format!("{}:{}", subject.kind, subject.id);
        vec![
            Some(subject),
            Some(actor.clone()),
            Some(action.clone()),
            request_id.clone(),
            Some(at.to_string()),
            group,
            other_group,
        ]
    }
}

/// Writes an entry. It locks the organisation until the transaction ends: use cases do this after everything but
/// publishing.
///
/// # Errors
/// Those of the store.
pub async fn record(cx: &mut Context<'_>, change: Change<'_>) -> Result<(), Refusal> {
    let name = &cx.caller.organisation;
    let Some(mut organisation) = lock::<Organisation>(cx.tx, name, name).await? else {
        return Err(StoreError::Broken(format!("there is no organisation {name}")).into());
    };
    let ChainHead { seq, hash } = &organisation.thing.audit;
    let mut entry = AuditEntry {
        seq: seq.saturating_add(1),
        at: cx.now,
        actor: cx.caller.principal.to_string(),
        action: change.action.to_owned(),
        subject: AuditSubject { kind: change.kind.to_owned(), id: change.id.to_owned() },
        reason: change.reason.map(str::to_owned),
        before: change.before,
        after: change.after,
        request_id: cx.request_id.map(str::to_owned),
        previous: hash.clone(),
        hash: String::new(),
    };
    let unwritable = || StoreError::Broken(format!("an entry about {} has no canonical form", change.kind));
    entry.hash = entry.computed_hash().ok_or_else(unwritable)?;
    organisation.thing.audit = entry.head();
    let groups = change.groups.map(|group| group.map(str::to_owned));
    insert(cx.tx, name, KeptEntry { entry, groups }).await?;
    Ok(update(cx.tx, &mut organisation).await?)
}

/// Entries that the caller may read.
///
/// # Errors
/// A filter that cannot be read; those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut conditions = filtered(asked, filter)?;
    if !reach.audits_all() {
        let of_either = ["group_id", "other_group"].map(|column| reach.condition(column, &[Duty::Auditor]));
        conditions.push(Condition::Any(of_either.into()));
    }
    let (entries, next) = page::<KeptEntry>(cx, asked, conditions).await?;
    let shown = |kept: Kept<KeptEntry>| serde_json::to_value(kept.thing.entry).map_err(|_| Refusal::Internal);
    Ok(Page { items: entries.into_iter().map(shown).collect::<Result<_, _>>()?, next })
}

fn filter(name: &str, value: &str) -> Result<Condition, Refusal> {
    let moment =
        || Time::parse(value).map(|at| at.to_string()).map_or_else(|| wrong_query(name, "is no time of RFC 3339"), Ok);
    match name {
        "subject" if !value.contains(':') => wrong_query(name, "is not KIND:ID"),
        "subject" => Ok(Condition::Is("subject", value.to_owned())),
        "actor" => Ok(Condition::Is("actor", value.to_owned())),
        "action" => Ok(Condition::Is("action", value.to_owned())),
        "request_id" => Ok(Condition::Is("request_id", value.to_owned())),
        "from" => Ok(Condition::From("at", moment()?)),
        "to" => Ok(Condition::Before("at", moment()?)),
        _ => wrong_query(name, "is not known"),
    }
}

/// What was found of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainState {
    /// All entries are there and unchanged.
    Whole { entries: u64 },
    /// This one is missing or changed, or follows on the last that the organisation knows of.
    Broken { seq: u64 },
}

/// Follows the chain of an organisation from its first entry.
///
/// # Errors
/// Those of the store.
pub async fn verify(tx: &mut dyn Transaction, organisation: &str) -> Result<ChainState, StoreError> {
    let known = get::<Organisation>(tx, organisation, organisation).await?.map(|kept| kept.thing.audit);
    let mut head = ChainHead::default();
    let mut query = Query { limit: CHECKED, ..Query::default() };
    loop {
        let entries = match records::<KeptEntry>(tx, organisation, &query).await {
            Ok(entries) => entries,
            // One that cannot be read was changed; which one is not worth a look of its own.
            Err(StoreError::Broken(_)) => return Ok(ChainState::Broken { seq: head.seq.saturating_add(1) }),
            Err(error) => return Err(error),
        };
        for kept in &entries {
            if !kept.thing.entry.follows(&head) {
                return Ok(ChainState::Broken { seq: head.seq.saturating_add(1) });
            }
            head = kept.thing.entry.head();
        }
        let Some(last) = entries.last() else { break };
        query.after = Some(last.thing.id());
    }
    Ok(match known {
        Some(known) if known == head => ChainState::Whole { entries: head.seq },
        _ => ChainState::Broken { seq: head.seq.saturating_add(1) },
    })
}
