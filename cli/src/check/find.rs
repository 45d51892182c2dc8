//! Which documents hold configurations, and where.

mod candidate;
mod envoy;
mod kubernetes;

use super::code::Code;
use super::configuration::{Configuration, Host, Kind};
use super::diagnostic::Diagnostic;
use crate::document::file::{Document, File};
use crate::document::node::{Node, Span, Value};
use crate::document::read_text;
use crate::document::source::Source;
use candidate::Candidate;

/// Why a configuration cannot be read.
struct Refused {
    code: Code,
    span: Span,
    message: String,
}

/// The configurations of all documents, and what is wrong with their texts.
pub fn configurations(files: &[File], documents: &[Document]) -> (Vec<Configuration>, Vec<Diagnostic>) {
    let sources: Vec<Source> = files.iter().map(|file| Source::new(&file.text)).collect();
    let (mut configurations, mut faults) = (Vec::new(), Vec::new());
    for (index, document) in documents.iter().enumerate() {
        let Some(source) = sources.get(document.file) else { continue };
        let found = candidates(&document.root).into_iter();
        for (configuration, fault) in found.filter_map(|candidate| candidate.configuration(index, source)) {
            faults.extend(fault.map(|Refused { code, span, message }| Diagnostic {
                code,
                file: document.file,
                document: document.number,
                span,
                configuration: Some(configurations.len()),
                path: String::new(),
                message,
                hint: None,
                secret: true,
            }));
            configurations.push(configuration);
        }
    }
    (configurations, faults)
}

fn candidates(root: &Node) -> Vec<Candidate<'_>> {
    let has = |name: &str| root.get(name).is_some();
    let is_plain = has("providers") || has("apis");
    if matches!(root.value, Value::Null) || is_clusters(root) {
        Vec::new()
    } else if !is_plain && root.get("kind").and_then(Node::text).is_some() {
        kubernetes::candidates(root, "")
    } else if !is_plain && envoy::is_of_envoy(root) {
        envoy::candidates(root, "", Kind::Envoy)
    } else {
        let (kind, host, path) = (Kind::Plain, Host::Wasm, String::new());
        vec![Candidate { kind, host, name: None, path, value: Some(root), holder: root, names: vec!["tessera"] }]
    }
}

/// Clusters by themselves, as `discover` writes them for somebody's bootstrap.
fn is_clusters(root: &Node) -> bool {
    root.members().len() == 1 && root.get("clusters").is_some_and(|clusters| matches!(clusters.value, Value::Array(_)))
}

impl Candidate<'_> {
    /// The configuration, if the filter is Tessera, and why it cannot be read.
    fn configuration(self, document: usize, source: &Source) -> Option<(Configuration, Option<Refused>)> {
        let is_named = self.names.iter().any(|name| name.to_ascii_lowercase().contains("tessera"));
        let (mut root, mut fault) = (None, None);
        match self.value {
            Some(value) if self.kind != Kind::Plain && is_empty(value) => {}
            Some(value) => match value.text().filter(|_| self.kind != Kind::Plain) {
                None => root = Some(value.clone()),
                Some(text) => match read_text(value, source) {
                    Ok(node) => root = Some(node),
                    Err((place, message)) => {
                        // What cannot be read may still be told.
                        let is_ours = is_named || text.contains("providers") || text.contains("apis");
                        is_ours.then_some(())?;
                        let span = Span { start: place, end: place };
                        let message = format!("is no JSON: {message}");
                        fault = Some(Refused { code: Code::Syntax, span, message });
                    }
                },
            },
            None => {}
        }
        let is_told = root.as_ref().is_some_and(|root| root.get("providers").is_some() || root.get("apis").is_some());
        (is_named || is_told || fault.is_some()).then_some(())?;
        if root.is_none() && fault.is_none() {
            let at = self.value.map_or(self.holder.span, |value| value.span);
            fault = Some(Refused {
                code: Code::NoConfiguration,
                span: at,
                message: "Tessera has no configuration here".to_owned(),
            });
        }
        let Self { kind, host, path, .. } = self;
        let (name, holder) = (self.name.map(str::to_owned), self.holder.clone());
        Some((Configuration { document, kind, host, path, name, root, holder }, fault))
    }
}

/// What no filter is given as a configuration.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
