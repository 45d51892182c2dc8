//! A value together with the way to it.

use crate::document::node::{Member, Node, Span, camel_case};
use std::collections::BTreeMap;
use tessera_core::config::problem;

/// Whose path it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The index of a document.
    Document(usize),
    /// The index of a configuration.
    Configuration(usize),
}

/// A value, and its path in a document or a configuration.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    pub origin: Origin,
    pub path: String,
    pub node: &'a Node,
    /// Where it is reported.
    pub span: Span,
    /// Whether a key on the way is there twice: then the value may be anything, a secret too.
    pub is_repeated: bool,
}

impl<'a> Cursor<'a> {
    pub fn root(origin: Origin, node: &'a Node) -> Self {
        Self { origin, path: String::new(), node, span: node.span, is_repeated: false }
    }

    pub fn get(&self, key: &str) -> Option<Self> {
        let mut values = self.node.members().iter().filter(|member| &*member.key == key).map(|member| &member.value);
        let first = values.next()?;
        let last = values.next_back();
        let node = last.unwrap_or(first);
        let is_repeated = self.is_repeated || last.is_some();
        Some(Self { origin: self.origin, path: problem::member(&self.path, key), node, span: node.span, is_repeated })
    }

    /// The value at the end of these keys.
    pub fn dig(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.clone(), |at, key| at.get(key))
    }

    /// A field of a message: in JSON its name may stand as it is or in camel case.
    pub fn field(&self, name: &str) -> Option<Self> {
        self.get(name).or_else(|| self.get(&camel_case(name)))
    }

    /// The field at the end of these names.
    pub fn fields(&self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self.clone(), |at, name| at.field(name))
    }

    pub fn elements(&self) -> impl Iterator<Item = Self> + use<'a> {
        let array = self.clone();
        (0..array.node.elements().len()).map_while(move |index| array.element(index))
    }

    /// An element, without a look at those before it.
    pub fn element(&self, index: usize) -> Option<Self> {
        let Self { origin, is_repeated, .. } = *self;
        let node = self.node.elements().get(index)?;
        Some(Self { origin, path: problem::element(&self.path, index), node, span: node.span, is_repeated })
    }

    /// The elements of an array member; none where there is none.
    pub fn list(&self, key: &str) -> impl Iterator<Item = Self> + use<'a> {
        self.get(key).into_iter().flat_map(|list| list.elements())
    }

    /// The elements of a repeated field.
    pub fn repeated(&self, name: &str) -> impl Iterator<Item = Self> + use<'a> {
        self.field(name).into_iter().flat_map(|list| list.elements())
    }

    pub fn members(&self) -> impl Iterator<Item = (&'a Member, Self)> + use<'a> {
        let Self { origin, path, node, is_repeated, .. } = self.clone();
        let mut keys = BTreeMap::new();
        node.members().iter().for_each(|member| *keys.entry(&*member.key).or_insert(0_usize) += 1);
        node.members().iter().map(move |member| {
            let value = Self {
                origin,
                path: problem::member(&path, &member.key),
                node: &member.value,
                span: member.value.span,
                is_repeated: is_repeated || keys.get(&*member.key).is_some_and(|count| *count > 1),
            };
            (member, value)
        })
    }

    pub fn text(&self) -> Option<&'a str> {
        self.node.text()
    }

    /// The text of a member.
    pub fn text_of(&self, key: &str) -> Option<&'a str> {
        self.node.get(key)?.text()
    }

    /// The text of a field.
    pub fn field_text(&self, name: &str) -> Option<&'a str> {
        self.field(name)?.text()
    }

    pub fn is_type(&self, suffix: &str) -> bool {
        self.text_of("@type").is_some_and(|name| name.ends_with(suffix))
    }

    /// Calls `visit` with this value and every object in it, however deep.
    pub fn visit_objects(&self, visit: &mut dyn FnMut(&Self)) {
        if !self.node.members().is_empty() {
            visit(self);
        }
        self.members().for_each(|(_, value)| value.visit_objects(visit));
        self.elements().for_each(|element| element.visit_objects(visit));
    }
}
