//! The periodic turn, and the calls that keep the contracts up to date.

use super::effect::{CallId, Effect};
use super::worker::Worker;
use crate::base::http::HttpResult;
use crate::base::time::Timestamp;
use crate::shared::store::SharedStore;

impl Worker {
    /// The periodic turn.
    pub fn on_tick(&mut self, store: &dyn SharedStore, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.tend_flights(store, now, &mut effects);
        effects
    }

    /// A call that is no introspection has ended.
    pub(super) fn on_contract_result(
        &mut self,
        _call: CallId,
        _result: HttpResult,
        _store: &dyn SharedStore,
        _now: Timestamp,
    ) -> Vec<Effect> {
        Vec::new()
    }
}
