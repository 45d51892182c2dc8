//! Secrets that are written into files.

use crate::check::code::Code;
use crate::check::configuration::Kind;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::scalar::is_empty;
use crate::check::gateway::subject::Subject;
use crate::check::secret_places;

const HINT: &str = "{env: NAME}, and the variable from the host";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    let Some(root) = &subject.root else { return };
    let secrets = secret_places::of(root);
    for at in secrets.iter().filter(|secret| secret.text().is_some()) {
        let message = "a secret is written in: whoever reads this file, or Envoy's /config_dump, has it";
        findings.add_secret(Code::SecretInline, at, message, HINT);
    }
    let names: Vec<&str> = secrets.iter().filter_map(secret_places::variable).filter_map(|name| name.text()).collect();
    for (_, at) in written_variables(subject).into_iter().filter(|(name, at)| names.contains(name) && !is_empty(at)) {
        let message = "the variable that a secret comes from is written in: whoever reads this file has it";
        findings.add_secret(Code::SecretInline, &at, message, HINT);
    }
}

/// The variables of the VM whose values stand beside them.
fn written_variables<'a>(subject: &Subject<'a>) -> Vec<(&'a str, Cursor<'a>)> {
    let Some(plugin) = &subject.plugin else { return Vec::new() };
    if subject.is_istio_plugin() {
        let variables = plugin.get("vmConfig").into_iter().flat_map(|vm| vm.list("env"));
        let written = variables.filter(|variable| variable.text_of("valueFrom") != Some("HOST"));
        return written.filter_map(|variable| Some((variable.text_of("name")?, variable.get("value")?))).collect();
    }
    if !matches!(subject.kind, Kind::Envoy | Kind::EnvoyFilter) {
        return Vec::new();
    }
    let values = plugin.fields(&["vm_config", "environment_variables", "key_values"]);
    values.into_iter().flat_map(|values| values.members()).map(|(member, value)| (&*member.key, value)).collect()
}
