//! Modules that may be replaced by others of the same name.

use crate::check::code::Code;
use crate::check::configuration::{Host, Kind};
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::modules::registered;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    let Some(plugin) = &subject.plugin else { return };
    let mut check = |holder: &Cursor<'_>, url: Option<Cursor<'_>>| {
        if let Some(url) = url.filter(|url| url.text().is_some_and(|text| !is_pinned(text, holder))) {
            let message = "the module is not held to a digest: another one may come under this name";
            findings.add(Code::ImageNotPinned, &url, message, "set sha256, or @sha256:… in the name of an image");
        }
    };
    match (subject.kind, subject.host) {
        // One that Envoy fetches itself is worse than that: see `fail_open`.
        (Kind::Plain, _) | (Kind::Envoy | Kind::EnvoyFilter, Host::Native) => {}
        (Kind::Envoy | Kind::EnvoyFilter, Host::Wasm) => {
            if let Some(remote) = plugin.fields(&["vm_config", "code", "remote"]) {
                check(&remote, remote.fields(&["http_uri", "uri"]));
            }
        }
        (Kind::WasmPlugin | Kind::TrafficExtension, _) => check(plugin, plugin.get("url")),
        (Kind::EnvoyExtensionPolicy, Host::Native) => {
            for module in registered(&surroundings.resources, plugin.text_of("name").unwrap_or_default()) {
                module.images().into_iter().for_each(|image| check(&image, Some(image.clone())));
            }
        }
        (Kind::EnvoyExtensionPolicy, Host::Wasm) => {
            for source in ["image", "http"] {
                if let Some(source) = plugin.dig(&["code", source]) {
                    check(&source, source.get("url"));
                }
            }
        }
    }
}

fn is_pinned(url: &str, holder: &Cursor<'_>) -> bool {
    let is_http = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    let has_digest = holder.text_of("sha256").is_some_and(|digest| !digest.is_empty());
    has_digest || url.starts_with("file://") || !is_http && url.contains("@sha256:")
}
