//! Reading Envoy's log.

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
    let is_trap = |line: &&str| {
        let is_fault = line.contains("a fault in the module")
            || line.contains("Caught Segmentation fault")
            || line.contains("Caught Aborted");
        line.contains("Function: proxy_") && line.contains(" failed: ") || is_fault
    };
    let traps: Vec<_> = log.lines().filter(is_trap).collect();
    assert!(traps.is_empty(), "the module trapped:\n{}", traps.join("\n"));
}

/// No registered secret shows.
#[track_caller]
pub fn assert_discreet(text: &[u8]) {
    let leaks = secrecy::leaks(text);
    assert!(leaks.is_empty(), "Envoy shows secrets:\n{}", leaks.join("\n"));
}
