//! Many contracts: slices, space, growth and shrinking.

use super::*;

fn many(count: usize, tier: &str) -> String {
    snapshot(&(0..count).map(|n| row(&format!("client-{n}"), tier)).collect::<Vec<_>>())
}

fn bytes(store: &MemoryStore) -> usize {
    store.dump().iter().map(|(_, value)| value.len()).sum()
}

#[test]
fn a_hundred_thousand_with_one_bad() {
    let mut rows: Vec<_> = (0..100_000).map(|n| row(&format!("client-{n}"), "gold")).collect();
    rows[54_321] = "{}".into();
    let body = snapshot(&rows);
    let mut stage = Stage::new(move |_| ok(body.clone()));
    stage.tick();
    let report = stage.contracts.report(stage.now);
    assert_eq!((report.contracts, report.skipped), (Some(99_999), 1));
    assert!(stage.slices > 200, "{}", stage.slices);
    for n in (0..100_000).step_by(997) {
        assert_eq!(stage.tier(&format!("client-{n}")), "gold");
    }
    assert_eq!(stage.tier("client-54321"), "-");
    assert!(bytes(&stage.store) < 100_000 * 40, "{}", bytes(&stage.store));
}

#[test]
fn readers_keep_the_old_set_until_the_new_one_is_whole() {
    let mut stage = Stage::new(|_| ok(many(5000, "old")));
    stage.tick();
    let mut reader = stage.other(2);
    reader.on_tick(&stage.store, stage.now);
    stage.pass(REFRESH - Duration::from_secs(2));
    stage.script(|_| ok(many(5000, "new")));
    let mut actions = Vec::new();
    while actions.is_empty() {
        stage.now = stage.now.plus(TICK);
        actions = stage.contracts.on_tick(&stage.store, stage.now);
    }
    let Some(Action::Call(id, _)) = actions.pop() else {
        panic!("{actions:?}");
    };
    let mut actions = stage.contracts.on_answer(id, ok(many(5000, "new")), &stage.store, stage.now);
    let (mut seen, mut client) = (vec!["old".to_owned()], 0);
    while actions.iter().any(|action| matches!(action, Action::Yield)) {
        actions = stage.contracts.on_yield(&stage.store, stage.now);
        reader.on_tick(&stage.store, stage.now);
        for _ in 0..50 {
            client = (client + 37) % 5000;
            let name = format!("client-{client}");
            let now = tier(reader.find("a", "p", Some(&name), &stage.store, stage.now));
            if *seen.last().unwrap() != now {
                seen.push(now);
            }
        }
    }
    assert_eq!(seen, ["old", "new"]);
}

#[test]
fn space_is_used_again() {
    let mut stage = Stage::new(|_| ok(many(3000, "x")));
    stage.tick();
    let (keys, size) = (stage.store.dump().len(), bytes(&stage.store));
    for round in 0..4 {
        stage.script(move |_| ok(many(10, &round.to_string())));
        stage.until_next_poll();
        assert!(bytes(&stage.store) < 2000, "{}", bytes(&stage.store));
        stage.script(move |_| ok(many(3000, &round.to_string())));
        stage.until_next_poll();
        assert!(stage.store.dump().len() <= 2 * keys);
        assert!(bytes(&stage.store) <= size + 16, "{} {size}", bytes(&stage.store));
    }
}

#[test]
fn a_small_delta_writes_little_and_a_large_one_grows_the_table() {
    let first = many(3000, "x").replace("]}", r#"],"cursor":"1"}"#);
    let mut stage = Stage::new(move |_| ok(first.clone()));
    stage.tick();
    let before = stage.store.dump();
    stage.script(|_| ok(format!(r#"{{"changes":[{}],"cursor":"2"}}"#, row("client-7", "new"))));
    stage.until_next_poll();
    let after = stage.store.dump();
    let written = after.iter().filter(|pair| !before.contains(pair)).count();
    assert_eq!(written, 3, "one bucket, the root, the lease");
    assert_eq!((stage.tier("client-7"), stage.tier("client-8")), ("new".into(), "x".into()));
    let changes: Vec<_> = (2000..9000).map(|n| row(&format!("client-{n}"), "y")).collect();
    let body = format!(r#"{{"changes":[{}],"cursor":"3"}}"#, changes.join(","));
    stage.script(move |_| ok(body.clone()));
    stage.until_next_poll();
    assert_eq!(stage.contracts.report(stage.now).contracts, Some(9000));
    for n in 0..9000 {
        let wanted = if n == 7 {
            "new"
        } else if n < 2000 {
            "x"
        } else {
            "y"
        };
        assert_eq!(stage.tier(&format!("client-{n}")), wanted);
    }
}
