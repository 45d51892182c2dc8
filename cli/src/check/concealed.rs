//! What stands in a place for a secret, by whatever way a diagnostic comes to it: an alias, a URL.

use super::configuration::Input;
use super::diagnostic::Diagnostic;
use super::secrecy::redacted;
use crate::document::node::{Member, Node, Span};

/// Takes secrets out of diagnostics that are about something else.
pub fn conceal(input: &Input, diagnostics: &mut [Diagnostic]) {
    let per_document: Vec<Secrets<'_>> = (0..input.documents.len()).map(|index| Secrets::of(input, index)).collect();
    for diagnostic in diagnostics {
        let is_its = |index: &usize| {
            let document = input.documents.get(*index);
            document.is_some_and(|one| (one.file, one.number) == (diagnostic.file, diagnostic.document))
        };
        let index = (0..input.documents.len()).find(is_its);
        let secrets = index.and_then(|index| per_document.get(index));
        let values = secrets.map(|secrets| secrets.values.as_slice()).unwrap_or_default();
        for value in values.iter().filter(|value| is_within(diagnostic.span, value.span)) {
            diagnostic.secret = true;
            diagnostic.message = redacted(&diagnostic.message, value);
        }
    }
}

/// Whether it is a URL that may carry a credential.
pub fn may_hold_credentials(text: &str) -> bool {
    let rest = text.split_once("://").map(|(_, rest)| rest);
    rest.is_some_and(|rest| rest.contains('?') || rest.split("@sha256:").next().is_some_and(|rest| rest.contains('@')))
}

fn is_within(span: Span, other: Span) -> bool {
    other.start <= span.start && span.start < other.end
}

/// The secrets of a document.
#[derive(Default)]
struct Secrets<'a> {
    values: Vec<&'a Node>,
}

impl<'a> Secrets<'a> {
    fn of(input: &'a Input, document: usize) -> Self {
        let mut secrets = Self::default();
        for configuration in input.configurations.iter().filter(|configuration| configuration.document == document) {
            configuration.root.iter().for_each(|root| secrets.search_configuration(root));
            secrets.search_variables(&configuration.holder);
        }
        secrets
    }

    fn search_configuration(&mut self, node: &'a Node) {
        node.elements().iter().for_each(|element| self.search_configuration(element));
        for member in node.members() {
            match &*member.key {
                "secret" | "key" => self.add(&member.value),
                "headers" => member.value.members().iter().for_each(|header| self.add(&header.value)),
                _ => self.search_configuration(&member.value),
            }
        }
    }

    /// Values of variables that are handed to the VM.
    fn search_variables(&mut self, node: &'a Node) {
        node.elements().iter().for_each(|element| self.search_variables(element));
        for Member { key, value, .. } in node.members() {
            match &**key {
                "key_values" | "keyValues" => value.members().iter().for_each(|member| self.add(&member.value)),
                "env" => value.elements().iter().filter_map(|entry| entry.get("value")).for_each(|text| self.add(text)),
                "vm_config" | "vmConfig" | "environment_variables" | "environmentVariables" | "wasm" => {
                    self.search_variables(value);
                }
                _ => {}
            }
        }
    }

    /// The name of a variable is none.
    fn add(&mut self, node: &'a Node) {
        let is_name = !node.members().is_empty() && node.members().iter().all(|member| &*member.key == "env");
        self.values.extend((!is_name).then_some(node));
    }
}
