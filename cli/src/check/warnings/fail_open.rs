//! Filters that let requests through where they cannot judge them.

use crate::check::code::Code;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::scalar;
use crate::check::gateway::subject::Subject;

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(plugin) = &subject.plugin else { return };
    let flags = ["fail_open", "failOpen"].into_iter().filter_map(|key| plugin.get(key)).filter(scalar::is_true);
    let words = ["failure_policy", "failurePolicy", "failStrategy"].into_iter().filter_map(|key| plugin.get(key));
    // A value of an enumeration has no case, and may be its number.
    let is_named = |word: &Cursor<'_>| word.text().is_some_and(|text| text.eq_ignore_ascii_case("FAIL_OPEN"));
    let words = words.filter(|word| is_named(word) || scalar::number(word) == Some(3));
    for at in flags.chain(words) {
        let message = "requests pass unjudged whenever the filter cannot run";
        findings.add(Code::FailOpen, &at, message, "leave it out, or FAIL_RELOAD where the platform has it");
    }
}
