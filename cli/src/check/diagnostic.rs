//! One thing that is wrong, and where.

use super::code::Code;
use crate::document::node::Span;

#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub code: Code,
    /// The index of the file.
    pub file: usize,
    /// The number of the document within its file, from 1.
    pub document: usize,
    pub span: Span,
    /// The index of the configuration whose `path` this is; `None`: it is the document's.
    pub configuration: Option<usize>,
    pub path: String,
    pub message: String,
    pub hint: Option<String>,
    /// Whether what stands there may be a secret.
    pub secret: bool,
}
