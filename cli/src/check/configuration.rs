//! The plugin configurations in the files that were given.

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::find;
use crate::document::file::{Document, File};
use crate::document::node::{Node, Place, Span};
use crate::document::read;

/// What kind of object holds a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Envoy,
    WasmPlugin,
    TrafficExtension,
    EnvoyFilter,
    EnvoyExtensionPolicy,
}

#[derive(Clone, Debug)]
pub struct Configuration {
    /// The index of its document.
    pub document: usize,
    pub kind: Kind,
    /// Where it is within the document; empty for a plain one.
    pub path: String,
    /// The name of the filter or resource.
    pub name: Option<String>,
    /// The plugin configuration, with places in the file; `None` where there is none, or none that can be read.
    pub root: Option<Node>,
    /// The Wasm configuration of Envoy, the `spec` of a resource, or an entry of its `wasm`; of a plain one the document.
    pub holder: Node,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Input {
    pub files: Vec<File>,
    pub documents: Vec<Document>,
    pub configurations: Vec<Configuration>,
    /// What could not be read, and configurations that are not there.
    pub faults: Vec<Diagnostic>,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Envoy => "envoy",
            Self::WasmPlugin => "WasmPlugin",
            Self::TrafficExtension => "TrafficExtension",
            Self::EnvoyFilter => "EnvoyFilter",
            Self::EnvoyExtensionPolicy => "EnvoyExtensionPolicy",
        }
    }
}

impl Configuration {
    /// Where it is, or what should hold it.
    pub fn place(&self) -> Span {
        self.root.as_ref().unwrap_or(&self.holder).span
    }
}

impl Input {
    pub fn document(&self, configuration: &Configuration) -> Option<&Document> {
        self.documents.get(configuration.document)
    }
}

/// Reads files, and finds the configurations in them.
///
/// # Errors
/// A file that cannot be read, as a sentence.
pub fn load(names: &[String]) -> Result<Input, String> {
    let files = names.iter().map(|name| read::read_file(name)).collect::<Result<Vec<File>, String>>()?;
    Ok(understand(files))
}

/// Finds the configurations in files that have been read.
pub fn understand(files: Vec<File>) -> Input {
    let mut input = Input::default();
    for (index, file) in files.iter().enumerate() {
        let (documents, faults) = read::documents(index, file);
        input.documents.extend(documents);
        input.faults.extend(faults.into_iter().map(|fault| Diagnostic {
            code: Code::Syntax,
            file: index,
            document: fault.document,
            span: Span { start: fault.place, end: fault.place },
            configuration: None,
            path: String::new(),
            message: fault.message,
            hint: None,
            secret: true,
        }));
    }
    input.files = files;
    find::configurations(&mut input);
    if input.configurations.is_empty() && input.faults.is_empty() && !input.files.is_empty() {
        input.faults.push(nothing());
    }
    input
}

fn nothing() -> Diagnostic {
    let place = Place { line: 1, column: 1 };
    Diagnostic {
        code: Code::NoConfiguration,
        file: 0,
        document: 1,
        span: Span { start: place, end: place },
        configuration: None,
        path: String::new(),
        message: "no configuration of Tessera is in these files".to_owned(),
        hint: Some(
            "a filter is Tessera if its configuration has \"providers\" or \"apis\", or if its name, root id or \
                    image contains \"tessera\""
                .to_owned(),
        ),
        secret: true,
    }
}
