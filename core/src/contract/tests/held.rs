//! A source that holds polls until there is something to tell.

use super::*;
use crate::base::secret::Secret;
use crate::feed::schedule::LEAST_BETWEEN_HELD;

const JSON: (&str, &str) = ("content-type", "application/json");
const APPLIED: (&str, &str) = ("preference-applied", "respond-async, Wait=20");

fn changes(tier: &str, told: &[(&str, &str)]) -> HttpResult {
    let rows = if tier.is_empty() { String::new() } else { row("c", tier) };
    answer(200, told, format!(r#"{{"changes":[{rows}],"cursor":"1"}}"#))
}

fn whole() -> String {
    format!(r#"{{"contracts":[{}],"cursor":"0"}}"#, row("c", "gold"))
}

/// A worker that has loaded a document with a cursor, and whose polls the test answers when it likes.
struct Held {
    stage: Stage,
    /// The poll under way.
    call: Option<PageCall>,
    path: String,
    polls: usize,
}

impl Held {
    fn new() -> Self {
        Self::asking("wait=20")
    }

    fn asking(prefer: &str) -> Self {
        let source = FeedSettings { headers: vec![("prefer".into(), Secret::new(prefer))], ..source_settings() };
        let settings = ContractSettings { source: Some(source), ..settings() };
        let mut stage = Stage::with(settings, |_| ok(whole()));
        stage.tick();
        stage.script(|_| panic!("the test answers"));
        let mut held = Self { stage, call: None, path: String::new(), polls: 0 };
        held.until_asked();
        held
    }

    fn take(&mut self, mut actions: Vec<Action>) {
        while !actions.is_empty() {
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::Call(call, request) => {
                        self.path = asked(&request).path;
                        assert_eq!(self.call.replace(call), None);
                        self.polls += 1;
                    }
                    Action::Yield => actions.extend(self.stage.contracts.on_yield(&self.stage.store, self.stage.now)),
                    Action::Log(..) => {}
                }
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.stage.now.plus(span);
        while self.stage.now < end {
            self.stage.now = self.stage.now.plus(TICK.min(span));
            let actions = self.stage.contracts.on_tick(&self.stage.store, self.stage.now);
            self.take(actions);
        }
    }

    /// How long until the next poll is sent.
    fn until_asked(&mut self) -> Duration {
        let start = self.stage.now;
        while self.call.is_none() {
            assert!(self.stage.now.since(start) < REFRESH * 3, "no poll");
            self.pass(TICK);
        }
        self.stage.now.since(start)
    }

    fn answer(&mut self, result: HttpResult) {
        let call = self.call.take().expect("a poll is under way");
        let actions = self.stage.contracts.on_answer(call, result, &self.stage.store, self.stage.now);
        self.take(actions);
    }
}

#[test]
fn the_next_poll_is_sent_with_the_answer_of_one_that_was_held() {
    let mut held = Held::new();
    for tier in ["silver", "", "bronze"] {
        held.pass(Duration::from_millis(700));
        held.answer(changes(tier, &[JSON, APPLIED, ("etag", "\"1\"")]));
        assert!(held.call.is_some() && held.path.starts_with("/c?since="), "{tier}");
    }
    held.pass(Duration::from_millis(700));
    held.answer(answer(304, &[APPLIED], ""));
    assert!(held.call.is_some());
    assert_eq!(held.stage.tier("c"), "bronze");
    assert_eq!(held.polls, 5);
}

#[test]
fn a_server_that_had_news_at_once_need_not_say_that_it_would_have_waited() {
    let mut held = Held::new();
    held.pass(Duration::from_millis(700));
    held.answer(changes("silver", &[JSON, APPLIED]));
    for tier in ["a", "b", "c"] {
        held.pass(LEAST_BETWEEN_HELD / 4);
        held.answer(changes(tier, &[JSON]));
        assert!(held.until_asked() <= TICK, "{tier}");
    }
    // It does not wait any more: it would have now.
    held.answer(changes("", &[JSON]));
    assert!(held.until_asked() >= REFRESH.mul_f64(0.8));
    held.answer(changes("d", &[JSON]));
    assert!(held.until_asked() >= REFRESH.mul_f64(0.8));
}

#[test]
fn a_server_that_says_so_and_never_waits_is_asked_ten_times_a_second_at_most() {
    let mut held = Held::new();
    let before = held.polls;
    for millis in 0..2000 {
        if held.call.is_some() {
            held.answer(changes(["a", "b"][millis % 2], &[JSON, APPLIED]));
        }
        held.pass(Duration::from_millis(1));
    }
    let polls = held.polls - before;
    assert!((15..=20).contains(&polls), "{polls}");
}

#[test]
fn a_poll_that_fails_backs_off_wherever_others_were_held() {
    let mut held = Held::new();
    held.pass(Duration::from_millis(700));
    held.answer(changes("silver", &[JSON, APPLIED]));
    held.pass(Duration::from_millis(700));
    held.answer(answer(503, &[APPLIED, ("retry-after", "5")], ""));
    assert!(held.until_asked() >= Duration::from_secs(5));
    for other in ["", "wait-for-it=1", "respond-async; wait=1", "awaited", "wait=0"] {
        held.answer(changes("", &[JSON, ("preference-applied", other)]));
        assert!(held.until_asked() >= REFRESH.mul_f64(0.8), "{other}");
    }
}

#[test]
fn who_was_not_asked_to_wait_does_not_hold_polls_whatever_it_says() {
    for prefer in ["wait=0", "wait=soon", "respond-async", "return=minimal; wait=20"] {
        let mut held = Held::asking(prefer);
        held.pass(Duration::from_millis(700));
        held.answer(changes("silver", &[JSON, APPLIED]));
        assert!(held.until_asked() >= REFRESH.mul_f64(0.8), "{prefer}");
    }
}

#[test]
fn what_takes_its_time_when_it_has_come_is_followed_by_a_rest() {
    let mut held = Held::new();
    for _ in 0..3 {
        let next = ("link", "</c?since=0&page=2>; rel=\"next\"");
        held.answer(changes("silver", &[JSON, APPLIED, next]));
        held.pass(LEAST_BETWEEN_HELD * 2);
        held.answer(changes("gold", &[JSON, APPLIED]));
        assert!(held.until_asked() >= REFRESH.mul_f64(0.8));
    }
    // How long the server held it before that is no part of it.
    held.pass(REFRESH / 2);
    held.answer(changes("silver", &[JSON, APPLIED]));
    assert!(held.call.is_some());
}

#[test]
fn a_repair_does_not_wait_for_a_poll_that_is_held() {
    use crate::port::{Expect, SharedStore};
    let mut held = Held::new();
    held.pass(TICK);
    for (key, value) in held.stage.store.dump() {
        if !key.ends_with("/root") && !key.ends_with("/lease") && !value.is_empty() {
            held.stage.store.set(&key, b"junk", Expect::Anything).unwrap();
        }
    }
    assert_eq!(held.stage.tier("c"), "?");
    let dropped = held.call.take().unwrap();
    held.pass(TICK * 3);
    assert_eq!((held.path.as_str(), held.call.is_some()), ("/c", true));
    let actions = held.stage.contracts.on_answer(dropped, changes("", &[JSON]), &held.stage.store, held.stage.now);
    held.take(actions);
    held.answer(ok(whole()));
    assert_eq!(held.stage.tier("c"), "gold");
}
