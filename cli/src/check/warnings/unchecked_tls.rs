//! TLS that does not check whom it talks to.

use crate::check::code::Code;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    for (_, reach) in surroundings.reaches(subject) {
        for unchecked in reach.unchecked {
            let message = format!("TLS of a cluster that is called checks {}: anybody may answer", unchecked.lack);
            let hint = "set a CA (trusted_ca, caCertificates) and the server's name (match_typed_subject_alt_names, \
                        subjectAltNames)";
            findings.add(Code::TlsNoNameCheck, &unchecked.at, message, hint);
        }
    }
}
