//! What a caller may do where. A [`Reach`] is made from his roles and the tree of groups alone; every use case asks it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::principal::{Caller, Duty, ROOT, Role};
use crate::use_case::store::{Condition, StoreError, Transaction};
use crate::use_case::tree::Tree;

/// The duties of one caller in every group of his organisation, inherited ones too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    admin: bool,
    duties: BTreeMap<String, BTreeSet<Duty>>,
}

impl Reach {
    /// # Errors
    /// Those of the store.
    pub async fn of(tx: &mut dyn Transaction, caller: &Caller) -> Result<Self, StoreError> {
        if caller.roles.contains(&Role::Admin) {
            return Ok(Self { admin: true, duties: BTreeMap::new() });
        }
        let tree = Tree::read(tx, &caller.organisation).await?;
        Ok(Self::within(&tree, &caller.roles))
    }

    fn within(tree: &Tree, roles: &[Role]) -> Self {
        let mut duties: BTreeMap<String, BTreeSet<Duty>> = BTreeMap::new();
        for id in tree.groups() {
            for above in tree.path(id) {
                let held = roles.iter().filter_map(|role| match role {
                    Role::In { group, duty } if group == above => Some(*duty),
                    _ => None,
                });
                duties.entry(id.clone()).or_default().extend(held);
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

    /// Whether he has one of these duties in any group. An admin has all.
    pub fn has_anywhere(&self, any_of: &[Duty]) -> bool {
        self.admin || self.duties.values().any(|held| any_of.iter().any(|duty| held.contains(duty)))
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
        let mut tree = Tree::default();
        for (id, parent) in [("root", None), ("a", Some("root")), ("b", Some("a")), ("c", Some("root"))] {
            tree.put(id.to_owned(), parent.map(str::to_owned));
        }
        let roles = ["a:owner", "b:developer", "gone:auditor"].map(|role| Role::parse(role).unwrap());
        let reach = Reach::within(&tree, &roles);
        assert!(reach.has("a", &[Duty::Owner]) && reach.has("b", &[Duty::Owner]));
        assert!(reach.has("b", &[Duty::Developer]) && !reach.has("a", &[Duty::Developer]));
        assert!(
            !reach.has("root", &[Duty::Owner])
                && !reach.has("c", &[Duty::Owner])
                && !reach.has("gone", &[Duty::Auditor])
        );
        assert_eq!(reach.condition("group_id", &[Duty::Developer]), Condition::IsIn("group_id", vec!["b".to_owned()]));
        assert!(!Reach::within(&tree, &[]).is_member());
    }
}
