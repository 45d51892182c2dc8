//! Tokens and contracts that go over the network without encryption.

use crate::check::code::Code;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::machine;
use crate::check::gateway::reach::{Protection, Provided};
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    for call in &subject.calls {
        let Some((url, at)) = call.url.as_ref().filter(|(url, _)| url.scheme() == "http") else { continue };
        let is_this = machine::is_this(url.host());
        let provided = call.cluster.text().map(|name| surroundings.provided(subject, name));
        let is_open = match provided {
            Some(Provided::Here(reach)) => reach.protection == Protection::None && !reach.is_local.unwrap_or(is_this),
            _ => !is_this,
        };
        if is_open {
            let message = "goes to another machine without encryption: who sees it can read and change it";
            findings.add(Code::CleartextRemote, at, message, "use https, and TLS in the cluster");
        }
    }
}
