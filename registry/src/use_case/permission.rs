//! What a caller may do where. A [`Reach`] is made from his roles and the tree of groups alone; every use case asks it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::group::Group;
use crate::domain::principal::{Caller, Duty, ROOT, Role};
use crate::use_case::record::list;
use crate::use_case::store::{Condition, Query, StoreError, Transaction};

/// The duties of one caller in every group of his organisation, inherited ones too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    admin: bool,
    duties: BTreeMap<String, BTreeSet<Duty>>,
}

/// Groups that are read at once.
const PAGE: u32 = 1000;

impl Reach {
    /// # Errors
    /// Those of the store.
    pub async fn of(tx: &mut dyn Transaction, caller: &Caller) -> Result<Self, StoreError> {
        if caller.roles.contains(&Role::Admin) {
            return Ok(Self { admin: true, duties: BTreeMap::new() });
        }
        let mut parents = BTreeMap::new();
        let mut query = Query { limit: PAGE, ..Query::default() };
        loop {
            let groups = list::<Group>(tx, &caller.organisation, &query).await?;
            query.after = groups.last().map(|last| last.thing.id.clone());
            let is_last = groups.len() < PAGE as usize;
            parents.extend(groups.into_iter().map(|group| (group.thing.id, group.thing.parent)));
            if is_last {
                return Ok(Self::within(&parents, &caller.roles));
            }
        }
    }

    fn within(parents: &BTreeMap<String, Option<String>>, roles: &[Role]) -> Self {
        let mut duties: BTreeMap<String, BTreeSet<Duty>> = BTreeMap::new();
        for id in parents.keys() {
            let mut above = Some(id);
            // A tree is at most as deep as it has groups.
            for _ in 0..=parents.len() {
                let Some(group) = above else { break };
                let held = roles.iter().filter_map(|role| match role {
                    Role::In { group: at, duty } if at == group => Some(*duty),
                    _ => None,
                });
                duties.entry(id.clone()).or_default().extend(held);
                above = parents.get(group).and_then(Option::as_ref);
            }
        }
        duties.retain(|_, held| !held.is_empty());
        Self { admin: false, duties }
    }

    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// Whether he has any role at all.
    pub fn is_member(&self) -> bool {
        self.admin || !self.duties.is_empty()
    }

    /// Whether he has one of these duties in the group. An admin has all.
    pub fn has(&self, group: &str, any_of: &[Duty]) -> bool {
        self.admin || self.duties.get(group).is_some_and(|held| any_of.iter().any(|duty| held.contains(duty)))
    }

    /// Reads everything that only admins write.
    pub fn audits_all(&self) -> bool {
        self.has(ROOT, &[Duty::Auditor])
    }

    /// That a column names a group where he has one of these duties.
    pub fn condition(&self, column: &'static str, any_of: &[Duty]) -> Condition {
        if self.admin {
            return Condition::All(Vec::new());
        }
        let has = |held: &BTreeSet<Duty>| any_of.iter().any(|duty| held.contains(duty));
        let groups = self.duties.iter().filter(|(_, held)| has(held)).map(|(group, _)| group.clone()).collect();
        Condition::IsIn(column, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duties_are_inherited_downwards_only() {
        let tree = [("root", None), ("a", Some("root")), ("b", Some("a")), ("c", Some("root"))];
        let parents = tree.map(|(id, parent)| (id.to_owned(), parent.map(str::to_owned))).into();
        let roles = ["a:owner", "b:developer", "gone:auditor"].map(|role| Role::parse(role).unwrap());
        let reach = Reach::within(&parents, &roles);
        assert!(reach.has("a", &[Duty::Owner]) && reach.has("b", &[Duty::Owner]));
        assert!(reach.has("b", &[Duty::Developer]) && !reach.has("a", &[Duty::Developer]));
        assert!(
            !reach.has("root", &[Duty::Owner])
                && !reach.has("c", &[Duty::Owner])
                && !reach.has("gone", &[Duty::Auditor])
        );
        assert_eq!(reach.condition("group_id", &[Duty::Developer]), Condition::IsIn("group_id", vec!["b".to_owned()]));
        assert!(!Reach::within(&parents, &[]).is_member());
    }
}
