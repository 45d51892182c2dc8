//! From files to documents.

use super::file::{Document, File, Notation, SyntaxFault};
use super::source::Source;
use super::{json, yaml};
use crate::file_bytes;

/// Reads files; `-` is standard input.
///
/// # Errors
/// Why one cannot be read, as a sentence.
pub fn read_files(names: &[String]) -> Result<Vec<File>, String> {
    let numbered = names.iter().zip(1..);
    numbered.map(|(name, number)| read_file(&format!("file {number} of the command line"), name)).collect()
}

/// Reads a file that an argument names.
///
/// # Errors
/// Why it cannot be read, as a sentence.
pub fn read_file(argument: &str, name: &str) -> Result<File, String> {
    let bytes = file_bytes::read(argument, name, u64::MAX)?;
    let shown = file_bytes::shown(argument, name);
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{shown} cannot be read: line {line} is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(File { name: name.to_owned(), text })
}

/// The documents of a file that can be read, and why the others cannot. What is JSON is read as JSON, all else as YAML,
/// unless the name of the file says that it is JSON.
pub fn documents(file_index: usize, file: &File) -> (Vec<Document>, Vec<SyntaxFault>) {
    let source = Source::new(&file.text);
    let place = |index: usize| source.place(index);
    match json::read(source.letters(), &place) {
        Ok(root) => (vec![Document { file: file_index, number: 1, root, notation: Notation::Json }], Vec::new()),
        Err(fault) if file.name.ends_with(".json") => {
            let fault = SyntaxFault {
                document: 1,
                place: place(fault.index),
                message: format!("is no JSON: {}", fault.message),
            };
            (Vec::new(), vec![fault])
        }
        Err(_) => yaml::documents(file_index, &source),
    }
}
