//! Dynamic modules whose configuration comes by itself, apart from the listener (Envoy's ECDS).

use crate::check::code::Code;
use crate::check::configuration::Host;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(plugin) = subject.plugin.as_ref().filter(|_| subject.host == Host::Native) else { return };
    let is_by_discovery = subject
        .way
        .iter()
        .any(|at| at.is_type(".TypedExtensionConfig") || at.text_of("applyTo") == Some("EXTENSION_CONFIG"));
    if is_by_discovery {
        let message = "Envoy may crash when this is replaced while the module's calls are under way";
        let remedy = "have the filter's configuration within the listener, which replaces it safely";
        findings.add(Code::ModuleByDiscovery, plugin, message, remedy);
    }
}
