//! Reading Envoy's log.

use crate::harness::secrecy;

/// The last lines that a person would look for.
pub fn telling(log: &str) -> String {
    let marks = ["[wasm]", "[warning]", "[error]", "[critical]"];
    let lines: Vec<_> = log.lines().filter(|line| marks.iter().any(|mark| line.contains(mark))).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// No VM has trapped: the module's first guarantee.
#[track_caller]
pub fn assert_no_trap(log: &str) {
    let traps: Vec<_> =
        log.lines().filter(|line| line.contains("Function: proxy_") && line.contains(" failed: ")).collect();
    assert!(traps.is_empty(), "a VM trapped:\n{}", traps.join("\n"));
}

/// No registered secret shows.
#[track_caller]
pub fn assert_discreet(text: &[u8]) {
    let leaks = secrecy::leaks(text);
    assert!(leaks.is_empty(), "Envoy shows secrets:\n{}", leaks.join("\n"));
}
