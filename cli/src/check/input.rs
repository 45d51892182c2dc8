//! Files, the documents in them, and the configurations in those.

use super::code::Code;
use super::configuration::Configuration;
use super::diagnostic::Diagnostic;
use super::find;
use super::secrets::Secrets;
use crate::document::file::{Document, File};
use crate::document::node::{Place, Span};
use crate::document::read;

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Input {
    pub files: Vec<File>,
    pub documents: Vec<Document>,
    pub configurations: Vec<Configuration>,
    /// What could not be read, and configurations that are not there.
    pub faults: Vec<Diagnostic>,
    /// What must not be shown of all this.
    pub secrets: Secrets,
}

impl Input {
    pub fn document(&self, configuration: &Configuration) -> Option<&Document> {
        self.documents.get(configuration.document)
    }

    /// The index of a document by its number in its file.
    pub fn index_of(&self, file: usize, number: usize) -> Option<usize> {
        self.documents.binary_search_by_key(&(file, number), |document| (document.file, document.number)).ok()
    }

    /// The configurations of a document: they stand in the order of documents.
    pub fn within(&self, document: usize) -> &[Configuration] {
        let from = self.configurations.partition_point(|one| one.document < document);
        let to = self.configurations.partition_point(|one| one.document <= document);
        self.configurations.get(from..to).unwrap_or_default()
    }
}

/// Reads files, and finds the configurations in them.
///
/// # Errors
/// A file that cannot be read, as a sentence.
pub fn load(names: &[String]) -> Result<Input, String> {
    read::read_files(names).map(understand)
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
    let (configurations, faults) = find::configurations(&files, &input.documents);
    input.faults.extend(faults);
    input.secrets = Secrets::of(&input.documents, &configurations);
    (input.files, input.configurations) = (files, configurations);
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
