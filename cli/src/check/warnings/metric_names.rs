//! APIs that Prometheus cannot tell apart.

use crate::check::code::Code;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use std::collections::BTreeMap;

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for at in subject.list("apis").filter_map(|api| api.get("id")) {
        let Some(id) = at.text() else { continue };
        let others = seen.entry(written(id)).or_default();
        if others.iter().any(|other| *other != id) {
            let message = "Prometheus may write it as another id is written: their metrics fall together";
            findings.add(Code::MetricNamesCollide, &at, message, "choose ids that differ in letters or digits");
        }
        others.push(id);
    }
}

fn written(id: &str) -> String {
    id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}
