//! API Manager's answers about APIs and their tiers.

use super::super::change::{At, Notes};
use crate::document::file::File;
use crate::document::node::{Node, Place, Value};
use crate::document::read::documents;
use std::ops::Range;

/// An API of the answer about an environment.
#[derive(Debug)]
pub struct ListedApi {
    pub id: String,
    pub at: At,
    /// Of its asset, with the label of the instance.
    pub title: Option<String>,
    pub description: Option<String>,
    pub is_deprecated: bool,
}

/// A tier of the answer about an API.
#[derive(Debug)]
pub struct ListedTier {
    pub api: String,
    pub file: usize,
    pub node: Node,
}

#[derive(Debug, Default)]
pub struct Lists {
    pub apis: Vec<ListedApi>,
    pub tiers: Vec<ListedTier>,
}

impl Lists {
    /// Of these files, those that are about tiers, and what follows them, which is about APIs.
    pub fn read(files: &[File], tiers: Range<usize>, notes: &mut Notes) -> Self {
        let mut lists = Self::default();
        for (index, file) in files.iter().enumerate().skip(tiers.start) {
            let is_of_tiers = tiers.contains(&index);
            let (name, of) = if is_of_tiers { ("tiers", "an API") } else { ("assets", "an environment") };
            let Some(root) = root(index, file, notes) else { continue };
            match root.get(name).map(|list| &list.value) {
                Some(Value::Array(list)) if is_of_tiers => list.iter().for_each(|tier| lists.tier(index, tier, notes)),
                Some(Value::Array(list)) => list.iter().for_each(|asset| lists.asset(index, asset, notes)),
                _ => notes.fault(
                    At::of(index, &root),
                    format!("wants an object with an array `{name}`, as API Manager answers about {of}"),
                ),
            }
        }
        lists
    }

    pub fn is_empty(&self) -> bool {
        self.apis.is_empty() && self.tiers.is_empty()
    }

    /// APIs as the answers call them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.apis.iter().map(|api| &*api.id).chain(self.tiers.iter().map(|tier| &*tier.api))
    }

    fn tier(&mut self, file: usize, node: &Node, notes: &mut Notes) {
        match id(node.get("apiId")) {
            Some(api) => self.tiers.push(ListedTier { api, file, node: node.clone() }),
            None => notes.fault(At::of(file, node), "a tier wants `apiId`, a number or a text"),
        }
    }

    fn asset(&mut self, file: usize, asset: &Node, notes: &mut Notes) {
        let name = ["exchangeAssetName", "name", "assetId"].iter().find_map(|member| text(asset.get(member)));
        let Some(Value::Array(apis)) = asset.get("apis").map(|apis| &apis.value) else {
            return notes.fault(At::of(file, asset), "an asset wants an array `apis`");
        };
        for api in apis {
            let at = At::of(file, api);
            let Some(id) = id(api.get("id")) else {
                notes.fault(at, "an API wants `id`, a number or a text");
                continue;
            };
            let title = match (name, text(api.get("instanceLabel"))) {
                (Some(name), Some(label)) => Some(format!("{name} ({label})")),
                (name, label) => name.or(label).map(str::to_owned),
            };
            let description = text(api.get("description")).map(str::to_owned);
            let is_deprecated = matches!(api.get("deprecated").map(|node| &node.value), Some(Value::Boolean(true)));
            self.apis.push(ListedApi { id, at, title, description, is_deprecated });
        }
    }
}

/// What one document holds, each member once.
fn root(index: usize, file: &File, notes: &mut Notes) -> Option<Node> {
    let (documents, faults) = documents(index, file);
    for fault in faults {
        notes.fault(At { file: index, place: fault.place }, fault.message);
    }
    let mut roots = documents.into_iter().map(|document| document.root);
    let (Some(root), None) = (roots.next(), roots.next()) else {
        notes.fault(At { file: index, place: Place { line: 1, column: 1 } }, "wants one JSON document");
        return None;
    };
    notes.repeated(index, &root);
    Some(root)
}

fn id(node: Option<&Node>) -> Option<String> {
    match &node?.value {
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) if !text.is_empty() => Some(text.to_string()),
        _ => None,
    }
}

/// A text that is not empty.
pub fn text(node: Option<&Node>) -> Option<&str> {
    node?.text().map(str::trim).filter(|text| !text.is_empty())
}
