//! A source that does not do what it should: nothing is granted that should not be, what was loaded last holds.

use super::*;
use crate::base::http::NoAnswer;
use crate::contract::transfer::MAX_PAGES;
use crate::feed::schedule::LONGEST_BACKOFF;
use crate::port::{Expect, SharedStore, Versioned, WriteError};
use log::Level;

/// Loads a contract, then lets the source answer with `script`: the poll has to fail and change nothing.
fn fails(script: impl FnMut(&Asked) -> HttpResult + 'static) -> Stage {
    let mut stage = Stage::new(|_| ok(one("gold")));
    stage.tick();
    stage.script(script);
    let generation = stage.contracts.generation();
    let before = stage.contracts.report(stage.now);
    assert_eq!((before.changed, before.failed), (1, 0));
    stage.until_next_poll();
    let after = stage.contracts.report(stage.now);
    assert_eq!((after.changed, after.unchanged, after.failed), (0, 0, 1), "{:?}", stage.log);
    assert_eq!(stage.contracts.generation(), generation);
    assert_eq!((stage.tier("c"), stage.tier("evil")), ("gold".into(), "-".into()));
    stage
}

fn evil() -> String {
    snapshot(&[row("c", "evil"), row("evil", "evil")])
}

#[test]
fn a_source_that_is_down_at_the_start_is_asked_again_soon() {
    let mut stage = Stage::new(|_| HttpResult::Failed(NoAnswer::TimedOut));
    stage.tick();
    assert_eq!(stage.tier("c"), "?");
    let pauses: Vec<_> = (0..14).map(|_| stage.until_next_poll()).collect();
    assert!(pauses[0] <= Duration::from_millis(1500), "{pauses:?}");
    assert!(pauses[4] > pauses[1], "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= LONGEST_BACKOFF + TICK), "{pauses:?}");
    assert!(pauses[13] >= LONGEST_BACKOFF.mul_f64(0.8), "{pauses:?}");
    assert_eq!(stage.tier("c"), "?");
    stage.script(|_| ok(one("gold")));
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "gold");
    let pause = stage.until_next_poll();
    assert!(pause <= REFRESH + TICK * 2, "the usual period again: {pause:?}");
}

#[test]
fn every_wrong_answer_keeps_what_is_loaded() {
    fails(|_| HttpResult::Failed(NoAnswer::TimedOut));
    for status in [0, 204, 206, 301, 302, 307, 400, 401, 403, 404, 410, 429, 500, 503] {
        fails(move |_| answer(status, &[("location", "/elsewhere")], evil()));
    }
    fails(|_| answer(304, &[], ""));
    for kind in ["text/html", "text/plain; x=application/json", "application/jsonx", "", "\u{ff}"] {
        fails(move |_| answer(200, &[("content-type", kind)], evil()));
    }
    for body in ["", "null", "[]", "{}", "<html>", "{\"contracts\":{}}", "{\"contracts\":null}"] {
        fails(move |_| ok(body));
    }
    fails(|_| ok(&evil().as_bytes()[..evil().len() - 1]));
    fails(|_| ok(format!(r#"{{"changes":[{}]}}"#, row("evil", "evil"))));
    fails(|_| HttpResult::Answered(HttpAnswer { status: 200, headers: vec![], body: Body::TooLarge(1 << 30) }));
    fails(|_| answer(200, &[("content-encoding", "gzip")], evil()));
}

#[test]
fn retry_after_is_honoured() {
    for (value, least) in [("30", 30), ("Fri, 15 Jan 2027 08:02:00 GMT", 0)] {
        let mut stage = Stage::new(move |_| answer(429, &[("retry-after", value)], ""));
        stage.tick();
        let least = if least == 0 { 1_800_000_120 - 1_800_000_000 } else { least };
        let pause = stage.until_next_poll();
        assert!(pause >= Duration::from_secs(least), "{value}: {pause:?}");
        assert!(pause <= Duration::from_secs(least) + TICK, "{value}: {pause:?}");
    }
}

#[test]
fn a_page_that_fails_spoils_all() {
    let paged = |second: fn() -> HttpResult| {
        move |asked: &Asked| match asked.path.as_str() {
            "/c" => answer(200, &[("link", "</2>; rel=next")], evil()),
            _ => second(),
        }
    };
    fails(paged(|| HttpResult::Failed(NoAnswer::TimedOut)));
    fails(paged(|| answer(500, &[], "")));
    fails(paged(|| answer(304, &[], "")));
    fails(paged(|| ok("{")));
    fails(paged(|| ok("{}")));
    fails(paged(|| ok(r#"{"changes":[]}"#)));
    let mut stage = fails(paged(|| answer(200, &[("link", "</c>; rel=next")], evil())));
    assert!(stage.log.pop().unwrap().contains("circle"));
    fails(paged(|| answer(200, &[("link", "https://evil.example/3; rel=next")], evil())));
    fails(|_| answer(200, &[("link", "<https://evil.example/2>; rel=next")], evil()));
}

#[test]
fn pages_without_end_are_not_followed_for_ever() {
    let mut page = 0;
    let stage = fails(move |_| {
        page += 1;
        answer(200, &[("link", &format!("<?page={page}>; rel=next"))], evil())
    });
    assert_eq!(stage.asked.len(), 1 + MAX_PAGES);
}

#[test]
fn a_delta_that_cannot_be_used_starts_over() {
    let mut stage = Stage::new(|_| ok(r#"{"contracts":[],"cursor":"1"}"#));
    stage.tick();
    stage.script(|_| ok("<html>"));
    stage.until_next_poll();
    stage.script(|_| ok(one("gold")));
    stage.until_next_poll();
    assert_eq!(stage.last().path, "/c");
    // A server that merely fails is asked for the same delta again.
    stage.script(|_| ok(r#"{"contracts":[],"cursor":"2"}"#));
    stage.until_next_poll();
    stage.script(|_| answer(500, &[], ""));
    stage.until_next_poll();
    stage.until_next_poll();
    assert_eq!(stage.last().path, "/c?since=2");
}

#[test]
fn bad_rows_are_skipped_counted_and_named_by_position() {
    let mut rows: Vec<_> = (0..100).map(|n| row(&n.to_string(), "gold")).collect();
    rows[17] = r#"{"api":"a","client_id":"","tier":"Secret"}"#.into();
    rows[40] = r#"["Secret"]"#.into();
    let body = snapshot(&rows);
    let mut stage = Stage::new(move |_| ok(body.clone()));
    stage.tick();
    let report = stage.contracts.report(stage.now);
    assert_eq!((report.skipped, report.contracts, report.changed), (2, Some(98), 1));
    let lines: Vec<_> = stage.log.iter().filter(|line| line.contains("cannot be read")).collect();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("2 cannot") && lines[0].contains("[17]: client_id: is empty"));
    assert!(lines[0].contains("[40]") && !stage.log.concat().contains("Secret"));
    assert!(!lines[0].contains('…'));
    assert_eq!((stage.tier("16"), stage.tier("18")), ("gold".into(), "gold".into()));
}

#[test]
fn of_many_bad_rows_the_first_eight_are_named() {
    for (bad, more) in [(8, false), (9, true), (20, true)] {
        let mut stage = Stage::new(move |_| ok(snapshot(&vec!["7".into(); bad])));
        stage.tick();
        let line = stage.log.iter().find(|line| line.contains("cannot be read")).unwrap();
        assert_eq!((line.matches(": ").count(), line.ends_with("; …")), (1 + 8, more), "{line}");
        assert_eq!(stage.contracts.report(stage.now).skipped, bad as u64);
    }
}

#[test]
fn removed_in_a_snapshot_is_a_status_that_does_not_grant() {
    let mut stage =
        Stage::new(|_| ok(snapshot(&[row("c", "gold"), r#"{"api":"a","client_id":"c","status":"removed"}"#.into()])));
    stage.tick();
    assert_eq!(stage.tier("c"), "Unknown");
}

#[test]
fn too_old_is_not_loaded_until_a_poll_succeeds() {
    let own = ContractSettings { max_staleness: Some(Duration::from_secs(30)), ..settings() };
    let mut stage = Stage::with(own, |_| ok(one("gold")));
    stage.tick();
    stage.script(|_| HttpResult::Failed(NoAnswer::TimedOut));
    stage.pass(Duration::from_secs(30));
    assert_eq!(stage.tier("c"), "gold");
    let generation = stage.contracts.generation();
    stage.pass(TICK);
    assert_eq!(stage.tier("c"), "?");
    assert_ne!(stage.contracts.generation(), generation);
    stage.script(|_| ok(one("gold")));
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "gold");
}

/// Puts something else in the place of every contract.
fn damage(store: &MemoryStore, junk: &[u8]) {
    for (key, value) in store.dump() {
        if !key.ends_with("/root") && !key.ends_with("/lease") && !value.is_empty() {
            store.set(&key, junk, Expect::Anything).unwrap();
        }
    }
}

#[test]
fn damaged_shared_data_grants_nothing_and_is_loaded_anew() {
    for junk in [&b""[..], b"junk", &[1; 40]] {
        let mut stage = Stage::new(|_| answer(200, &[("etag", "\"1\"")], one("gold")));
        stage.tick();
        damage(&stage.store, junk);
        assert_eq!(stage.tier("c"), "?");
        stage.until_next_poll();
        assert_eq!(stage.last().etag, None);
        assert_eq!(stage.tier("c"), "gold");

        stage.store.set("t/contracts/3/root", junk, Expect::Anything).unwrap();
        stage.pass(TICK);
        assert_eq!(stage.tier("c"), "gold", "polled at once");
    }
}

/// Each request of each worker notices the damage, and the poll that mends it takes longer than the time between two
/// looks: they must not undo what it goes on from.
#[test]
fn damaged_shared_data_is_loaded_anew_whoever_notices_meanwhile() {
    let mut stage = Stage::new(|_| answer(200, &[("etag", "\"1\"")], one("gold")));
    stage.tick();
    damage(&stage.store, b"junk");
    let others = [stage.other(2), stage.other(3)];
    let Stage { store, mut now, contracts, .. } = stage;
    let mut workers: Vec<Contracts> = std::iter::once(contracts).chain(others).collect();
    let mut calls: Vec<(usize, PageCall, Timestamp)> = Vec::new();
    let mut tiers = Vec::new();
    let end = now.plus(REFRESH * 3);
    while now < end {
        now = now.plus(TICK);
        tiers.clear();
        for (number, worker) in workers.iter_mut().enumerate() {
            tiers.push(tier(worker.find("a", "p", Some("c"), &store, now)));
            let mut actions = worker.on_tick(&store, now);
            let answered = calls.extract_if(.., |(of, _, due)| *of == number && *due <= now);
            for (_, call, _) in answered {
                actions.extend(worker.on_answer(call, ok(one("gold")), &store, now));
            }
            while let Some(action) = actions.pop() {
                match action {
                    Action::Call(call, _) => calls.push((number, call, now.plus(TICK * 8))),
                    Action::Yield => actions.extend(worker.on_yield(&store, now)),
                    Action::Log(..) => {}
                }
            }
        }
    }
    assert_eq!(tiers, ["gold"; 3]);
}

/// Takes everything but a new root.
struct Full(MemoryStore);

impl SharedStore for Full {
    fn get(&self, key: &str) -> Option<Versioned> {
        self.0.get(key)
    }

    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
        if key.ends_with("/root") { Err(WriteError::Unavailable) } else { self.0.set(key, value, expect) }
    }
}

#[test]
fn a_poll_that_shared_data_does_not_take_has_failed_and_says_why() {
    for (full, reason) in [(false, "another worker was faster"), (true, "shared data refused a write")] {
        for (result, in_force) in
            [(ok(one("silver")), "silver"), (ok(one("gold")), "gold"), (answer(500, &[], ""), "-")]
        {
            let mut stage = Stage::new(|_| ok(one("gold")));
            stage.tick();
            stage.contracts.report(stage.now);
            stage.now = stage.now.plus(REFRESH * 2);
            let [Action::Call(call, _)] = stage.contracts.on_tick(&stage.store, stage.now)[..] else {
                panic!("no poll is due")
            };
            let root = "t/contracts/3/root";
            let before = stage.store.get(root).unwrap().value;
            let store: Box<dyn SharedStore> = if full {
                Box::new(Full(stage.store.clone()))
            } else {
                stage.store.set(root, &before, Expect::Anything).unwrap();
                Box::new(stage.store.clone())
            };
            let actions = stage.contracts.on_answer(call, result, &*store, stage.now);
            let [Action::Log(Level::Warn, line)] = &actions[..] else { panic!("{actions:?}") };
            assert_eq!(*line, format!("contracts: poll dropped, {reason}"));
            let report = stage.contracts.report(stage.now);
            assert_eq!((report.changed, report.unchanged, report.failed), (0, 0, 1), "{in_force}");
            assert_eq!((stage.store.get(root).unwrap().value, stage.tier("c")), (before, "gold".into()));
            // It does not try again in the same moment.
            assert!(stage.contracts.on_tick(&stage.store, stage.now).is_empty());
            if in_force != "-" {
                stage.script(move |_| ok(one(in_force)));
                stage.until_next_poll();
                assert_eq!(stage.tier("c"), in_force);
            }
        }
    }
}

#[test]
fn a_clock_set_back_does_not_stop_the_polls() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    stage.tick();
    stage.now = stage.now.minus(Duration::from_secs(86_400));
    assert_eq!(stage.tier("c"), "gold");
    stage.script(|_| ok(one("silver")));
    assert!(stage.until_next_poll() <= Duration::from_secs(5));
    assert_eq!(stage.tier("c"), "silver");
}
