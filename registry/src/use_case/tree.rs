//! The tree of an organisation's groups.

use std::collections::BTreeMap;

use crate::domain::group::Group;
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

    /// What is wrong with this parent for a group that is new, or there with groups below it.
    ///
    /// # Errors
    /// The fault.
    pub fn allows(&self, group: &str, parent: &str) -> Result<(), &'static str> {
        if !self.has(parent) {
            return Err("there is no such group");
        }
        if self.path(parent).any(|above| above == group) {
            return Err("is the group itself or below it");
        }
        // What is below the group moves with it.
        let below = self.groups().filter_map(|id| self.path(id).position(|above| above == group)).max().unwrap_or(0);
        // `root` does not count, the group itself does.
        if self.path(parent).count() + below > MAX_DEPTH {
            return Err("groups would be more than 8 deep");
        }
        Ok(())
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
            assert_eq!(tree.allows(&format!("g{n}"), &parent), Ok(()));
            tree.put(format!("g{n}"), Some(parent));
        }
        tree.put("h1".to_owned(), Some("root".to_owned()));
        tree.put("h2".to_owned(), Some("h1".to_owned()));
        assert!(tree.allows("new", "g8").is_err() && tree.allows("new", "gone").is_err());
        assert!(tree.allows("g1", "g1").is_err() && tree.allows("g1", "g5").is_err());
        assert_eq!(tree.allows("h1", "g6"), Ok(()));
        assert!(tree.allows("h1", "g7").is_err());
        assert_eq!(tree.allows("g8", "root"), Ok(()));
    }
}
