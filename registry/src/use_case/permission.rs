//! What a caller may do where. A [`Reach`] is made from his roles and the tree of groups alone; every use case asks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::principal::{Caller, Duty, ROOT, Role};
use crate::use_case::store::{Condition, Query, StoreError, Transaction};
use crate::use_case::tables::GROUPS;

/// Groups that are read at once.
const PAGE: u32 = 5000;

/// The duties of one caller in his organisation, inherited ones too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    admin: bool,
    /// In `root`, and so in every group.
    everywhere: BTreeSet<Duty>,
    duties: Duties,
}

/// Those in each group.
type Duties = BTreeMap<String, BTreeSet<Duty>>;

impl Reach {
    /// Reads the groups that his roles name and those below them, no others.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(tx: &mut dyn Transaction, caller: &Caller) -> Result<Self, StoreError> {
        if caller.roles.contains(&Role::Admin) {
            return Ok(Self { admin: true, ..Self::default() });
        }
        let mut reach = Self::default();
        let mut given = Duties::new();
        for role in &caller.roles {
            match role {
                Role::In { group, duty } if group == ROOT => drop(reach.everywhere.insert(*duty)),
                Role::In { group, duty } => drop(given.entry(group.clone()).or_default().insert(*duty)),
                Role::Admin => {}
            }
        }
        let mut found = found(tx, &caller.organisation, "id", &given).await?;
        while !found.is_empty() {
            let new = reach.take(found);
            found = self::found(tx, &caller.organisation, "parent", &new).await?;
        }
        Ok(reach)
    }

    /// Takes what is new of these, and says what that is.
    fn take(&mut self, found: Duties) -> Duties {
        let mut new = Duties::new();
        for (group, duties) in found {
            let known = self.duties.entry(group.clone()).or_default();
            let unknown: BTreeSet<Duty> = duties.difference(known).copied().collect();
            if !unknown.is_empty() {
                known.extend(unknown.iter().copied());
                new.insert(group, unknown);
            }
        }
        new
    }

    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// Whether he has any role at all.
    pub fn is_member(&self) -> bool {
        self.admin || !self.everywhere.is_empty() || !self.duties.is_empty()
    }

    /// Whether he has one of these duties in the group. An admin has all.
    pub fn has(&self, group: &str, any_of: &[Duty]) -> bool {
        self.has_everywhere(any_of) || self.duties.get(group).is_some_and(|held| has(held, any_of))
    }

    /// Whether he has one of these duties in any group. An admin has all.
    pub fn has_anywhere(&self, any_of: &[Duty]) -> bool {
        self.has_everywhere(any_of) || self.duties.values().any(|held| has(held, any_of))
    }

    fn has_everywhere(&self, any_of: &[Duty]) -> bool {
        self.admin || has(&self.everywhere, any_of)
    }

    /// Reads everything that only admins write.
    pub fn audits_all(&self) -> bool {
        self.has(ROOT, &[Duty::Auditor])
    }

    /// That a column names a group where he has one of these duties.
    pub fn condition(&self, column: &'static str, any_of: &[Duty]) -> Condition {
        if self.has_everywhere(any_of) {
            return Condition::All(Vec::new());
        }
        let groups = self.duties.iter().filter(|(_, held)| has(held, any_of)).map(|(group, _)| group.clone());
        Condition::IsIn(column, groups.collect())
    }
}

fn has(held: &BTreeSet<Duty>, any_of: &[Duty]) -> bool {
    any_of.iter().any(|duty| held.contains(duty))
}

/// The groups that one of `given` is the identifier or the parent of, with the duties that are given for it.
async fn found(
    tx: &mut dyn Transaction,
    organisation: &str,
    column: &'static str,
    given: &Duties,
) -> Result<Duties, StoreError> {
    let mut found = Duties::new();
    if given.is_empty() {
        return Ok(found);
    }
    let conditions = vec![Condition::IsIn(column, given.keys().cloned().collect())];
    let mut query = Query { conditions, limit: PAGE, ..Query::default() };
    loop {
        let groups = tx.list(&GROUPS, organisation, &query).await?;
        query.after = groups.last().map(|last| last.id.clone());
        let is_last = groups.len() < PAGE as usize;
        for group in groups {
            let by = if column == "id" { Some(&group.id) } else { group.columns.first().and_then(Option::as_ref) };
            if let Some(duties) = by.and_then(|by| given.get(by)) {
                found.insert(group.id, duties.clone());
            }
        }
        if is_last {
            return Ok(found);
        }
    }
}
