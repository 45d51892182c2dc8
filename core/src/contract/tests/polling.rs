//! What a poll asks, and what its answers bring about.

use super::*;
use crate::base::http::NoAnswer;
use crate::contract::table::keys::Keys;
use crate::contract::table::root::Base;

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
    stage.script(move |_| ok(snapshot(&[row(&long[1..], "gold")])));
    stage.until_next_poll();
    assert_eq!(stage.tier(&"c".repeat(1024)), "gold");
}

#[test]
fn who_finds_another_set_in_force_remembers_nothing_of_the_one_before() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    let mut other = stage.other(2);
    let mut seen = vec![other.generation()];
    let mut find = |stage: &Stage, client: &str| {
        let found = tier(other.find("a", "p", Some(client), &stage.store, stage.now));
        seen.push(other.generation());
        found
    };
    assert_eq!(find(&stage, "c"), "?");
    stage.tick();
    assert_eq!([find(&stage, "c"), find(&stage, "c")], ["gold", "gold"]);
    for tier in ["silver", "bronze"] {
        stage.script(move |_| ok(one(tier)));
        stage.until_next_poll();
        assert_eq!(find(&stage, "c"), "gold", "until the next tick, or until a look-up meets what is newer");
    }
    assert_eq!([find(&stage, "d"), find(&stage, "c")], ["-", "bronze"]);
    let at_first = seen[0];
    assert_eq!(seen[1..=3], [at_first, at_first + 1, at_first + 1]);
    assert_eq!(seen[4..], [at_first + 1, at_first + 1, at_first + 2, at_first + 2]);
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

/// Two pages, the first of which has an entity tag; `told` are further headers of the 304 that it gets.
fn two_pages(second: &'static str, told: &'static [(&str, &str)]) -> impl FnMut(&Asked) -> HttpResult {
    move |asked: &Asked| match (asked.path.as_str(), asked.etag.as_deref()) {
        ("/c", Some("\"1\"")) => answer(304, told, ""),
        ("/c", None) => answer(200, &[("etag", "\"1\""), ("link", "<?page=2>; rel=next")], one("gold")),
        ("/c?page=2", None) => answer(200, &[("etag", "\"2\"")], snapshot(&[row("d", second)])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_pages_etag_stands_for_the_whole_set() {
    let mut stage = Stage::new(two_pages("silver", &[]));
    stage.tick();
    for _ in 0..3 {
        stage.until_next_poll();
        assert_eq!((stage.last().path.as_str(), stage.last().etag.as_deref()), ("/c", Some("\"1\"")));
    }
    assert_eq!((stage.asked.len(), stage.contracts.report(stage.now).unchanged), (5, 3));
    assert_eq!((stage.tier("c"), stage.tier("d")), ("gold".into(), "silver".into()));
}

#[test]
fn a_page_behind_one_that_is_unchanged_is_a_change() {
    for link in ["<?page=2>; rel=\"next\"", "</>; rel=prev, <?page=2>; rel=next", "<cannot be read"] {
        // The set had one page, or two.
        for link_before in [None, Some(("link", "<?page=2>; rel=next"))] {
            let mut stage = Stage::new(move |asked| match asked.path.as_str() {
                "/c" => {
                    let headers = [("etag", "\"1\"")].into_iter().chain(link_before);
                    answer(200, &headers.collect::<Vec<_>>(), one("gold"))
                }
                _ => ok(snapshot(&[row("d", "silver")])),
            });
            stage.tick();
            stage.script(two_pages("bronze", Box::leak(Box::new([("link", link)]))));
            stage.until_next_poll();
            assert_eq!((stage.tier("c"), stage.tier("d")), ("gold".into(), "bronze".into()), "{link}");
            let last: Vec<_> = stage.asked.iter().rev().take(3).rev().map(|asked| asked.path.as_str()).collect();
            assert_eq!(last, ["/c", "/c", "/c?page=2"]);
            assert_eq!(stage.contracts.report(stage.now).failed, 0);
        }
    }
    // Other links lead to nothing new.
    let mut stage = Stage::new(two_pages("silver", &[("link", "</>; rel=prev")]));
    stage.tick();
    stage.until_next_poll();
    assert_eq!(stage.asked.len(), 3);
}

#[test]
fn changes_behind_an_unchanged_page_are_asked_for_as_changes() {
    let mut stage = Stage::new(|_| ok(format!(r#"{{"contracts":[{}],"cursor":"1"}}"#, row("c", "gold"))));
    stage.tick();
    stage.script(|_| answer(200, &[("etag", "\"d\"")], r#"{"changes":[],"cursor":"1"}"#));
    stage.until_next_poll();
    stage.script(|asked| match (asked.path.as_str(), asked.etag.is_some()) {
        ("/c?since=1", true) => answer(304, &[("link", "<?since=1&page=2>; rel=next")], ""),
        ("/c?since=1", false) => {
            answer(200, &[("link", "<?since=1&page=2>; rel=next")], r#"{"changes":[],"cursor":"1"}"#)
        }
        ("/c?since=1&page=2", false) => ok(format!(r#"{{"changes":[{}],"cursor":"2"}}"#, row("c", "silver"))),
        other => panic!("{other:?}"),
    });
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "silver");
}

/// The settings with another period, and everything asked for every 60 s.
/// What was asked for after two pages with these cursors.
fn goes_on_from(kind: &'static str, cursors: [&'static str; 2]) -> String {
    let mut stage = Stage::new(|_| ok(r#"{"contracts":[],"cursor":"0"}"#));
    stage.tick();
    stage.script(move |asked| {
        let page = |cursor| format!(r#"{{"{kind}":[],"cursor":{cursor}}}"#);
        match asked.path.as_str() {
            "/2" => ok(page(cursors[1])),
            _ => answer(200, &[("link", "</2>; rel=next"), ("content-type", "application/json")], page(cursors[0])),
        }
    });
    stage.until_next_poll();
    assert_eq!(stage.asked.len(), 3);
    stage.until_next_poll();
    stage.asked[3].path.clone()
}

#[test]
fn of_a_set_the_first_cursor_counts_and_of_changes_the_last() {
    assert_eq!(goes_on_from("contracts", [r#""1""#, r#""2""#]), "/c?since=1");
    assert_eq!(goes_on_from("contracts", [r#""1""#, "null"]), "/c?since=1");
    // A source may tell it with its last page alone.
    assert_eq!(goes_on_from("contracts", ["null", r#""2""#]), "/c?since=2");
    assert_eq!(goes_on_from("changes", [r#""1""#, r#""2""#]), "/c?since=2");
    assert_eq!(goes_on_from("changes", [r#""1""#, "null"]), "/c?since=1");
}

fn minutely() -> ContractSettings {
    let full_reload = Duration::from_secs(60);
    ContractSettings { source: Some(FeedSettings { full_reload, ..source_settings() }), ..settings() }
}

/// Whether everything was asked for without condition.
fn is_full(asked: &Asked) -> bool {
    *asked == Asked { path: "/c".into(), etag: None }
}

#[test]
fn everything_is_asked_for_again_deltas_or_not_whoever_polls() {
    for deltas in [true, false] {
        let served = Rc::new(RefCell::new("gold"));
        let tier = Rc::clone(&served);
        let mut stage = Stage::with(minutely(), move |asked| match (asked.path.as_str(), &asked.etag) {
            ("/c", None) if deltas => ok(format!(r#"{{"contracts":[{}],"cursor":"1"}}"#, row("c", &tier.borrow()))),
            ("/c", None) => answer(200, &[("etag", "\"1\"")], one(&tier.borrow())),
            // What the source never says unless it is asked for everything.
            ("/c?since=1", None) => ok(r#"{"changes":[],"cursor":"1"}"#),
            _ => answer(304, &[], ""),
        });
        stage.tick();
        *served.borrow_mut() = "silver";
        let (start, mut fulls) = (stage.now, Vec::new());
        for minute in 0..10 {
            // Other workers go on where this one stopped.
            stage.contracts.on_end(&stage.store);
            stage.contracts = Contracts::new(Rc::new(minutely()), "t", minute + 2);
            let count = stage.asked.len();
            let from = stage.now;
            while !stage.asked[count..].iter().any(is_full) {
                stage.pass(TICK);
                assert!(stage.now.since(from) <= Duration::from_secs(60) + REFRESH + Duration::from_secs(1));
            }
            fulls.push(stage.now.since(from));
            assert!(stage.asked.len() - count >= 5, "those before are asked as usual");
            assert_eq!(stage.tier("c"), "silver");
        }
        assert!(stage.now.since(start) >= Duration::from_secs(540));
        fulls.dedup();
        assert!(fulls.len() > 3, "spread out: {fulls:?}");
    }
}

#[test]
fn a_full_reload_that_fails_holds_up_no_change_and_is_tried_again() {
    for unusable in [answer(500, &[], ""), answer(200, &[("content-type", "text/html")], ""), ok(r#"{"contracts":["#)] {
        a_full_reload_that_fails(unusable);
    }
}

fn a_full_reload_that_fails(failure: HttpResult) {
    let state = Rc::new(RefCell::new(0));
    let number = Rc::clone(&state);
    let mut stage = Stage::with(minutely(), |_| ok(r#"{"contracts":[],"cursor":"0"}"#));
    stage.tick();
    stage.script(move |asked| match asked.path.as_str() {
        "/c" => failure.clone(),
        _ => {
            let number = *number.borrow();
            ok(format!(r#"{{"changes":[{}],"cursor":"{number}"}}"#, row("c", &number.to_string())))
        }
    });
    let mut fulls = 0;
    for wanted in 1..20 {
        *state.borrow_mut() = wanted;
        let count = stage.asked.len();
        stage.pass(REFRESH + Duration::from_millis(2500));
        assert_eq!(stage.tier("c"), wanted.to_string());
        fulls += stage.asked[count..].iter().filter(|asked| is_full(asked)).count();
    }
    assert!((5..20).contains(&fulls), "{fulls}");
    stage.script(|_| ok(one("gold")));
    stage.pass(REFRESH * 3);
    assert_eq!(stage.tier("c"), "gold");
}

#[test]
fn nobody_can_tell_which_documents_pass_for_the_same() {
    let fingerprint = |worker, tier| {
        let mut stage = Stage::new(|_| ok(one("gold")));
        stage.contracts = stage.other(worker);
        stage.tick();
        stage.script(move |_| ok(one(tier)));
        stage.until_next_poll();
        stage.contracts.report(stage.now);
        stage.until_next_poll();
        assert_eq!(stage.contracts.report(stage.now).unchanged, 1);
        Base::read(&stage.store, &Keys::new("t").root).root.feed.last_good.fingerprint
    };
    assert_eq!(fingerprint(7, "gold"), fingerprint(7, "gold"));
    assert_ne!(fingerprint(7, "gold"), fingerprint(8, "gold"));
    assert_ne!(fingerprint(7, "silver"), fingerprint(8, "silver"));
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
    let own = ContractSettings {
        inline: vec![inline],
        before_first_load: BeforeFirstLoad::Inline,
        max_staleness: Some(Duration::from_secs(60)),
        ..settings()
    };
    let mut stage = Stage::with(own, |_| HttpResult::Failed(NoAnswer::TimedOut));
    stage.tick();
    assert_eq!(stage.tier("c"), "inline");
    stage.script(|_| ok(snapshot(&[row("d", "gold")])));
    stage.until_next_poll();
    assert_eq!((stage.tier("c"), stage.tier("d")), ("-".into(), "gold".into()));
    stage.script(|_| HttpResult::Failed(NoAnswer::TimedOut));
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
fn every(refresh: Duration) -> ContractSettings {
    ContractSettings { source: Some(FeedSettings { refresh, ..source_settings() }), ..settings() }
}

/// Starts a new configuration beside the old one, which is returned and goes on.
fn reload(stage: &mut Stage, settings: ContractSettings) -> Contracts {
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
    // Not even its end is told.
    stage.contracts = old;
    stage.script(|_| ok(one("silver")));
    stage.pass(LEASE + TICK);
    assert_eq!(stage.tier("c"), "silver");
    assert!(stage.until_next_poll() <= REFRESH.mul_f64(1.1) + TICK);
}

/// The settings with another timeout.
fn within(timeout: Duration) -> ContractSettings {
    ContractSettings { source: Some(FeedSettings { timeout, ..source_settings() }), ..settings() }
}

#[test]
fn new_settings_count_at_once_whatever_the_old_ones_came_to() {
    let mut stage = Stage::new(|_| answer(429, &[("retry-after", "3000")], ""));
    stage.tick();
    let _old = reload(&mut stage, within(Duration::from_secs(9)));
    stage.script(|_| answer(500, &[], ""));
    stage.tick();
    // Its own failures are counted from the first.
    assert!(stage.until_next_poll() <= Duration::from_millis(1500));
    stage.script(|_| ok(one("gold")));
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "gold");
}

/// Lets a worker tick; its calls fail.
fn fails(contracts: &mut Contracts, stage: &Stage) -> usize {
    let mut calls = 0;
    for action in contracts.on_tick(&stage.store, stage.now) {
        if let Action::Call(id, _) = action {
            calls += 1;
            contracts.on_answer(id, HttpResult::Failed(NoAnswer::TimedOut), &stage.store, stage.now);
        }
    }
    calls
}

#[test]
fn a_newer_configuration_that_only_fails_does_not_poll_in_place_of_one_that_succeeds() {
    let mut stage = Stage::new(|_| ok(one("gold")));
    stage.tick();
    stage.pass(REFRESH * 2);
    // Three workers whose time for an answer is too short.
    let short = || Rc::new(within(Duration::from_millis(1)));
    let mut bad: Vec<_> = (2..5).map(|worker| Contracts::new(short(), "t", worker)).collect();
    let (start, mut failed) = (stage.now, 0);
    for number in 0..100 {
        let wanted = number.to_string();
        let body = one(&wanted);
        stage.script(move |_| ok(body.clone()));
        let served = stage.now;
        while stage.tier("c") != wanted {
            stage.now = stage.now.plus(TICK);
            failed += bad.iter_mut().map(|bad| fails(bad, &stage)).sum::<usize>();
            stage.tick();
            assert!(stage.now.since(served) <= REFRESH + Duration::from_secs(1), "{number}");
        }
    }
    assert!((1..=3).contains(&failed), "{failed} polls in place of good ones");
    assert!(stage.now.since(start) >= Duration::from_secs(500));

    // Down for all, each has its turn, and none asks more often for that.
    stage.script(|_| HttpResult::Failed(NoAnswer::TimedOut));
    let (asked, before) = (stage.asked.len(), failed);
    for _ in 0..4 * 600 {
        stage.now = stage.now.plus(TICK);
        failed += bad.iter_mut().map(|bad| fails(bad, &stage)).sum::<usize>();
        stage.tick();
    }
    let polls = stage.asked.len() - asked + failed - before;
    assert!((8..=24).contains(&polls), "{polls} polls in ten minutes without an answer");

    // Only when the older one is gone, the newer polls, and succeeds.
    let old = std::mem::replace(&mut stage.contracts, bad.remove(0));
    let mut old = old;
    old.on_end(&stage.store);
    stage.script(|_| ok(one("back")));
    stage.pass(Duration::from_secs(400));
    assert_eq!(stage.tier("c"), "back");
}

#[test]
fn a_newer_configuration_that_failed_once_still_sets_the_pace_when_it_can() {
    let mut stage = Stage::with(every(Duration::from_secs(3600)), |_| ok(one("gold")));
    stage.tick();
    let mut old = reload(&mut stage, settings());
    stage.script(|_| HttpResult::Failed(NoAnswer::TimedOut));
    stage.tick();
    old.on_tick(&stage.store, stage.now);
    stage.script(|_| ok(one("silver")));
    stage.pass(REFRESH.mul_f64(1.2) + FIRST_DEFERENCE * 2 + TICK * 2);
    assert_eq!(stage.tier("c"), "silver");
    assert!(stage.until_next_poll() <= REFRESH.mul_f64(1.1) + TICK);
}

#[test]
fn a_poller_that_goes_away_is_followed_at_once() {
    // Right before its next poll, and in the middle of one.
    for polls in [false, true] {
        let mut stage = Stage::new(|_| ok(one("gold")));
        let mut next = stage.other(2);
        stage.tick();
        assert!(next.on_tick(&stage.store, stage.now).is_empty());
        let polled = stage.now;
        stage.pass(REFRESH.mul_f64(0.89));
        while polls && stage.contracts.on_tick(&stage.store, stage.now).is_empty() {
            stage.now = stage.now.plus(TICK);
        }
        stage.script(|_| ok(one("silver")));
        std::mem::replace(&mut stage.contracts, next).on_end(&stage.store);
        stage.until_next_poll();
        let took = stage.now.since(polled);
        assert!(took <= REFRESH + Duration::from_millis(100) + TICK * if polls { 2 } else { 1 }, "{took:?}");
        assert_eq!(stage.tier("c"), "silver");
    }
}

#[test]
fn a_poller_that_dies_holds_nobody_up_for_longer_than_a_change_may_take() {
    for number in 0.. {
        let mut stage = Stage::new(|_| ok(one("gold")));
        stage.tick();
        let polled = stage.now;
        let death = stage.now.plus(REFRESH.mul_f64(0.8) + Duration::from_millis(40 * number));
        let mut other = stage.other(2);
        stage.now = stage.now.plus(Duration::from_millis(113));
        stage.script(|_| ok(one("silver")));
        // Ticks of the two lie apart.
        while stage.now < death && stage.asked.len() == 1 {
            stage.tick();
            stage.now = stage.now.plus(Duration::from_millis(93));
            assert!(other.on_tick(&stage.store, stage.now).is_empty());
            stage.now = stage.now.plus(Duration::from_millis(157));
        }
        if stage.asked.len() > 1 {
            assert!(number > 20, "{number}");
            return;
        }
        stage.contracts = other;
        stage.until_next_poll();
        let took = stage.now.since(polled);
        assert!(took <= REFRESH + Duration::from_millis(750), "{took:?}");
    }
}

#[test]
fn a_poll_that_is_superseded_by_a_new_configuration_is_dropped() {
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
