//! What goes wrong, and comes right again.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use serde_json::json;

use super::callers::Callers;
use super::{FLOOD, Scene, TARGET, TIMEOUT, fatal};
use crate::harness::answer::Answer;
use crate::harness::document_source::DocumentSource;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::hostile_traffic::random::Random;

/// How long nobody gets an answer in a flood: less than an attempt may take.
const WHILE: Duration = Duration::from_secs(3);

/// A set of contracts whose tiers tell its number.
pub fn serve_contracts(source: &DocumentSource, number: usize) {
    let rows: Vec<_> =
        (0..200).map(|client| json!({"api": "orders", "client_id": format!("client-{client}")})).collect();
    let portal = json!({"api": "orders", "client_id": "portal", "tier": format!("tier-{number}")});
    let rows: Vec<_> = rows.into_iter().chain([portal]).collect();
    source.serve(TARGET, &format!("\"{number}\""), json!({"contracts": rows}));
}

pub struct Trouble<'a> {
    random: Random,
    scene: &'a Scene,
    callers: Callers<'a>,
    /// To whom sends the tokens of a flood.
    floods: Sender<Vec<String>>,
    rounds: usize,
    sets: usize,
}

impl<'a> Trouble<'a> {
    pub fn new(seed: u64, scene: &'a Scene, callers: Callers<'a>, floods: Sender<Vec<String>>) -> Self {
        Self { random: Random::seeded(seed), scene, callers, floods, rounds: 0, sets: 0 }
    }

    /// One trouble after the other, for so long. A server moves in each round, and something is lost.
    pub fn make(&mut self, span: Duration) {
        let began = Instant::now();
        self.rounds += 1;
        let mut due: Vec<fn(&mut Self)> = vec![Self::move_elsewhere, Self::strike];
        while !due.is_empty() || began.elapsed() < span {
            self.one();
            if let Some(due) = due.pop() {
                due(self);
            }
            let (at, pause) = (Instant::now(), Duration::from_millis(self.random.below(300) as u64));
            eventually(SOON, "the time", || (at.elapsed() >= pause).then_some(()));
        }
    }

    /// Both servers are well again.
    pub fn end(&mut self) {
        self.scene.server.come_back();
        self.scene.source.come_back();
        self.scene.server.answer_as_usual();
        self.scene.source.answer_as_usual();
        self.scene.server.forget_calls();
        self.scene.source.forget_polls();
    }

    /// More tokens at once than a worker introspects, none of which is known. The server knows no answer until that is too
    /// much for the worker, which this tells, or a while has passed.
    pub fn flood(&mut self) -> bool {
        let tokens: Vec<_> = (0..FLOOD).map(|_| format!("bad-{}", self.random.seed())).collect();
        let gate = Gate::default();
        let unknown = Answer::json(json!({"active": false})).held_by(&gate);
        tokens.iter().for_each(|token| self.scene.server.answer_for(token, unknown.clone()));
        let refused = || self.scene.envoy.sum_of("outcome.overloaded");
        let (before, began) = (refused(), Instant::now());
        let is_too_much = || refused() > before;
        self.floods.send(tokens).expect("somebody who sends them");
        let is_over = || is_too_much() || began.elapsed() > WHILE;
        eventually(SOON, "the end of a flood", || is_over().then_some(()));
        gate.open();
        is_too_much()
    }

    /// One of the servers is at another port from now on.
    fn move_elsewhere(&mut self) {
        let Scene { envoy, server, source, .. } = self.scene;
        match self.rounds % 2 {
            0 => envoy.moved("contracts", source.move_elsewhere()),
            _ => envoy.moved("idp", server.move_elsewhere()),
        }
    }

    fn strike(&mut self) {
        fatal::strike(self.callers);
    }

    fn bad_answer(&mut self) -> Answer {
        match self.random.below(12) {
            0 => Answer::reset(),
            1 => Answer::silence(),
            2 => Answer::status(403),
            3 => Answer::status(429).header("retry-after", "1"),
            4 => Answer::bytes(&b"HTTP/1.1 200 OK\r\ncontent-le\xffngth: nonsense\r\n\r\n"[..]),
            5 => Answer::json(json!({"active": "true"})),
            6 => Answer::json(json!({"contracts": 7})),
            7 => Answer::json(json!({"active": true})).truncated(),
            8 => Answer::status(200).body("<html>"),
            9 => Answer::json(json!({"active": true, "client_id": "portal"})).stalled(),
            10 => Answer::status(503).after(TIMEOUT + Duration::from_secs(1)),
            _ => Answer::status(503),
        }
    }

    fn one(&mut self) {
        let (scene, judge) = (self.scene, self.callers.judge);
        match self.random.below(12) {
            0..3 => {
                let count = 1 + self.random.below(12);
                let answers: Vec<_> = (0..count).map(|_| self.bad_answer()).collect();
                scene.server.answer_next(answers);
            }
            3 => scene.server.go_away(),
            4 => {
                let answers: Vec<_> = (0..3).map(|_| self.bad_answer()).collect();
                scene.source.answer_next(answers);
            }
            5 => scene.source.go_away(),
            6 => {
                self.sets += 1;
                serve_contracts(&scene.source, self.sets);
            }
            7 => self.move_elsewhere(),
            8 => self.strike(),
            9 => {
                self.flood();
            }
            _ => {}
        }
        if self.random.chance(60) {
            scene.server.come_back();
            scene.source.come_back();
        }
        for _ in 0..3 {
            judge.fades(&scene.server);
        }
        for _ in 0..self.random.below(5) {
            judge.revoke(&scene.server);
        }
    }
}
