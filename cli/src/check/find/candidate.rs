//! Where a configuration may be.

use crate::check::configuration::{Host, Kind};
use crate::document::node::Node;

/// A place where a configuration may be.
pub(super) struct Candidate<'a> {
    pub(super) kind: Kind,
    pub(super) host: Host,
    pub(super) name: Option<&'a str>,
    /// The path of the configuration within the document.
    pub(super) path: String,
    /// What is at that path.
    pub(super) value: Option<&'a Node>,
    pub(super) holder: &'a Node,
    /// What may tell that the filter is Tessera.
    pub(super) names: Vec<&'a str>,
}

/// `path` with one more member.
pub(super) fn below(path: &str, name: &str) -> String {
    tessera_core::config::problem::member(path, name)
}
