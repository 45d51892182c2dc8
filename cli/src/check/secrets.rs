//! Where secrets stand in documents, and what is shown in place of the keys among them.

use super::configuration::Configuration;
use super::credential::is_plain_key;
use super::secret_places::{Holds, Variables};
use crate::document::file::Document;
use crate::document::node::{Member, Node, Place, Span};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use tessera_core::config::is_variable_name;
use tessera_core::config::problem::{element, member};

/// What stands for that which is not shown.
pub const HIDDEN: &str = "…";

/// What must not be shown of documents and configurations, each by its index.
#[derive(Debug, Default)]
pub struct Secrets {
    documents: Vec<Concealed>,
    /// How paths are shown that hold what must not be.
    configurations: Vec<Paths>,
}

type Paths = HashMap<String, String>;

#[derive(Debug, Default)]
struct Concealed {
    stretches: Stretches,
    /// The texts that stand there.
    texts: BTreeSet<Box<str>>,
    paths: Paths,
}

/// Where secrets are written, in their order, each with the farthest end of those up to it.
#[derive(Debug, Default)]
struct Stretches(Vec<Span>);

impl Secrets {
    pub fn of(documents: &[Document], configurations: &[Configuration]) -> Self {
        let mut found: Vec<Found<'_>> = documents.iter().map(|_| Found::default()).collect();
        for configuration in configurations {
            let Some(found) = found.get_mut(configuration.document) else { continue };
            configuration.root.iter().for_each(|root| found.search(root, Holds::Other));
            found.search_variables(&configuration.holder);
        }
        let documents: Vec<Concealed> =
            found.into_iter().zip(documents).map(|(found, one)| found.in_document(one)).collect();
        let paths = |configuration: &Configuration| {
            let within = documents.get(configuration.document)?;
            Some(within.stretches.paths(configuration.root.as_ref()?))
        };
        let configurations = configurations.iter().map(|one| paths(one).unwrap_or_default()).collect();
        Self { documents, configurations }
    }

    /// Whether what begins there, in a document, is a secret, by whatever way it is come to.
    pub fn cover(&self, document: usize, place: Place) -> bool {
        self.documents.get(document).is_some_and(|document| document.stretches.cover(place))
    }

    /// Whether a text is one of the secrets of a document.
    pub fn hold(&self, document: usize, text: &str) -> bool {
        self.documents.get(document).is_some_and(|document| document.texts.contains(text))
    }

    /// Whether a key, in a document, must not be shown.
    pub fn hide_key(&self, document: usize, member: &Member) -> bool {
        self.documents.get(document).is_some_and(|document| document.stretches.hide(member))
    }

    /// A path of a configuration as it is shown.
    pub fn path_in_configuration<'a>(&'a self, configuration: usize, path: &'a str) -> Cow<'a, str> {
        shown(self.configurations.get(configuration), path)
    }

    /// A path of a document as it is shown.
    pub fn path_in_document<'a>(&'a self, document: usize, path: &'a str) -> Cow<'a, str> {
        shown(self.documents.get(document).map(|document| &document.paths), path)
    }
}

/// The path with what is shown in place of its beginning. Behind a value that is there, a path holds but keys that the
/// reader knows.
fn shown<'a>(paths: Option<&'a Paths>, path: &'a str) -> Cow<'a, str> {
    let Some(paths) = paths.filter(|paths| !paths.is_empty()) else { return path.into() };
    let mut ends = vec![path.len()];
    ends.extend(path.rmatch_indices(['.', '[']).map(|(end, _)| end));
    let longest = ends.into_iter().find_map(|end| {
        let (before, rest) = path.split_at_checked(end)?;
        Some(format!("{}{rest}", paths.get(before)?))
    });
    longest.map_or(path.into(), Into::into)
}

impl Stretches {
    fn of(mut spans: Vec<Span>) -> Self {
        spans.retain(|span| span.start < span.end);
        spans.sort_by_key(|span| span.start);
        let mut end = Place { line: 0, column: 0 };
        for span in &mut spans {
            end = end.max(span.end);
            span.end = end;
        }
        Self(spans)
    }

    fn cover(&self, place: Place) -> bool {
        let behind = self.0.partition_point(|span| span.start <= place);
        self.0.get(..behind).and_then(<[_]>::last).is_some_and(|span| place < span.end)
    }

    fn hide(&self, member: &Member) -> bool {
        !is_plain_key(&member.key) || (&*member.key != "env" && self.cover(member.key_span.start))
    }

    /// How the paths of a tree are shown that hold what must not be.
    fn paths(&self, root: &Node) -> Paths {
        let mut paths = Paths::new();
        // Most trees hold nothing of the kind.
        if !self.hide_any(root, Holds::Other) {
            return paths;
        }
        self.walk(root, ("", None), Holds::Other, &mut paths);
        paths
    }

    fn hide_any(&self, node: &Node, at: Holds) -> bool {
        node.elements().iter().any(|inner| self.hide_any(inner, at.within()))
            || node
                .members()
                .iter()
                .any(|inner| self.hide_within(inner, at) || self.hide_any(&inner.value, at.at(&inner.key)))
    }

    /// Whether a key must not be shown, in a value that holds this.
    fn hide_within(&self, member: &Member, at: Holds) -> bool {
        self.hide(member) || (at == Holds::Secret && &*member.key != "env")
    }

    fn walk(&self, node: &Node, (path, shown): (&str, Option<&str>), at: Holds, paths: &mut Paths) {
        for (index, inner) in node.elements().iter().enumerate() {
            let (path, shown) = (element(path, index), shown.map(|shown| element(shown, index)));
            paths.extend(shown.clone().map(|shown| (path.clone(), shown)));
            self.walk(inner, (&path, shown.as_deref()), at.within(), paths);
        }
        for inner in node.members() {
            let is_hidden = self.hide_within(inner, at);
            let name = if is_hidden { HIDDEN } else { &*inner.key };
            let shown = (is_hidden || shown.is_some()).then(|| member(shown.unwrap_or(path), name));
            let path = member(path, &inner.key);
            paths.extend(shown.clone().map(|shown| (path.clone(), shown)));
            self.walk(&inner.value, (&path, shown.as_deref()), at.at(&inner.key), paths);
        }
    }
}

/// The secrets of a document.
#[derive(Default)]
struct Found<'a> {
    values: Vec<&'a Node>,
    keys: Vec<&'a Member>,
}

impl<'a> Found<'a> {
    fn in_document(self, document: &Document) -> Concealed {
        let values = self.values.iter().map(|node| node.span);
        let stretches = Stretches::of(values.chain(self.keys.iter().map(|member| member.key_span)).collect());
        let texts = self.values.iter().filter_map(|node| node.text()).filter(|text| !text.is_empty());
        let texts = texts.chain(self.keys.iter().map(|member| &*member.key)).map(Into::into).collect();
        Concealed { paths: stretches.paths(&document.root), stretches, texts }
    }

    fn search(&mut self, node: &'a Node, at: Holds) {
        if at == Holds::Secret {
            return self.add(node);
        }
        node.elements().iter().for_each(|element| self.search(element, at.within()));
        node.members().iter().for_each(|member| self.search(&member.value, at.at(&member.key)));
    }

    /// Values of variables that are handed to the VM.
    fn search_variables(&mut self, node: &'a Node) {
        node.elements().iter().for_each(|element| self.search_variables(element));
        for Member { key, value, .. } in node.members() {
            let entries = value.elements().iter();
            match Variables::at(key) {
                Some(Variables::Members) => value.members().iter().for_each(|member| self.add(&member.value)),
                Some(Variables::Elements) => {
                    entries.filter_map(|entry| entry.get("value")).for_each(|text| self.add(text));
                }
                Some(Variables::Deeper) => self.search_variables(value),
                None => {}
            }
        }
    }

    /// A value in a place for a secret. Of an object, the name of a variable is none.
    fn add(&mut self, node: &'a Node) {
        if node.members().is_empty() {
            return self.add_all(node);
        }
        for member in node.members() {
            if &*member.key != "env" {
                self.keys.push(member);
            } else if member.value.text().is_some_and(is_variable_name) {
                continue;
            }
            self.add_all(&member.value);
        }
    }

    /// A secret, and what it consists of: that may stand elsewhere, where an alias is.
    fn add_all(&mut self, node: &'a Node) {
        self.values.push(node);
        node.elements().iter().for_each(|element| self.add_all(element));
        for member in node.members() {
            self.keys.push(member);
            self.add_all(&member.value);
        }
    }
}
