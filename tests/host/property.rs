//! The properties that a filter can read.

use super::vm::Vm;

/// Properties by their path, whose parts are separated by NUL.
pub(super) fn property(vm: &Vm, path: &str) -> Option<Vec<u8>> {
    let mut state = vm.state();
    match path {
        "plugin_name" => return Some(vm.plugin.name.clone().into_bytes()),
        "plugin_root_id" => return Some(vm.plugin.root_id.clone().into_bytes()),
        "plugin_vm_id" => return Some(vm.plugin.vm_id.clone().into_bytes()),
        _ => {}
    }
    let certificate = state.certificate.clone();
    let stream = state.stream()?;
    if let Some(set) = stream.properties.get(path).filter(|_| !path.contains('\0')) {
        return Some(set.clone());
    }
    if path == "connection\0sha256_peer_certificate_digest" {
        return certificate.map(String::into_bytes);
    }
    let request = Some(&stream.headers).filter(|_| stream.editable)?;
    let field = path.strip_prefix("request\0")?;
    if let Some(name) = field.strip_prefix("headers\0") {
        let lines: Vec<&[u8]> = request.lines(name).collect();
        return (!lines.is_empty()).then(|| lines.join(&b','));
    }
    let whole = match field {
        "path" | "url_path" | "query" => request.get(":path")?.to_vec(),
        "host" => request.get(":authority")?.to_vec(),
        "method" => request.get(":method")?.to_vec(),
        "scheme" => request.get(":scheme")?.to_vec(),
        "protocol" => b"HTTP/1.1".to_vec(),
        _ => return None,
    };
    let mut halves = whole.splitn(2, |byte| *byte == b'?');
    Some(match field {
        "url_path" => halves.next()?.to_vec(),
        "query" => halves.nth(1).unwrap_or_default().to_vec(),
        _ => whole,
    })
}
