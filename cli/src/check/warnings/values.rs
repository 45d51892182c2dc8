//! Values of a configuration that are dangerous by themselves.

use crate::check::code::Code;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use std::time::Duration;
use tessera_core::config::parse_duration;

const LONGEST_STALE: Duration = Duration::from_secs(3600);

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(root) = &subject.root else { return };
    if let Some(at) = root.get("no_match").filter(|word| word.text() == Some("pass")) {
        let message = "requests that no API matches pass unjudged";
        findings.add(Code::NoMatchPass, &at, message, "refuse, and a public operation for what is to be open");
    }
    for at in query_sources(root) {
        let message = "a token in the query ends up in logs, histories and Referer headers (RFC 6750 section 5.3)";
        findings.add(Code::TokenInQuery, &at, message, "take tokens from a header or a cookie");
    }
    if let Some(at) = root.dig(&["cache", "stale_if_error"])
        && at.text().and_then(parse_duration).is_some_and(|span| span > LONGEST_STALE)
    {
        let message = "a revoked token may work for longer than 1h while the authorization server is down";
        findings.add(Code::StaleTooLong, &at, message, "1h or less");
    }
}

fn query_sources<'a>(root: &Cursor<'a>) -> impl Iterator<Item = Cursor<'a>> + use<'a> {
    let sources = root.dig(&["token", "sources"]).into_iter().flat_map(|sources| sources.elements());
    sources.filter_map(|source| source.get("query"))
}
