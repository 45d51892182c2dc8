//! The objects of Kubernetes in the documents, those in a `List` too.

use super::cursor::{Cursor, Origin};
use crate::document::file::Document;
use crate::document::node::Value;

/// An object with `kind`.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    pub kind: &'a str,
    /// The API group, without the version; empty for the core's.
    pub group: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub object: Cursor<'a>,
}

impl<'a> Resource<'a> {
    /// The objects of a document; none where it is no object with `kind`.
    pub fn of(index: usize, document: &'a Document) -> Vec<Self> {
        let mut found = Vec::new();
        collect(Cursor::root(Origin::Document(index), &document.root), &mut found);
        found
    }

    pub fn spec(&self) -> Option<Cursor<'a>> {
        self.object.get("spec")
    }

    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    /// Whether it has this name in this namespace.
    pub fn is_named(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
}

fn collect<'a>(object: Cursor<'a>, found: &mut Vec<Resource<'a>>) {
    let Some(kind) = object.text_of("kind") else { return };
    if kind == "List" {
        return object.list("items").for_each(|item| collect(item, found));
    }
    let metadata = |key: &str| object.dig(&["metadata", key]).and_then(|value| value.text());
    let version = object.text_of("apiVersion").unwrap_or_default();
    found.push(Resource {
        kind,
        group: version.split_once('/').map_or("", |(group, _)| group),
        namespace: metadata("namespace").filter(|name| !name.is_empty()).unwrap_or("default"),
        name: metadata("name").unwrap_or_default(),
        object,
    });
}

/// Whether each label that `wanted` has is in `labels`.
pub fn has_labels(labels: &Cursor<'_>, wanted: &Cursor<'_>) -> bool {
    wanted.members().all(|(member, value)| match (&value.node.value, labels.text_of(&member.key)) {
        (Value::Text(value), Some(label)) => &**value == label,
        _ => false,
    })
}
