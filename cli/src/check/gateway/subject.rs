//! A configuration that is looked at, with what holds it.

use super::calls::{self, Call};
use super::cursor::{Cursor, Origin};
use super::resources::{Resource, Resources};
use crate::check::configuration::{Configuration, Host, Kind};
use crate::document::node::Node;

#[derive(Debug)]
pub struct Subject<'a> {
    pub kind: Kind,
    pub host: Host,
    /// The index of the document that it is in.
    pub document: usize,
    /// The configuration itself.
    pub root: Option<Cursor<'a>>,
    /// What is said of the plugin: Envoy's `config` or `dynamic_module_config`, or the part of a specification.
    pub plugin: Option<Cursor<'a>>,
    pub resource: Option<Resource<'a>>,
    /// The values from the document down to the configuration.
    pub way: Vec<Cursor<'a>>,
    pub calls: Vec<Call<'a>>,
}

impl<'a> Subject<'a> {
    /// The configuration of this index, in a document.
    pub fn new(index: usize, configuration: &'a Configuration, document: &'a Node, resources: &Resources<'a>) -> Self {
        let path = &configuration.path;
        let way = way(Cursor::root(Origin::Document(configuration.document), document), path);
        let root = configuration.root.as_ref().map(|root| Cursor::root(Origin::Configuration(index), root));
        let resource = way.iter().rev().find_map(|at| resources.at(configuration.document, &at.path)).cloned();
        Self {
            kind: configuration.kind,
            host: configuration.host,
            document: configuration.document,
            plugin: plugin((configuration.kind, configuration.host), &way, resource.as_ref()),
            calls: root.as_ref().map(calls::of).unwrap_or_default(),
            root,
            resource,
            way,
        }
    }

    /// The specification of the resource that it is in.
    pub fn spec(&self) -> Option<Cursor<'a>> {
        self.resource.as_ref().and_then(Resource::spec)
    }

    /// The elements of an array of the configuration.
    pub fn list(&self, key: &'static str) -> impl Iterator<Item = Cursor<'a>> + use<'a> {
        self.root.clone().into_iter().flat_map(move |root| root.list(key))
    }

    /// Whether it is in a WasmPlugin or TrafficExtension.
    pub fn is_istio_plugin(&self) -> bool {
        matches!(self.kind, Kind::WasmPlugin | Kind::TrafficExtension)
    }
}

/// The values on the way to this path, the outermost first.
fn way<'a>(root: Cursor<'a>, path: &str) -> Vec<Cursor<'a>> {
    let mut way = vec![root];
    while let Some(here) = way.last() {
        let rest = path.strip_prefix(&*here.path).unwrap_or_default();
        let element = rest.strip_prefix('[').and_then(|rest| rest.split(']').next()?.parse().ok());
        let next = match element.and_then(|index| here.element(index)) {
            Some(element) => Some(element),
            None => {
                let inside = here.members().map(|(_, value)| value).filter(|value| leads_to(&value.path, path));
                inside.max_by_key(|value| value.path.len())
            }
        };
        let Some(next) = next else { break };
        way.push(next);
    }
    way
}

/// Whether the value at `path` is in that at `outer`, or is it.
fn leads_to(outer: &str, path: &str) -> bool {
    let rest = path.strip_prefix(outer);
    rest.is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

fn plugin<'a>((kind, host): (Kind, Host), way: &[Cursor<'a>], resource: Option<&Resource<'a>>) -> Option<Cursor<'a>> {
    match (kind, host) {
        (Kind::Plain, _) => None,
        (Kind::Envoy | Kind::EnvoyFilter, Host::Wasm) => way.iter().rev().find_map(|at| at.field("config")),
        (Kind::Envoy | Kind::EnvoyFilter, Host::Native) => {
            way.iter().rev().find_map(|at| at.field("dynamic_module_config"))
        }
        (Kind::WasmPlugin, _) => resource?.spec(),
        (Kind::TrafficExtension, _) => resource?.spec()?.get("wasm"),
        (Kind::EnvoyExtensionPolicy, host) => {
            let key = if host == Host::Wasm { "wasm" } else { "dynamicModule" };
            let list = resource?.spec()?.get(key)?;
            way.iter().find(|at| at.path.strip_prefix(&list.path).is_some_and(|rest| rest.starts_with('['))).cloned()
        }
    }
}
