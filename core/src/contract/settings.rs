//! The settings of contracts.

use std::time::Duration;

use crate::contract::row::Row;
use crate::feed::settings::FeedSettings;

/// Where contracts come from and how long they may be trusted.
#[derive(Clone, Debug, Default)]
pub struct ContractSettings {
    /// Contracts given in the configuration; of two for one identity the last holds.
    pub inline: Vec<Row>,
    /// The server that is polled for contracts.
    pub source: Option<FeedSettings>,
    /// After this long without a successful poll nothing counts as loaded; `None` = no bound.
    pub max_staleness: Option<Duration>,
    /// What holds until the source has answered for the first time.
    pub before_first_load: BeforeFirstLoad,
}

/// Which contracts apply before a configured source has been loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BeforeFirstLoad {
    #[default]
    Refuse,
    Inline,
}
