//! What the configuration says about contracts.

use std::time::Duration;

use crate::base::secret::Secret;
use crate::contract::row::Row;

/// Where contracts come from and how long they may be trusted.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Contracts given in the configuration; of two for one identity the last holds.
    pub inline: Vec<Row>,
    /// The server that is polled for contracts.
    pub source: Option<SourceSettings>,
    /// After this long without a successful poll nothing counts as loaded; `None` = no bound.
    pub max_staleness: Option<Duration>,
    /// What holds until the source has answered for the first time.
    pub before_first_load: BeforeFirstLoad,
}

/// An HTTP server with the contract document.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Envoy cluster that reaches the server.
    pub cluster: Box<str>,
    /// `http` or `https`.
    pub scheme: Box<str>,
    /// Host, and port if there is one.
    pub authority: Box<str>,
    /// Path and query of the document, beginning with `/`.
    pub path: Box<str>,
    /// Time from the start of one poll to the start of the next.
    pub refresh: Duration,
    /// Time for one page.
    pub timeout: Duration,
    /// Further request headers, such as credentials.
    pub headers: Vec<(Box<str>, Secret)>,
}

/// What holds while a configured source has never been loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BeforeFirstLoad {
    /// Nothing: contracts count as not loaded.
    #[default]
    Refuse,
    /// The contracts of the configuration.
    Inline,
}
