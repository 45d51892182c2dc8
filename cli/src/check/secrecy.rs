//! What may be a secret, and so is not shown.

use super::place::Destination;
use crate::document::node::{Node, Value};
use tessera_core::config::is_variable_name;
use tessera_core::config::problem::{Code, Problem};

/// Whether the value at which a problem stands may be a secret: in a place for one, or one in a wrong place.
pub fn is_secret(problem: &Problem, destination: &Destination<'_>) -> bool {
    let is_place = |key: &str| matches!(key, "secret" | "key" | "headers");
    let in_place = destination.hops.iter().filter_map(|hop| hop.key()).any(is_place);
    let is_repeated = destination.hops.iter().any(|hop| hop.is_repeated());
    let text = destination.value.text().unwrap_or_default();
    match problem.code {
        Code::Syntax | Code::UnknownMember | Code::DuplicateMember | Code::WrongType | Code::BadSecret => true,
        Code::EnvNotSet => is_repeated || !is_variable_name(text),
        // A URL may hold credentials.
        Code::BadValue if is_url(destination, text) => true,
        _ => in_place || is_repeated || (text.contains("://") && text.contains('@')),
    }
}

fn is_url(destination: &Destination<'_>, text: &str) -> bool {
    let key = destination.hops.last().and_then(|hop| hop.key());
    text.contains("://")
        || matches!(key, Some("endpoint" | "url" | "identifier" | "documentation" | "resource_metadata"))
}

/// The text without what it repeats of a value.
pub fn redacted(reason: &str, value: &Node) -> String {
    match &value.value {
        Value::Text(text) if !text.is_empty() => reason.replace(&format!("{text:?}"), "…"),
        Value::Number(number) => reason.replace(&format!("got {number}"), "got …"),
        Value::Array(elements) => elements.iter().fold(reason.to_owned(), |reason, node| redacted(&reason, node)),
        Value::Object(members) => {
            members.iter().fold(reason.to_owned(), |reason, member| redacted(&reason, &member.value))
        }
        _ => reason.to_owned(),
    }
}
