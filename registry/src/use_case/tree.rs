//! The tree of an organisation's groups.

use std::collections::BTreeMap;

use crate::domain::group::Group;
use crate::domain::principal::ROOT;
use crate::use_case::record::list;
use crate::use_case::store::{Query, StoreError, Transaction};

/// Groups that are read at once.
const PAGE: u32 = 1000;
/// Most groups one below the other, without `root`.
pub const MAX_DEPTH: usize = 8;

/// Each group with its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Option<String>>);

impl Tree {
    /// # Errors
    /// Those of the store.
    pub async fn read(tx: &mut dyn Transaction, organisation: &str) -> Result<Self, StoreError> {
        let mut tree = Self::default();
        let mut query = Query { limit: PAGE, ..Query::default() };
        loop {
            let groups = list::<Group>(tx, organisation, &query).await?;
            query.after = groups.last().map(|last| last.thing.id.clone());
            let is_last = groups.len() < PAGE as usize;
            groups.into_iter().for_each(|group| tree.put(group.thing.id, group.thing.parent));
            if is_last {
                return Ok(tree);
            }
        }
    }

    pub fn put(&mut self, id: String, parent: Option<String>) {
        self.0.insert(id, parent);
    }

    pub fn groups(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub fn has(&self, group: &str) -> bool {
        self.0.contains_key(group)
    }

    /// The group, its parent, and so on up to `root`. In a circle, which there should be none, it ends all the same.
    pub fn path<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a str> {
        let mut above = Some(group);
        std::iter::from_fn(move || {
            let group = above?;
            above = self.0.get(group)?.as_deref();
            Some(group)
        })
        .take(self.0.len())
    }

    pub fn take(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// What is wrong with where the group stands.
    pub fn fault_of(&self, group: &str) -> Option<&'static str> {
        if self.0.get(group)?.as_ref().is_some_and(|parent| !self.0.contains_key(parent)) {
            return Some("there is no such group");
        }
        if !self.path(group).any(|above| above == ROOT) {
            return Some("is the group itself or below it");
        }
        // `root` does not count.
        (self.path(group).count() > MAX_DEPTH + 1).then_some("groups would be more than 8 deep")
    }

    /// What would be wrong if a group, with those below it, had this parent.
    pub fn fault_of_move(&self, group: &str, parent: &str) -> Option<&'static str> {
        let mut moved = self.clone();
        moved.put(group.to_owned(), Some(parent.to_owned()));
        moved.fault_of(group).or_else(|| moved.groups().find_map(|id| moved.fault_of(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_exists_is_not_below_and_not_too_deep() {
        let mut tree = Tree::default();
        tree.put("root".to_owned(), None);
        for n in 1..=MAX_DEPTH {
            let parent = if n == 1 { "root".to_owned() } else { format!("g{}", n - 1) };
            assert_eq!(tree.fault_of_move(&format!("g{n}"), &parent), None);
            tree.put(format!("g{n}"), Some(parent));
        }
        tree.put("h1".to_owned(), Some("root".to_owned()));
        tree.put("h2".to_owned(), Some("h1".to_owned()));
        for (group, parent) in [("new", "g8"), ("new", "gone"), ("g1", "g1"), ("g1", "g5"), ("h1", "g7")] {
            assert!(tree.fault_of_move(group, parent).is_some(), "{group} below {parent}");
        }
        for (group, parent) in [("h1", "g6"), ("g8", "root"), ("new", "g7")] {
            assert_eq!(tree.fault_of_move(group, parent), None, "{group} below {parent}");
        }
    }
}
