//! Wasm filters in Envoy's own configuration.

use super::candidate::{Candidate, below};
use crate::check::configuration::Kind;
use crate::document::node::{Node, Value};
use tessera_core::config::problem::element;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// A bootstrap, or a file of resources.
pub(super) fn is_of_envoy(root: &Node) -> bool {
    ["static_resources", "dynamic_resources", "admin", "node", "@type"].iter().any(|name| root.field(name).is_some())
        || root.get("resources").is_some_and(|list| list.elements().iter().any(|entry| entry.get("@type").is_some()))
}

/// Every Wasm filter in it, however deep.
pub(super) fn candidates<'a>(root: &'a Node, path: &str, kind: Kind) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    search(root, path, None, &mut |candidate| found.push(Candidate { kind, ..candidate }));
    found
}

/// `name` is that of the object around this one.
fn search<'a>(node: &'a Node, path: &str, name: Option<&'a str>, found: &mut impl FnMut(Candidate<'a>)) {
    match &node.value {
        Value::Array(elements) => {
            for (index, entry) in elements.iter().enumerate() {
                search(entry, &element(path, index), None, found);
            }
        }
        Value::Object(members) => {
            if let Some(candidate) = wasm(node, path, name) {
                found(candidate);
                return;
            }
            let own = node.get("name").and_then(Node::text).or(name);
            for member in members {
                search(&member.value, &below(path, &member.key), own, found);
            }
        }
        _ => {}
    }
}

/// What a Wasm filter holds, written out or as a `TypedStruct`.
fn wasm<'a>(node: &'a Node, path: &str, name: Option<&'a str>) -> Option<Candidate<'a>> {
    let is_wasm =
        |name: &str| node.field(name).and_then(Node::text).is_some_and(|url| url.rsplit('/').next() == Some(WASM));
    let (node, path) = if is_wasm("@type") {
        (node, path.to_owned())
    } else if is_wasm("type_url") {
        (node.get("value")?, below(path, "value"))
    } else {
        return None;
    };
    let holder = node.get("config").unwrap_or(node);
    let path = below(&path, "config.configuration");
    let configuration = holder.get("configuration");
    let (value, path) = match configuration {
        Some(any) if any.get("@type").or_else(|| any.get("value")).is_some() => {
            (any.get("value"), below(&path, "value"))
        }
        other => (other, path),
    };
    let code = holder.field("vm_config").and_then(|vm| vm.get("code"));
    let local = code.and_then(|code| code.get("local")?.get("filename"));
    let remote = code.and_then(|code| code.get("remote")?.field("http_uri")?.get("uri"));
    let names = [holder.get("name"), holder.field("root_id"), local, remote];
    let names = names.into_iter().flatten().filter_map(Node::text).chain(name).collect();
    Some(Candidate { kind: Kind::Envoy, name, path, value, holder, names })
}
