//! The periodic turn, and the calls that keep the contracts up to date.

use super::effect::{CallId, Effect};
use super::worker::Worker;
use crate::base::http::HttpResult;
use crate::base::time::Timestamp;
use crate::contract::contracts::{Action, Report};
use crate::port::SharedStore;

impl Worker {
    /// The periodic turn.
    pub fn on_tick(&mut self, store: &dyn SharedStore, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.tend_flights(store, now, &mut effects);
        let actions = self.contracts.on_tick(store, now);
        self.act(actions, &mut effects);
        self.report_contracts(now);
        effects
    }

    /// The next slice of a large set of contracts.
    pub fn on_yield(&mut self, store: &dyn SharedStore, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let actions = self.contracts.on_yield(store, now);
        self.act(actions, &mut effects);
        effects
    }

    /// A call that is no introspection has ended.
    pub(super) fn on_contract_result(
        &mut self,
        call: CallId,
        result: HttpResult,
        store: &dyn SharedStore,
        now: Timestamp,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        // An introspection that ended without its call is answered too late: nobody waits for it.
        if let Some(call) = self.contract_calls.remove(&call) {
            let actions = self.contracts.on_answer(call, result, store, now);
            self.act(actions, &mut effects);
        }
        effects
    }

    fn act(&mut self, actions: Vec<Action>, effects: &mut Vec<Effect>) {
        for action in actions {
            effects.push(match action {
                Action::Call(call, request) => {
                    let id = self.next_call();
                    self.contract_calls.insert(id, call);
                    Effect::Call(id, request)
                }
                Action::Yield => Effect::Yield,
                Action::Log(level, line) => Effect::Log(level, line),
            });
        }
    }

    /// The worker is about to go. What it has counted is ready to be told, its calls under way are its no longer, and
    /// another may poll.
    pub fn on_end(&mut self, store: &dyn SharedStore, now: Timestamp) {
        self.contracts.on_end(store);
        let report = self.contracts.report(now);
        self.count_polls(&report);
        self.metrics.in_flight(0);
    }

    fn report_contracts(&mut self, now: Timestamp) {
        let report = self.contracts.report(now);
        self.count_polls(&report);
        if let Some(contracts) = report.contracts {
            self.metrics.gauge("tessera_contracts", contracts);
        }
        if let Some(age) = report.age {
            self.metrics.gauge("tessera_contracts_age_s", age.as_secs());
        }
    }

    fn count_polls(&mut self, report: &Report) {
        self.metrics.polls([report.changed, report.unchanged, report.failed], report.skipped);
    }
}
