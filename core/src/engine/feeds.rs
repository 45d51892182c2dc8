//! The feeds: what is polled.

use super::calls::Purpose;
use super::effect::{Cx, Effect};
use super::worker::Worker;
use crate::base::time::Timestamp;
use crate::contract::action::{Action, Report};

impl Worker {
    pub(super) fn poll(&mut self, cx: &mut Cx<'_>) {
        let actions = self.contracts.on_tick(cx.store, cx.now);
        self.enqueue(actions, cx);
        self.report_contracts(cx.now);
    }

    pub(super) fn enqueue(&mut self, actions: Vec<Action>, cx: &mut Cx<'_>) {
        for action in actions {
            cx.effects.push(match action {
                Action::Call(call, request) => Effect::Call(self.calls.open(Purpose::Contracts(call)), request),
                Action::Yield => Effect::Yield,
                Action::Log(level, line) => Effect::Log(level, line),
            });
        }
    }

    /// The worker is about to be shut down: another one may poll.
    pub(super) fn release_feeds(&mut self, cx: &mut Cx<'_>) {
        self.contracts.on_end(cx.store);
        let report = self.contracts.report(cx.now);
        self.count_polls(&report);
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
