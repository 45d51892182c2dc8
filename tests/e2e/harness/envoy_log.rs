//! Reading Envoy's log.

use crate::harness::faulty;
use crate::harness::secrecy;

/// The last lines that a person would look for.
pub fn telling(log: &str) -> String {
    let marks = ["[wasm]", "[dynamic_modules]", "[warning]", "[error]", "[critical]"];
    let lines: Vec<_> = log.lines().filter(|line| marks.iter().any(|mark| line.contains(mark))).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// No VM has trapped, nor has the dynamic module met a fault, nor Envoy with it: the module's first guarantee.
#[track_caller]
pub fn assert_no_trap(log: &str) {
    assert_none(log.lines().filter(is_trap).collect());
}

/// The same of a module with a fault that tests ask for, but for that one.
#[track_caller]
pub fn assert_no_other_fault(log: &str) {
    let is_other = |line: &&str| is_trap(line) && !faulty::is_asked_for(line);
    assert_none(log.lines().filter(is_other).collect());
}

fn is_trap(line: &&str) -> bool {
    let is_fault = line.contains("a fault in the module")
        || line.contains("Caught Segmentation fault")
        || line.contains("Caught Aborted");
    line.contains("Function: proxy_") && line.contains(" failed: ") || is_fault
}

#[track_caller]
fn assert_none(traps: Vec<&str>) {
    assert!(traps.is_empty(), "the module trapped:\n{}", traps.join("\n"));
}

/// No registered secret shows.
#[track_caller]
pub fn assert_discreet(text: &[u8]) {
    let leaks = secrecy::leaks(text);
    assert!(leaks.is_empty(), "Envoy shows secrets:\n{}", leaks.join("\n"));
}
