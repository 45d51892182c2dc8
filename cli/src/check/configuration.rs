//! The plugin configurations in the files that were given.

use crate::document::node::{Node, Span};

/// What kind of object holds a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Envoy,
    WasmPlugin,
    TrafficExtension,
    EnvoyFilter,
    EnvoyExtensionPolicy,
}

/// What runs the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// A VM of Envoy's.
    Wasm,
    /// Envoy itself, which has loaded the filter as a dynamic module.
    Native,
}

#[derive(Clone, Debug)]
pub struct Configuration {
    /// The index of its document.
    pub document: usize,
    pub kind: Kind,
    pub host: Host,
    /// Where it is within the document; empty for a plain one.
    pub path: String,
    /// The name of the filter or resource.
    pub name: Option<String>,
    /// The plugin configuration, with places in the file; `None` where there is none, or none that can be read.
    pub root: Option<Node>,
    /// The Wasm configuration or dynamic module of Envoy, the `spec` of a resource, or an entry of its `wasm` or
    /// `dynamicModule`; of a plain one the document.
    pub holder: Node,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Envoy => "envoy",
            Self::WasmPlugin => "WasmPlugin",
            Self::TrafficExtension => "TrafficExtension",
            Self::EnvoyFilter => "EnvoyFilter",
            Self::EnvoyExtensionPolicy => "EnvoyExtensionPolicy",
        }
    }
}

impl Configuration {
    /// Where it is, or what should hold it.
    pub fn place(&self) -> Span {
        self.root.as_ref().unwrap_or(&self.holder).span
    }
}
