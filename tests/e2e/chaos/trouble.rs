//! What goes wrong, and comes right again.

use std::time::{Duration, Instant};

use serde_json::json;

use super::judge::Judge;
use super::{Scene, TARGET};
use crate::harness::answer::Answer;
use crate::harness::document_source::DocumentSource;
use crate::harness::eventually::{SOON, eventually};
use crate::hostile_traffic::random::Random;

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
    judge: &'a Judge,
    sets: usize,
}

impl<'a> Trouble<'a> {
    pub fn new(seed: u64, scene: &'a Scene, judge: &'a Judge) -> Self {
        Self { random: Random::seeded(seed), scene, judge, sets: 0 }
    }

    /// One trouble after the other, for so long.
    pub fn make(&mut self, span: Duration) {
        let began = Instant::now();
        while began.elapsed() < span {
            self.one();
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
    }

    fn bad_answer(&mut self) -> Answer {
        match self.random.below(10) {
            0 => Answer::reset(),
            1 => Answer::silence(),
            2 => Answer::status(403),
            3 => Answer::status(429).header("retry-after", "1"),
            4 => Answer::bytes(&b"HTTP/1.1 200 OK\r\ncontent-le\xffngth: nonsense\r\n\r\n"[..]),
            5 => Answer::json(json!({"active": "true"})),
            6 => Answer::json(json!({"contracts": 7})),
            7 => Answer::json(json!({"active": true})).truncated(),
            8 => Answer::status(200).body("<html>"),
            _ => Answer::status(503),
        }
    }

    fn one(&mut self) {
        let Self { scene, judge, .. } = self;
        let (scene, judge) = (*scene, *judge);
        match self.random.below(9) {
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
