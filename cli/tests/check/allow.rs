//! Warnings that are allowed where they stand.

use super::command::{SMALLEST, json, run};

/// The codes of what is reported of the smallest configuration with one line that is warned of.
fn codes(before: &str, line: &str) -> Vec<String> {
    let text = format!("{SMALLEST}{before}{line}\n");
    let report = json(&text, &[], &[]);
    report["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_comment_allows_a_warning_at_its_place() {
    for (before, line) in [
        ("", "no_match: pass # tessera: allow no-match-pass"),
        ("", "no_match: pass  #tessera:allow no-match-pass"),
        ("", "no_match: pass # tessera: allow no-audience, no-match-pass meant for now"),
        ("# tessera: allow no-match-pass\n", "no_match: pass"),
        ("   # tessera: allow no-match-pass\n", "no_match: pass # meant"),
        ("# tessera: allow no-match-pass\n# tessera: allow no-audience\n", "no_match: pass"),
        ("# tessera: allow no-audience\n", "no_match: pass # tessera: allow no-match-pass"),
    ] {
        assert_eq!(codes(before, line), Vec::<String>::new(), "{before}{line}");
    }
}

#[test]
fn another_comment_allows_nothing() {
    for (before, line) in [
        ("", "no_match: pass"),
        ("", "no_match: pass # tessera: allow no-match"),
        ("", "no_match: pass # tessera: allow no-audience"),
        ("", "no_match: pass # allow no-match-pass"),
        ("", "no_match: pass # Tessera: allow no-match-pass"),
        ("", "no_match: pass\n# tessera: allow no-match-pass"),
        ("# tessera: allow no-match-pass\n\n", "no_match: pass"),
        ("# tessera: allow no-match-pass\n# meant\n", "no_match: pass"),
        ("cache: {} # tessera: allow no-match-pass\n", "no_match: pass"),
        ("replies: {realm: '# tessera: allow no-match-pass'}\n", "no_match: pass"),
    ] {
        assert_eq!(codes(before, line), ["no-match-pass"], "{before}{line}");
    }
}

#[test]
fn a_mistake_cannot_be_allowed() {
    assert_eq!(codes("# tessera: allow bad-value\n", "no_match: allow # tessera: allow bad-value"), ["bad-value"]);
}

#[test]
fn a_flag_allows_a_warning_everywhere() {
    let text = format!("{SMALLEST}no_match: pass\n");
    let status = |more: &[&str]| run(&[&["check", "-", "--deny-warnings"], more].concat(), &text, &[]).status;
    assert_eq!(status(&[]), 1);
    assert_eq!(status(&["--allow", "no-match-pass"]), 0);
    assert_eq!(status(&["--allow", "no-audience"]), 1);
}
