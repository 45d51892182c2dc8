//! `tessera explain` beside Envoy, for every outcome that there is: from the same configuration, request and answers, what
//! the command says of a request is what Envoy does.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tessera_core::outcome::Outcome;

use crate::explained::assert_tells;
use crate::explained::cases::{Case, assert_every_outcome_is_among, cases};
use crate::harness::answer::Answer;
use crate::harness::command::tessera;
use crate::harness::document_source::DocumentSource;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::Gateway;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;
use crate::on_envoy::exchange;

#[test]
fn what_is_explained_is_what_envoy_does() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let cases = cases(now);
    assert_every_outcome_is_among(&cases);
    for cases in cases.chunk_by(|(_, one), (_, next)| is_of_one_envoy(one, next)) {
        let scene = Scene::start(cases);
        for (outcome, case) in cases {
            scene.assert_agree(*outcome, case);
        }
        let noted: Vec<String> =
            scene.gateway.envoy.await_accesses(cases.len()).into_iter().map(|access| access.outcome).collect();
        let expected: Vec<&str> = cases.iter().map(|(outcome, _)| outcome.name()).collect();
        assert_eq!(noted, expected);
        scene.gateway.envoy.assert_no_vm_reload();
    }
}

/// An Envoy has one configuration, and one document of contracts.
fn is_of_one_envoy(one: &Case, next: &Case) -> bool {
    one.configuration == next.configuration && one.contracts == next.contracts
}

/// An Envoy with the servers of some cases, and what the command is given.
struct Scene {
    gateway: Gateway,
    _sources: [DocumentSource; 2],
    scratch: Scratch,
}

impl Scene {
    #[track_caller]
    fn start(cases: &[(Outcome, Case)]) -> Self {
        let (_, first) = cases.first().expect("a case");
        let [keys, contracts] = [(); 2].map(|()| DocumentSource::start());
        keys.answer_for("/keys", Answer::json(first.keys.clone()));
        // One worker, so that the access log has the requests in their order.
        let gateway = Gateway::start_with(first.configuration.clone(), |builder| {
            let builder = builder.cluster("keys", keys.port()).workers(1);
            let Some(document) = &first.contracts else { return builder.dead_cluster("contracts") };
            contracts.answer_for("/v1", Answer::json(document.clone()));
            builder.cluster("contracts", contracts.port())
        });
        for (_, Case { token, facts, .. }) in cases {
            secrecy::register(token);
            gateway.server.answer_for(token, facts.clone().map_or_else(Answer::reset, Answer::json));
        }
        let scene = Self { gateway, _sources: [keys, contracts], scratch: Scratch::new("explained") };
        scene.await_contracts(first);
        scene
    }

    /// Until the document is in force, where there is one that can be.
    #[track_caller]
    fn await_contracts(&self, case: &Case) {
        let Some(rows) = case.contracts.as_ref().and_then(|document| document["contracts"].as_array()) else { return };
        let loaded = || self.gateway.envoy.stat("wasmcustom.tessera_contracts") == Some(rows.len() as u64);
        eventually(SOON, "the contracts of the source", || loaded().then_some(()));
    }

    #[track_caller]
    fn assert_agree(&self, outcome: Outcome, case: &Case) {
        let exchange = exchange(&self.gateway.envoy, &self.gateway.upstream, &case.request);
        let told = self.explain(case);
        assert_eq!(told["outcome"], outcome.name(), "{told} of {exchange:?}");
        assert_tells(&told, &case.request, &exchange);
    }

    /// What the command prints.
    #[track_caller]
    fn explain(&self, case: &Case) -> Value {
        let file = |name: &str, content: &Value| {
            let path = self.scratch.file(name);
            fs::write(&path, content.to_string()).expect("write a file for the command");
            path.to_str().expect("a text").to_owned()
        };
        let mut arguments = vec!["--json".to_owned(), "explain".into(), "-X".into(), case.request.method.into()];
        for line in case.lines() {
            arguments.extend(["-H".to_owned(), String::from_utf8(line).expect("text")]);
        }
        match &case.facts {
            Some(facts) => arguments.extend(["--facts".to_owned(), file("facts.json", facts)]),
            None => arguments.push("--unavailable".to_owned()),
        }
        arguments.extend(["--keys".to_owned(), file("keys.json", &case.keys)]);
        if let Some(contracts) = &case.contracts {
            arguments.extend(["--contracts".to_owned(), file("contracts.json", contracts)]);
        }
        arguments.extend([file("configuration.json", &case.configuration), case.url()]);
        let ran = tessera(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        ran.json()
    }
}
