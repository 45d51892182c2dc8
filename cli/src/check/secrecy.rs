//! Which values of the reader's problems may be secrets, and so are not shown.

use super::place::Destination;
use crate::document::node::{Node, Value};
use tessera_core::config::is_variable_name;
use tessera_core::config::problem::{Code, Problem};

/// Whether the value at which a problem stands may be a secret: in a place for one, or one in a wrong place.
pub fn is_secret(problem: &Problem, destination: &Destination<'_, '_>) -> bool {
    let text = destination.value.text().unwrap_or_default();
    match problem.code {
        Code::Syntax | Code::UnknownMember | Code::DuplicateMember | Code::WrongType | Code::BadSecret => true,
        Code::EnvNotSet => destination.is_repeated || !is_variable_name(text),
        // A URL may hold credentials.
        Code::BadValue if is_url(destination.key, text) => true,
        _ => destination.is_secret || destination.is_repeated || (text.contains("://") && text.contains('@')),
    }
}

fn is_url(key: Option<&str>, text: &str) -> bool {
    text.contains("://")
        || matches!(key, Some("endpoint" | "url" | "identifier" | "documentation" | "resource_metadata"))
}

/// The text without what it repeats of a value.
pub fn redacted(reason: &str, value: &Node) -> String {
    match &value.value {
        Value::Text(text) if !text.is_empty() => reason.replace(&format!("{text:?}"), "…"),
        Value::Number(number) => reason.replace(&format!("got {number}"), "got …"),
        _ => reason.to_owned(),
    }
}
