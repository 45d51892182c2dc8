//! The connection managers that run a filter, and where in their order.

use super::cursor::Cursor;
use super::envoy::Envoy;
use super::subject::Subject;

/// A connection manager, and the place of the filter in it.
#[derive(Debug)]
pub struct Chain<'a> {
    pub manager: Cursor<'a>,
    /// The entry of `http_filters`.
    pub filter: Cursor<'a>,
    position: usize,
}

impl<'a> Chain<'a> {
    /// The chains that run the filter with this configuration.
    pub fn all(subject: &Subject<'a>, envoy: &Envoy<'a>) -> Vec<Self> {
        let discovered = subject.way.iter().rev().find(|at| at.is_type(".TypedExtensionConfig"));
        let name = discovered.and_then(|at| at.text_of("name"));
        let is_run = |filter: &Cursor<'a>| {
            let holds = subject.way.iter().any(|at| at.origin == filter.origin && at.path == filter.path);
            holds || name.is_some_and(|name| is_fetched(filter, name))
        };
        let chains = envoy.managers.iter().flat_map(|manager| {
            let entries = manager.repeated("http_filters").enumerate();
            entries.map(|(position, filter)| Self { manager: manager.clone(), filter, position })
        });
        chains.filter(|chain| is_run(&chain.filter)).collect()
    }

    pub fn filters_behind(&self) -> impl Iterator<Item = Cursor<'a>> + use<'a> {
        self.manager.repeated("http_filters").skip(self.position + 1)
    }

    /// Whether the filter runs for some requests only, by a matcher around it.
    pub fn is_conditional(&self) -> bool {
        let config = self.filter.field("typed_config");
        config.is_some_and(|config| config.is_type(".ExtensionWithMatcher") || config.is_type(".Composite"))
    }
}

/// Whether the entry is filled by the extension configuration of this name.
fn is_fetched(filter: &Cursor<'_>, name: &str) -> bool {
    filter.text_of("name") == Some(name) && filter.field("config_discovery").is_some()
}
