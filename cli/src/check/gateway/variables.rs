//! Variables that secrets come from, and that nothing hands to the VM.

use super::cursor::Cursor;
use super::findings::Findings;
use super::scalar::is_empty;
use super::subject::Subject;
use crate::check::code::Code;
use crate::check::configuration::{Host, Kind};
use crate::check::secret_places;
use tessera_core::config::is_variable_name;

pub fn look(subject: &Subject<'_>, findings: &mut Findings<'_>) {
    // A dynamic module has the environment of Envoy's own process.
    let is_in_vm = subject.kind != Kind::Plain && subject.host == Host::Wasm;
    let Some(root) = subject.root.as_ref().filter(|_| is_in_vm) else { return };
    let passed = passed(subject);
    for name in secret_places::of(root).iter().filter_map(secret_places::variable) {
        let Some(text) = name.text().filter(|text| !text.is_empty() && !passed.contains(text)) else { continue };
        // What does not look like a name may be the secret itself, put in the wrong place.
        let is_name = is_variable_name(text) && !name.is_repeated;
        let shown = if is_name { format!(" {text}") } else { String::new() };
        let message = format!("the variable{shown} is not handed over to the filter");
        let hint = hint(subject.kind);
        if is_name {
            findings.add(Code::EnvNotPassed, &name, message, hint);
        } else {
            findings.add_secret(Code::EnvNotPassed, &name, message, hint);
        }
    }
}

/// The names of the variables that the VM gets.
fn passed<'a>(subject: &Subject<'a>) -> Vec<&'a str> {
    let Some(plugin) = &subject.plugin else { return Vec::new() };
    match subject.kind {
        Kind::Plain => Vec::new(),
        Kind::Envoy | Kind::EnvoyFilter => {
            let Some(variables) = plugin.fields(&["vm_config", "environment_variables"]) else { return Vec::new() };
            let of_host = variables.repeated("host_env_keys").filter_map(|name| name.text());
            let written = variables.field("key_values").into_iter().flat_map(|written| written.members());
            let written = written.filter(|(_, value)| !is_empty(value));
            of_host.chain(written.map(|(member, _)| &*member.key)).collect()
        }
        Kind::WasmPlugin | Kind::TrafficExtension => {
            let variables = plugin.get("vmConfig").into_iter().flat_map(|vm| vm.list("env"));
            variables.filter(arrives).filter_map(|variable| variable.text_of("name")).collect()
        }
        Kind::EnvoyExtensionPolicy => {
            let names = plugin.get("env").into_iter().flat_map(|env| env.list("hostKeys"));
            names.filter_map(|name| name.text()).collect()
        }
    }
}

/// Whether an entry of Istio's hands something over. Without `valueFrom` it stands for its `value`, even if it has none.
fn arrives(variable: &Cursor<'_>) -> bool {
    match variable.text_of("valueFrom") {
        Some("HOST") => true,
        Some("INLINE") | None => variable.get("value").is_some_and(|value| !is_empty(&value)),
        Some(_) => false,
    }
}

fn hint(kind: Kind) -> &'static str {
    match kind {
        Kind::Plain | Kind::Envoy | Kind::EnvoyFilter => {
            "add the name to vm_config.environment_variables.host_env_keys of this filter"
        }
        Kind::WasmPlugin | Kind::TrafficExtension => "add {name: NAME, valueFrom: HOST} to vmConfig.env",
        Kind::EnvoyExtensionPolicy => "add the name to env.hostKeys of this extension",
    }
}
