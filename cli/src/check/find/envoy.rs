//! Wasm filters and dynamic modules in Envoy's own configuration.

use super::candidate::{Candidate, below};
use crate::check::configuration::{Host, Kind};
use crate::document::node::{Node, Value};
use tessera_core::config::problem::element;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
const DYNAMIC_MODULE: &str = "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";

/// A bootstrap, or a file of resources.
pub(super) fn is_of_envoy(root: &Node) -> bool {
    ["static_resources", "dynamic_resources", "admin", "node", "@type"].iter().any(|name| root.field(name).is_some())
        || root.get("resources").is_some_and(|list| list.elements().iter().any(|entry| entry.get("@type").is_some()))
}

/// Every Wasm filter and dynamic module in it, however deep.
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
            if let Some(candidate) = wasm(node, path, name).or_else(|| dynamic_module(node, path, name)) {
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

/// What a Wasm filter holds.
fn wasm<'a>(node: &'a Node, path: &str, name: Option<&'a str>) -> Option<Candidate<'a>> {
    let (node, path) = typed(node, path, WASM)?;
    let holder = node.get("config").unwrap_or(node);
    let (value, path) = handed_over(holder.get("configuration"), below(&path, "config.configuration"));
    let code = holder.field("vm_config").and_then(|vm| vm.get("code"));
    let names = [holder.get("name"), holder.field("root_id")].into_iter().chain(code.map(sources).unwrap_or_default());
    let names = names.flatten().filter_map(Node::text).chain(name).collect();
    Some(Candidate { kind: Kind::Envoy, host: Host::Wasm, name, path, value, holder, names })
}

/// What a filter that is a dynamic module holds.
fn dynamic_module<'a>(node: &'a Node, path: &str, name: Option<&'a str>) -> Option<Candidate<'a>> {
    let (holder, path) = typed(node, path, DYNAMIC_MODULE)?;
    let key = if holder.get("filterConfig").is_some() { "filterConfig" } else { "filter_config" };
    let (value, path) = handed_over(holder.get(key), below(&path, key));
    let module = holder.field("dynamic_module_config");
    let code = module.and_then(|module| module.get("module"));
    let names = [holder.field("filter_name"), module.and_then(|module| module.get("name"))].into_iter();
    let names = names.chain(code.map(sources).unwrap_or_default());
    let names = names.flatten().filter_map(Node::text).chain(name).collect();
    Some(Candidate { kind: Kind::Envoy, host: Host::Native, name, path, value, holder, names })
}

/// A message of this type and its path, written out or as a `TypedStruct`.
fn typed<'a>(node: &'a Node, path: &str, message: &str) -> Option<(&'a Node, String)> {
    let is_named =
        |name: &str| node.field(name).and_then(Node::text).is_some_and(|url| url.rsplit('/').next() == Some(message));
    if is_named("@type") {
        Some((node, path.to_owned()))
    } else if is_named("type_url") {
        Some((node.get("value")?, below(path, "value")))
    } else {
        None
    }
}

/// What the filter gets of this `Any`, and its path.
fn handed_over(configuration: Option<&Node>, path: String) -> (Option<&Node>, String) {
    match configuration {
        Some(any) if any.get("@type").or_else(|| any.get("value")).is_some() => {
            (any.get("value"), below(&path, "value"))
        }
        other => (other, path),
    }
}

/// Where the code comes from: a file or a URL.
fn sources(code: &Node) -> [Option<&Node>; 2] {
    let local = code.get("local").and_then(|local| local.get("filename"));
    let remote = code.get("remote").and_then(|remote| remote.field("http_uri")?.get("uri"));
    [local, remote]
}
