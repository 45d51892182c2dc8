//! Resources of Istio and Envoy Gateway that hold Wasm filters and dynamic modules.

use super::candidate::{Candidate, below};
use super::envoy;
use crate::check::configuration::{Host, Kind};
use crate::document::node::Node;
use tessera_core::config::problem::element;

/// Every place in this resource where a configuration may be; `path` is that of the resource.
pub(super) fn candidates<'a>(resource: &'a Node, path: &str) -> Vec<Candidate<'a>> {
    let name = resource.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::text);
    let spec = resource.get("spec").unwrap_or(resource);
    let spec_path = below(path, "spec");
    match resource.get("kind").and_then(Node::text) {
        Some("List") => {
            let items = resource.get("items").map(Node::elements).unwrap_or_default();
            let items = items.iter().enumerate();
            items.flat_map(|(index, item)| candidates(item, &element(&below(path, "items"), index))).collect()
        }
        Some("WasmPlugin") => vec![plugin(Kind::WasmPlugin, spec, spec, &spec_path, name)],
        Some("TrafficExtension") => {
            let wasm = spec.get("wasm");
            // Without it, it is another kind of extension.
            let wasm = wasm.map(|wasm| plugin(Kind::TrafficExtension, wasm, spec, &below(&spec_path, "wasm"), name));
            wasm.into_iter().collect()
        }
        Some("EnvoyFilter") => {
            let patches = spec.get("configPatches");
            let patches = patches
                .map(|patches| envoy::candidates(patches, &below(&spec_path, "configPatches"), Kind::EnvoyFilter));
            let named = patches.unwrap_or_default().into_iter();
            named.map(|candidate| Candidate { name: candidate.name.or(name), ..candidate }).collect()
        }
        Some("EnvoyExtensionPolicy") => policy(spec, &spec_path, name),
        _ => Vec::new(),
    }
}

fn plugin<'a>(kind: Kind, wasm: &'a Node, holder: &'a Node, path: &str, name: Option<&'a str>) -> Candidate<'a> {
    let names = ["pluginName", "url"].iter().filter_map(|key| wasm.get(key)?.text()).chain(name).collect();
    let (host, path) = (Host::Wasm, below(path, "pluginConfig"));
    Candidate { kind, host, name, path, value: wasm.get("pluginConfig"), holder, names }
}

fn policy<'a>(spec: &'a Node, path: &str, name: Option<&'a str>) -> Vec<Candidate<'a>> {
    let entries = |key: &'static str| spec.get(key).map(Node::elements).unwrap_or_default();
    let (wasm, modules) = (entries("wasm"), entries("dynamicModule"));
    let entry = |host: Host, key: &str, index: usize, entry: &'a Node| {
        let url = |kind: &str| entry.get("code")?.get(kind)?.get("url");
        let names = [entry.get("name"), entry.get("rootID"), entry.get("filterName"), url("image"), url("http")];
        let mut names: Vec<&str> = names.into_iter().flatten().filter_map(Node::text).collect();
        // The policy's name is that of its only filter.
        names.extend(name.filter(|_| wasm.len() + modules.len() == 1));
        Candidate {
            kind: Kind::EnvoyExtensionPolicy,
            host,
            name,
            path: below(&element(&below(path, key), index), "config"),
            value: entry.get("config"),
            holder: entry,
            names,
        }
    };
    let wasm = wasm.iter().enumerate().map(|(index, node)| entry(Host::Wasm, "wasm", index, node));
    let modules = modules.iter().enumerate().map(|(index, node)| entry(Host::Native, "dynamicModule", index, node));
    wasm.chain(modules).collect()
}
