//! `tessera explain` beside the filter, for every outcome that there is: what the one says of a request, the other does.

use crate::caller::A_TICK;
use crate::explained::assert_explains;
use crate::explained::cases::{Case, NEVER_EXPLAINED, assert_every_outcome_is_among, cases};
use crate::host::{Outcome as Became, Process, START, Worker};
use crate::module;
use crate::on_the_fake_host::exchange;
use crate::scenarios::Exchange;
use std::rc::Rc;
use std::time::Duration;
use tessera_cli::explain::answers::{Answers, TokenAnswer};
use tessera_cli::explain::explanation::Explanation;
use tessera_cli::explain::judge::Question;
use tessera_cli::explain::request;
use tessera_core::base::time::Timestamp;

const DOCUMENTATION: &str = include_str!("../../docs/command.md");

impl Case {
    /// What the filter does with it, when, and which outcome it notes.
    fn filtered(&self) -> (Exchange, Duration, String) {
        let process = Process::new(module(), &["idp", "keys", "contracts"]);
        let worker = process.worker(&self.configuration.to_string()).expect("a configuration that is accepted");
        self.settle(&process, &worker);
        let mut lines = vec![(":method".to_owned(), self.request.method.as_bytes().to_vec())];
        lines.push((":path".to_owned(), self.request.target.as_bytes().to_vec()));
        lines.extend(self.request.headers.iter().cloned());
        let (stream, now) = (worker.request(&lines), process.now());
        self.serve(&worker);
        if worker.outcome(stream) == Became::Paused {
            self.settle(&process, &worker);
        }
        let noted = worker.outcome_property(stream).expect("an outcome");
        let became = worker.outcome(stream);
        worker.hang_up(stream);
        (exchange(became), now, noted)
    }

    /// Lets the worker fetch what it fetches by itself.
    fn settle(&self, process: &Process, worker: &Worker) {
        for _ in 0..3 {
            process.advance(A_TICK);
            self.serve(worker);
        }
    }

    fn serve(&self, worker: &Worker) {
        while let Some(call) = worker.callouts().first() {
            let answer = match &*call.cluster {
                "contracts" => self.contracts.as_ref(),
                "keys" => Some(&self.keys),
                _ => self.facts.as_ref(),
            };
            match answer {
                Some(answer) => worker.answer_json(call.id, &answer.to_string()),
                None => worker.refuse_connection(call.id),
            }
        }
    }

    fn explained(&self, now: Duration) -> Explanation {
        let settings = tessera_core::config::read(self.configuration.to_string().as_bytes(), &|_| None);
        let lines = self.lines();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let request = request::Request::from_url(self.request.method.as_bytes(), self.url().as_bytes(), &lines);
        let question = Question {
            written: &self.configuration,
            settings: Rc::new(settings.expect("settings")),
            request: &request.expect("a request"),
            contracts: self.contracts.as_ref().map(|_| A_TICK),
            at: Timestamp::default().plus(now),
        };
        let token = self
            .facts
            .as_ref()
            .map_or(TokenAnswer::Unavailable, |facts| TokenAnswer::Facts(facts.to_string().into_bytes()));
        let answers = Answers {
            token: Some(token),
            keys: Some(self.keys.to_string().into_bytes()),
            contracts: self.contracts.as_ref().map(|document| document.to_string().into_bytes()),
            live: None,
        };
        question.explain(answers).expect("an explanation")
    }
}

#[test]
fn what_is_explained_is_what_the_filter_does() {
    for (outcome, case) in cases(START) {
        let (exchange, now, noted) = case.filtered();
        assert_eq!(noted, outcome.name(), "{:?}: {exchange:?}", case.request);
        let explanation = case.explained(now);
        assert_eq!(explanation.outcome, Some(outcome), "{}", explanation.to_json());
        assert_explains(&explanation, &case.request, &exchange);
    }
}

#[test]
fn every_outcome_is_explained_or_said_never_to_be() {
    assert_every_outcome_is_among(&cases(START));
    let sentence = DOCUMENTATION.lines().find(|line| line.contains("never shown")).expect("a line about it");
    for (outcome, _) in NEVER_EXPLAINED {
        assert!(sentence.contains(&format!("`{}`", outcome.name())), "{sentence}");
    }
}
