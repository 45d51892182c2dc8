//! Providers that take tokens which are for others.

use crate::check::code::Code;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use crate::document::node::Value;

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    for provider in subject.list("providers") {
        let is_object = matches!(provider.node.value, Value::Object(_));
        let is_open = match provider.get("audiences") {
            None => is_object,
            Some(audiences) => matches!(&audiences.node.value, Value::Array(elements) if elements.is_empty()),
        };
        if is_open {
            let message = "without audiences, tokens that were issued for other services are taken too";
            findings.add(Code::NoAudience, &provider, message, "set audiences to what the server writes into aud");
        }
    }
}
