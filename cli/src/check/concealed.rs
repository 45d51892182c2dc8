//! What stands in a place for a secret, by whatever way a diagnostic comes to it: an alias, a key, a path, a URL.

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
        if diagnostic.configuration.is_some() {
            diagnostic.path = shown(&diagnostic.path);
        }
    }
}

/// The keys of a document that are not shown.
pub fn keys(input: &Input, document: usize) -> Vec<Span> {
    Secrets::of(input, document).keys
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
    keys: Vec<Span>,
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
                "headers" => member.value.members().iter().for_each(|header| {
                    self.keys.extend((!is_header_name(&header.key)).then_some(header.key_span));
                    self.add(&header.value);
                }),
                key => {
                    self.keys.extend(may_hold_credentials(key).then_some(member.key_span));
                    self.search_configuration(&member.value);
                }
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

    fn add(&mut self, node: &'a Node) {
        if !node.members().iter().all(|member| &*member.key == "env") || node.members().is_empty() {
            self.values.push(node);
        }
        self.add_keys(node);
    }

    fn add_keys(&mut self, node: &'a Node) {
        node.elements().iter().for_each(|element| self.add_keys(element));
        for member in node.members() {
            self.keys.extend((&*member.key != "env").then_some(member.key_span));
            self.add_keys(&member.value);
        }
    }
}

fn is_header_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The path without keys that are not shown.
fn shown(path: &str) -> String {
    let in_secret = [".client.secret.", ".client.key."].iter().find_map(|place| path.split_once(place));
    if in_secret.is_some_and(|(_, key)| key != "env") {
        let length = path.len() - in_secret.map_or(0, |(_, key)| key.len());
        return format!("{}…", path.get(..length).unwrap_or_default());
    }
    let is_name = |key: &str| is_header_name(key.strip_suffix(".env").unwrap_or(key));
    match path.split_once(".headers.") {
        Some((place, key)) if !is_name(key) => {
            // What stands beneath a sound name is in its secret.
            let name = key.split('.').next().filter(|name| key.contains('.') && is_header_name(name));
            format!("{place}.headers.{}…", name.map_or(String::new(), |name| format!("{name}.")))
        }
        _ => match path.split_once(".clusters.") {
            Some((place, key)) if may_hold_credentials(key) => format!("{place}.clusters.…"),
            _ => path.to_owned(),
        },
    }
}
