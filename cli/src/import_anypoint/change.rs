//! What an import says beside its result: what has changed, and what keeps it from being made.

use crate::document::file::File;
use crate::document::node::{Node, Place};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tessera_core::base::printable::Printable;

/// A place in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub file: usize,
    pub place: Place,
}

impl At {
    pub fn of(file: usize, node: &Node) -> Self {
        Self { file, place: node.span.start }
    }

    fn shown(self, files: &[File]) -> String {
        let name = files.get(self.file).map_or("", |file| &file.name);
        format!("{}:{}:{}", Printable { text: name, limit: 1000 }, self.place.line, self.place.column)
    }
}

/// How a parameter differs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Meaning,
    Unit,
    /// The parameter was absent, and its default there is written out here.
    Default,
    /// No counterpart.
    None,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Meaning => "meaning",
            Self::Unit => "unit",
            Self::Default => "default",
            Self::None => "none",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub at: At,
    /// Name of the policy, if it is about one.
    pub policy: Option<Box<str>>,
    pub parameter: Box<str>,
    /// Where it went; empty if nowhere.
    pub path: String,
    pub message: String,
}

impl Change {
    /// `FILE:LINE:COLUMN: KIND PARAMETER -> PATH: message`
    pub fn line(&self, files: &[File]) -> String {
        let path = if self.path.is_empty() { "-" } else { &self.path };
        let Self { parameter, message, .. } = self;
        format!("{}: {} {parameter} -> {path}: {message}", self.at.shown(files), self.kind.name())
    }

    pub fn to_json(&self, files: &[File]) -> Value {
        json!({
            "kind": self.kind.name(),
            "file": files.get(self.at.file).map_or("", |file| &file.name),
            "line": self.at.place.line,
            "column": self.at.place.column,
            "policy": self.policy,
            "parameter": self.parameter,
            "path": self.path,
            "message": self.message,
        })
    }
}

/// Why nothing can be made of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: At,
    pub message: String,
}

impl Fault {
    pub fn line(&self, files: &[File]) -> String {
        format!("{}: mistake: {}", self.at.shown(files), self.message)
    }
}

/// All that is said.
#[derive(Debug, Default)]
pub struct Notes {
    pub changes: Vec<Change>,
    pub faults: Vec<Fault>,
}

impl Notes {
    pub fn fault(&mut self, at: At, message: impl Into<String>) {
        self.faults.push(Fault { at, message: message.into() });
    }

    /// Notes each member that is given twice: which of the two would count is not known, and nothing must get lost.
    pub fn repeated(&mut self, file: usize, node: &Node) {
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        for member in node.members() {
            if !keys.insert(&member.key) {
                let message = format!("{} is given twice", shown_name(&member.key));
                self.fault(At { file, place: member.key_span.start }, message);
            }
            self.repeated(file, &member.value);
        }
        for element in node.elements() {
            self.repeated(file, element);
        }
    }

    /// Notes each id that `--api` maps in vain: it may be misspelt.
    pub fn unused(&mut self, names: &[(String, String)], is_used: impl Fn(&str) -> bool) {
        let at = At { file: 0, place: Place { line: 1, column: 1 } };
        for (there, _) in names.iter().filter(|(there, _)| !is_used(there)) {
            let (kind, policy, parameter, path) = (Kind::None, None, "--api".into(), String::new());
            let message = format!("no API is called {} in the input", shown_name(there));
            self.changes.push(Change { kind, at, policy, parameter, path, message });
        }
    }

    /// In the order of the input, each once.
    pub fn sorted(mut self) -> Self {
        let key = |change: &Change| (change.at, change.parameter.clone(), change.path.clone(), change.message.clone());
        self.changes.sort_by_cached_key(key);
        self.faults.sort_by_key(|fault| fault.at);
        self.changes.dedup();
        self.faults.dedup();
        self
    }
}

/// A name from the input, if it looks like one: what does not may be a secret in the wrong place.
pub fn shown_name(name: &str) -> &str {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if is_name && !name.is_empty() && name.len() <= 64 { name } else { "…" }
}
