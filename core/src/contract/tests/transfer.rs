//! How much of a document is read at a time, and what the next one is compared with.

use super::*;

/// How often reading this document gave way to others.
fn slices(document: String) -> usize {
    let mut stage = Stage::new(move |_| ok(document.clone()));
    stage.tick();
    assert_eq!(stage.contracts.report(stage.now).changed, 1);
    stage.slices
}

fn of_rows(count: usize) -> String {
    snapshot(&(0..count).map(|number| row(&number.to_string(), "gold")).collect::<Vec<_>>())
}

#[test]
fn so_many_contracts_are_read_before_others_get_their_turn() {
    assert_eq!(slices(of_rows(256)), slices(of_rows(255)) + 1);
    assert_eq!(slices(of_rows(255)), slices(of_rows(1)));
}

#[test]
fn so_many_bytes_are_read_before_others_get_their_turn() {
    let document = |bytes: usize| {
        let rest = r#"{"x":"","contracts":[]}"#;
        rest.replacen(r#""""#, &format!("\"{}\"", "x".repeat(bytes - rest.len())), 1)
    };
    assert_eq!(slices(document((64 << 10) + 1)), slices(document(64 << 10)) + 1);
    assert_eq!(slices(document(64 << 10)), slices(document(30)));
}

fn whole(tier: &str) -> HttpResult {
    ok(format!(r#"{{"contracts":[{}],"cursor":"1"}}"#, row("c", tier)))
}

#[test]
fn what_was_in_force_before_a_change_is_not_taken_for_what_is() {
    let mut stage = Stage::new(|_| whole("gold"));
    stage.tick();
    stage.script(|_| ok(format!(r#"{{"changes":[{}],"cursor":"2"}}"#, row("c", "silver"))));
    stage.until_next_poll();
    assert_eq!(stage.tier("c"), "silver");
    stage.script(|_| whole("gold"));
    stage.until_next_poll();
    assert_eq!(stage.last().path, "/c?since=2");
    assert_eq!(stage.tier("c"), "gold");
}

#[test]
fn changes_that_change_nothing_leave_what_is_in_force_known() {
    let mut stage = Stage::new(|_| whole("gold"));
    stage.tick();
    stage.script(|_| ok(r#"{"changes":[],"cursor":"1"}"#));
    stage.until_next_poll();
    stage.script(|_| whole("gold"));
    stage.until_next_poll();
    let report = stage.contracts.report(stage.now);
    assert_eq!((report.changed, report.unchanged), (1, 2));
}
