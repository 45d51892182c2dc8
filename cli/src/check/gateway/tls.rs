//! Envoy's transport sockets: whether they make TLS, and whether that checks whom it talks to.

use super::cursor::Cursor;
use super::reach::{Protection, Unchecked};
use super::scalar::is_true;

/// What the transport sockets of a cluster do.
pub fn protection(cluster: &Cursor<'_>) -> Protection {
    let mut sockets = sockets(cluster).peekable();
    if sockets.peek().is_none() {
        return Protection::None;
    }
    if sockets.all(|socket| is_plain(&socket)) { Protection::None } else { Protection::Tls }
}

/// The transport sockets of a cluster that make TLS without a check. `secret` finds a validation context by its name.
pub fn unchecked<'a>(
    cluster: &Cursor<'a>,
    secret: &dyn Fn(&str) -> Option<Cursor<'a>>,
) -> impl Iterator<Item = Unchecked<'a>> {
    sockets(cluster).filter_map(move |at| lack(&innermost(&at), secret).map(|lack| Unchecked { at, lack }))
}

fn sockets<'a>(cluster: &Cursor<'a>) -> impl Iterator<Item = Cursor<'a>> + use<'a> {
    let matches = cluster.repeated("transport_socket_matches").filter_map(|entry| entry.field("transport_socket"));
    cluster.field("transport_socket").into_iter().chain(matches)
}

/// The socket inside of those that only wrap one.
fn innermost<'a>(socket: &Cursor<'a>) -> Cursor<'a> {
    match socket.fields(&["typed_config", "transport_socket"]) {
        Some(inner) => innermost(&inner),
        None => socket.clone(),
    }
}

fn is_plain(socket: &Cursor<'_>) -> bool {
    let socket = innermost(socket);
    let config = socket.field("typed_config");
    config.is_some_and(|config| config.is_type(".RawBuffer"))
        || socket.text_of("name") == Some("envoy.transport_sockets.raw_buffer")
}

fn lack<'a>(socket: &Cursor<'a>, secret: &dyn Fn(&str) -> Option<Cursor<'a>>) -> Option<&'static str> {
    let config = socket.field("typed_config");
    let is_tls = match &config {
        Some(config) => config.is_type(".UpstreamTlsContext"),
        None => socket.text_of("name") == Some("envoy.transport_sockets.tls"),
    };
    if !is_tls {
        return None;
    }
    let common = config.as_ref().and_then(|config| config.field("common_tls_context"));
    let contexts = common.as_ref().map(|common| contexts(common, secret)).unwrap_or_default();
    let is_handed_over = common.is_some_and(|common| {
        let combined = common.field("combined_validation_context");
        [Some(common), combined].into_iter().flatten().any(|holder| is_handed_over(&holder))
    });
    let accepts_anything =
        |context: &Cursor<'_>| context.field_text("trust_chain_verification") == Some("ACCEPT_UNTRUSTED");
    if contexts.iter().any(accepts_anything) || !(is_handed_over || contexts.iter().any(has_authority)) {
        return Some("no certificate authority");
    }
    let follows_sni =
        config.and_then(|config| config.field("auto_sni_san_validation")).is_some_and(|flag| is_true(&flag));
    (!follows_sni && !contexts.iter().any(has_names)).then_some("no name")
}

/// The validation contexts that are written here.
fn contexts<'a>(common: &Cursor<'a>, secret: &dyn Fn(&str) -> Option<Cursor<'a>>) -> Vec<Cursor<'a>> {
    let combined = common.field("combined_validation_context");
    let named = [Some(common), combined.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|holder| secret(holder.field("validation_context_sds_secret_config")?.text_of("name")?));
    let written =
        [common.field("validation_context"), combined.as_ref().and_then(|all| all.field("default_validation_context"))];
    written.into_iter().flatten().chain(named).collect()
}

/// Whether the certificates come over the secret discovery service, or from a plugin.
fn is_handed_over(holder: &Cursor<'_>) -> bool {
    [
        "validation_context_sds_secret_config",
        "validation_context_certificate_provider",
        "validation_context_certificate_provider_instance",
    ]
    .into_iter()
    .any(|name| holder.field(name).is_some())
}

fn has_authority(context: &Cursor<'_>) -> bool {
    ["trusted_ca", "system_root_certs", "ca_certificate_provider_instance"]
        .into_iter()
        .any(|name| context.field(name).is_some())
}

fn has_names(context: &Cursor<'_>) -> bool {
    ["match_typed_subject_alt_names", "match_subject_alt_names"]
        .into_iter()
        .any(|name| context.repeated(name).next().is_some())
}
