//! The objects of Kubernetes in the documents, those in a `List` too.

use super::cursor::{Cursor, Origin};
use crate::document::file::Document;
use crate::document::node::Value;
use std::collections::HashMap;

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

/// All of them, in their order.
#[derive(Debug, Default)]
pub struct Resources<'a> {
    all: Vec<Resource<'a>>,
    of_kind: HashMap<&'a str, Vec<usize>>,
    /// By document and path.
    at: HashMap<(usize, String), usize>,
    /// Those that are attached to others, by namespace and name of these.
    attached: HashMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Resources<'a> {
    pub fn add(&mut self, resource: Resource<'a>) {
        let index = self.all.len();
        self.of_kind.entry(resource.kind).or_default().push(index);
        if let Origin::Document(document) = resource.object.origin {
            self.at.insert((document, resource.object.path.clone()), index);
        }
        for parent in resource.spec().into_iter().flat_map(|spec| spec.list("parentRefs")) {
            let namespace = parent.text_of("namespace").unwrap_or(resource.namespace);
            let attached = self.attached.entry((namespace, parent.text_of("name").unwrap_or_default())).or_default();
            if attached.last() != Some(&index) {
                attached.push(index);
            }
        }
        self.all.push(resource);
    }

    /// Those with this among their `parentRefs`.
    pub fn attached_to(&self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &Resource<'a>> + use<'_, 'a> {
        let indices = self.attached.get(&(namespace, name)).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.all.get(*index))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Resource<'a>> {
        self.all.iter()
    }

    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Resource<'a>> + use<'_, 'a> {
        let indices = self.of_kind.get(kind).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.all.get(*index))
    }

    pub fn of(&self, group: &'static str, kind: &str) -> impl Iterator<Item = &Resource<'a>> + use<'_, 'a> {
        self.of_kind(kind).filter(move |resource| resource.group == group)
    }

    /// The one that stands there in a document.
    pub fn at(&self, document: usize, path: &str) -> Option<&Resource<'a>> {
        self.all.get(*self.at.get(&(document, path.to_owned()))?)
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
