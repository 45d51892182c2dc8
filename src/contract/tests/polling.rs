//! What a poll asks, and what its answers bring about.

use super::*;

#[test]
fn the_first_poll_is_sent_at_the_first_tick() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    assert_eq!(stage.tier("c"), "?");
    let before = stage.contracts.generation();
    stage.tick();
    assert_eq!(stage.asked, [Asked { path: "/c".into(), etag: None }]);
    assert_ne!(stage.contracts.generation(), before);
    assert_eq!((stage.tier("c"), stage.tier("d")), ("gold".into(), "-".into()));
    let report = stage.contracts.report(stage.now);
    assert_eq!((report.changed, report.contracts), (1, Some(1)));
    assert_eq!(report.age, Some(Duration::ZERO));
}

#[test]
fn a_change_is_in_force_within_refresh_and_a_second_in_every_worker() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    let mut other = stage.other(2);
    stage.tick();
    other.on_tick(&stage.store, stage.now);
    for _ in 0..20 {
        let wanted = format!("{:?}", stage.now);
        let body = one(&wanted);
        stage.script(move |_| ok(body.clone()));
        let start = stage.now;
        loop {
            stage.pass(TICK);
            assert!(other.on_tick(&stage.store, stage.now).is_empty());
            let found = other.find("a", "p", Some("c"), &stage.store, stage.now);
            if tier(found) == wanted {
                break;
            }
            assert!(stage.now.since(start) <= REFRESH + Duration::from_secs(1));
        }
    }
}

#[test]
fn a_look_up_is_remembered_until_the_generation_changes() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    stage.tick();
    assert_eq!((stage.tier("c"), stage.tier("d")), ("gold".into(), "-".into()));
    let generation = stage.contracts.generation();
    let empty = MemoryStore::default();
    for client in ["c", "d"] {
        let again = stage.contracts.find("a", "p", Some(client), &empty, stage.now);
        assert_eq!(again, stage.find(client));
    }
    stage.pass(REFRESH * 3);
    assert_eq!(stage.contracts.generation(), generation, "the same document again changes nothing");
    assert!(stage.contracts.report(stage.now).unchanged >= 2);
}

#[test]
fn a_client_id_that_no_contract_can_have_takes_no_memory() {
    let long = "c".repeat(1025);
    let mut stage = Stage::new(|_| ok(one("gold")));
    assert_eq!(stage.tier(&long), "?", "before the first load like any other");
    stage.tick();
    // Not even shared data is asked.
    let found = stage.contracts.find("a", "p", Some(&long), &MemoryStore::default(), stage.now);
    assert_eq!(found, Holding::None);
    assert_eq!(stage.tier(&long[1..]), "-");
}

#[test]
fn a_contract_for_the_provider_wins() {
    let mut stage = Stage::new(|_| {
        ok(r#"{"contracts":[{"api":"a","client_id":"c","provider":"p","status":"revoked"},
              {"api":"a","client_id":"c","tier":"any"},{"api":"a","client_id":"c","provider":"q","tier":"q"}]}"#)
    });
    stage.tick();
    assert_eq!(stage.tier("c"), "Revoked");
    let mut with = |provider| tier(stage.contracts.find("a", provider, Some("c"), &stage.store, stage.now));
    assert_eq!((with("q"), with("r")), ("q".into(), "any".into()));
}

#[test]
fn an_etag_is_sent_back_and_304_means_unchanged() {
    let mut stage =
        Stage::new(|_| answer(200, &[("etag", "W/\"1\""), ("content-type", "application/json")], one("gold")));
    stage.tick();
    stage.script(|asked| match asked.etag.as_deref() {
        Some("W/\"1\"") => answer(304, &[], ""),
        other => panic!("{other:?}"),
    });
    for _ in 0..5 {
        stage.until_next_poll();
    }
    assert_eq!(stage.tier("c"), "gold");
    assert_eq!(stage.contracts.report(stage.now).unchanged, 5);
    assert_eq!(stage.contracts.report(stage.now).age, Some(Duration::ZERO));
}

#[test]
fn the_same_etag_with_another_body_is_a_change() {
    let mut stage = Stage::new(|_| answer(200, &[("etag", "\"1\"")], one("gold")));
    stage.tick();
    stage.script(|_| answer(200, &[("etag", "\"1\"")], one("silver")));
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "silver");
}

#[test]
fn pages_take_effect_all_at_once() {
    let mut stage = Stage::new(|asked| match asked.path.as_str() {
        "/c" => answer(200, &[("link", "</c?page=2>; rel=\"next\"")], one("gold")),
        "/c?page=2" => ok(snapshot(&[row("d", "silver")])),
        path => panic!("{path}"),
    });
    stage.tick();
    assert_eq!((stage.tier("c"), stage.tier("d")), ("gold".into(), "silver".into()));
    assert_eq!(stage.contracts.report(stage.now).contracts, Some(2));
}

#[test]
fn each_page_is_asked_whether_it_has_changed() {
    let paged = |last: &'static str| {
        move |asked: &Asked| match (asked.path.as_str(), asked.etag.as_deref()) {
            ("/c", Some("\"1\"")) => answer(304, &[], ""),
            ("/c", _) => answer(200, &[("etag", "\"1\""), ("link", "<?page=2>; rel=next")], one("gold")),
            ("/c?page=2", Some(etag)) if etag == format!("\"{last}\"") => answer(304, &[], ""),
            ("/c?page=2", _) => {
                let etag = format!("\"{last}\"");
                answer(200, &[("etag", etag.as_str())], snapshot(&[row("d", last)]))
            }
            other => panic!("{other:?}"),
        }
    };
    let mut stage = Stage::new(paged("silver"));
    stage.tick();
    stage.until_next_poll();
    assert_eq!(stage.asked.len(), 4);
    assert_eq!(stage.contracts.report(stage.now).unchanged, 1);
    // The first page still is what it was: the second one's change must come through all the same.
    stage.script(paged("bronze"));
    stage.until_next_poll();
    assert_eq!((stage.tier("c"), stage.tier("d")), ("gold".into(), "bronze".into()));
}

#[test]
fn deltas_are_applied_in_order() {
    let mut stage =
        Stage::new(|_| ok(format!(r#"{{"contracts":[{},{}],"cursor":"a b"}}"#, row("c", "gold"), row("d", "gold"))));
    stage.tick();
    stage.script(|asked| {
        assert_eq!(*asked, Asked { path: "/c?since=a%20b".into(), etag: None });
        let gone = |client: &str| format!(r#"{{"api":"a","client_id":"{client}","status":"removed"}}"#);
        let changes =
            [gone("c"), row("e", "x"), row("c", "1"), row("c", "2"), row("f", "x"), gone("f"), gone("d"), gone("g")];
        ok(format!(r#"{{"cursor":"2","changes":[{}]}}"#, changes.join(",")))
    });
    stage.until_next_poll();
    let found = ["c", "d", "e", "f", "g"].map(|client| stage.tier(client));
    assert_eq!(found, ["2", "-", "x", "-", "-"]);
    assert_eq!(stage.contracts.report(stage.now).contracts, Some(2));
    stage.script(|asked| {
        assert_eq!(asked.path, "/c?since=2");
        ok(r#"{"changes":[],"cursor":"3"}"#)
    });
    let generation = stage.contracts.generation();
    stage.until_next_poll();
    assert_eq!(stage.contracts.generation(), generation);
    stage.script(|asked| {
        assert_eq!(asked.path, "/c?since=3");
        ok(r#"{"changes":[]}"#)
    });
    stage.until_next_poll();
    stage.script(|_| ok(one("gold")));
    stage.until_next_poll();
    assert_eq!(stage.last().path, "/c", "without a cursor everything is asked for");
}

#[test]
fn a_cursor_that_is_gone_starts_over_at_once() {
    let mut stage = Stage::new(|_| ok(r#"{"contracts":[],"cursor":"1"}"#));
    stage.tick();
    stage.script(|asked| match asked.path.as_str() {
        "/c" => ok(one("gold")),
        _ => answer(410, &[], "gone"),
    });
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "gold");
    assert_eq!(stage.contracts.report(stage.now).failed, 0);
}

#[test]
fn everything_in_place_of_changes_is_a_snapshot() {
    let mut stage =
        Stage::new(|_| ok(format!(r#"{{"contracts":[{},{}],"cursor":"9"}}"#, row("c", "gold"), row("d", "gold"))));
    stage.tick();
    stage.script(|_| ok(format!(r#"{{"contracts":[{}],"cursor":"1"}}"#, row("c", "new"))));
    stage.until_next_poll();
    assert_eq!((stage.tier("c"), stage.tier("d")), ("new".into(), "-".into()));
}

#[test]
fn a_change_that_cannot_be_read_ends_the_contract_and_one_for_nobody_starts_over() {
    let mut stage =
        Stage::new(|_| ok(format!(r#"{{"contracts":[{},{}],"cursor":"1"}}"#, row("c", "gold"), row("d", "gold"))));
    stage.tick();
    stage.script(|_| {
        ok(r#"{"changes":[{"api":"a","client_id":"c","status":"active","expires_at":"?"},{"status":"revoked"}],"cursor":"2"}"#)
    });
    stage.until_next_poll();
    assert_eq!((stage.tier("c"), stage.tier("d")), ("Unknown".into(), "gold".into()));
    assert_eq!(stage.contracts.report(stage.now).skipped, 2);
    stage.script(|_| ok(one("gold")));
    stage.until_next_poll();
    assert_eq!(stage.last().path, "/c");
    assert_eq!(stage.tier("d"), "-");
}

#[test]
fn the_configuration_holds_until_the_first_load_only() {
    let inline = crate::contract::row::Row::from_json(row("c", "inline").as_bytes()).unwrap();
    let own = Settings {
        inline: vec![inline],
        before_first_load: BeforeFirstLoad::Inline,
        max_staleness: Some(Duration::from_secs(60)),
        ..settings()
    };
    let mut stage = Stage::with(own, |_| HttpResult::Failed);
    stage.tick();
    assert_eq!(stage.tier("c"), "inline");
    stage.script(|_| ok(snapshot(&[row("d", "gold")])));
    stage.until_next_poll();
    assert_eq!((stage.tier("c"), stage.tier("d")), ("-".into(), "gold".into()));
    stage.script(|_| HttpResult::Failed);
    stage.pass(Duration::from_secs(75));
    assert_eq!(stage.tier("c"), "?");
}

#[test]
fn another_worker_goes_on_where_a_dead_one_stopped() {
    let mut stage = Stage::new(|_| ok(r#"{"contracts":[],"cursor":"1"}"#));
    stage.tick();
    stage.contracts = stage.other(2);
    stage.script(|asked| {
        assert_eq!(asked.path, "/c?since=1");
        ok(format!(r#"{{"changes":[{}],"cursor":"2"}}"#, row("c", "gold")))
    });
    assert!(stage.until_next_poll() >= REFRESH.mul_f64(0.9), "not before it is due");
    assert_eq!(stage.tier("c"), "gold");
}

#[test]
fn a_slow_poll_keeps_its_lease_and_a_silent_one_is_given_up() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    let mut other = stage.other(2);
    let actions = stage.contracts.on_tick(&stage.store, stage.now);
    assert!(matches!(actions[..], [Action::Call(..)]));
    for _ in 0..27 {
        stage.now = stage.now.plus(TICK);
        assert!(stage.contracts.on_tick(&stage.store, stage.now).is_empty());
        assert!(other.on_tick(&stage.store, stage.now).is_empty());
    }
    stage.pass(Duration::from_millis(250));
    assert_eq!(stage.contracts.report(stage.now).failed, 1);
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "gold");
}

/// The settings with another period.
fn every(refresh: Duration) -> Settings {
    Settings { source: Some(SourceSettings { refresh, ..source_settings() }), ..settings() }
}

/// Starts a new configuration beside the old one, which is returned and goes on.
fn reload(stage: &mut Stage, settings: Settings) -> Contracts {
    stage.now = stage.now.plus(Duration::from_millis(100));
    let new = Contracts::new(Rc::new(settings), "t", 2);
    std::mem::replace(&mut stage.contracts, new)
}

#[test]
fn a_new_configuration_has_the_set_at_once_and_polls_from_its_start_at_its_own_pace() {
    let mut stage = Stage::with(every(Duration::from_secs(86_400)), |_| ok(one("gold")));
    stage.tick();
    stage.pass(Duration::from_secs(5));
    assert_eq!(stage.asked.len(), 1);
    let mut old = reload(&mut stage, settings());
    assert_eq!(stage.tier("c"), "gold");
    stage.script(|_| ok(one("silver")));
    stage.tick();
    assert_eq!((stage.asked.len(), stage.tier("c")), (2, "silver".into()));
    for _ in 0..400 {
        stage.pass(TICK);
        let actions = old.on_tick(&stage.store, stage.now);
        assert!(actions.is_empty(), "the old configuration polls: {actions:?}");
    }
    assert!(stage.asked.len() >= 2 + 9, "{}", stage.asked.len());
    assert_eq!(tier(old.find("a", "p", Some("c"), &stage.store, stage.now)), "silver");
}

#[test]
fn when_the_newer_configuration_goes_away_the_older_resumes() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    stage.tick();
    let old = reload(&mut stage, every(Duration::from_secs(86_400)));
    stage.tick();
    stage.contracts = old;
    stage.script(|_| ok(one("silver")));
    stage.pass(LEASE + TICK);
    assert_eq!(stage.tier("c"), "silver");
    assert!(stage.until_next_poll() <= REFRESH.mul_f64(1.1) + TICK);
}

#[test]
fn new_credentials_count_at_once_whatever_the_old_ones_came_to() {
    let mut stage = Stage::new(|_| answer(429, &[("retry-after", "3000")], ""));
    stage.tick();
    let mut source = source_settings();
    source.headers = vec![("authorization".into(), Secret::new("Bearer new"))];
    let mut old = reload(&mut stage, Settings { source: Some(source), ..settings() });
    stage.script(|_| answer(401, &[], ""));
    stage.tick();
    assert!(old.on_tick(&stage.store, stage.now).is_empty());
    // Its own failures are counted from the first.
    assert!(stage.until_next_poll() <= Duration::from_millis(1500));
    stage.script(|_| ok(one("gold")));
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "gold");
}

#[test]
fn a_poll_that_is_overtaken_by_a_new_configuration_is_dropped() {
    let mut stage = Stage::new(|_| ok(one("new")));
    let actions = stage.contracts.on_tick(&stage.store, stage.now);
    let [Action::Call(call, _)] = actions[..] else { panic!("{actions:?}") };
    let mut old = reload(&mut stage, every(REFRESH * 2));
    let [Action::Call(its_call, _)] = stage.contracts.on_tick(&stage.store, stage.now)[..] else { panic!("no poll") };
    assert!(old.on_answer(call, ok(one("old")), &stage.store, stage.now).is_empty());
    assert_eq!(old.report(stage.now).changed, 0);
    stage.contracts.on_answer(its_call, ok(one("new")), &stage.store, stage.now);
    assert_eq!((stage.tier("c"), stage.contracts.report(stage.now).changed), ("new".into(), 1));
}

#[test]
fn the_same_source_under_a_new_configuration_is_not_asked_once_more_and_changes_hands() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    stage.tick();
    stage.pass(Duration::from_secs(15));
    let asked = stage.asked.len();
    let mut old = reload(&mut stage, settings());
    stage.tick();
    assert_eq!(stage.asked.len(), asked);
    stage.until_next_poll();
    // From then on nobody misses the old one.
    for _ in 0..100 {
        stage.pass(TICK);
        assert!(old.on_tick(&stage.store, stage.now).is_empty());
    }
}
