//! Browsers' preflight requests, which carry no token, before the filter that answers them.

use crate::check::code::Code;
use crate::check::configuration::Kind;
use crate::check::gateway::chain::Chain;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::scalar;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

const CORS: &str = "envoy.filters.http.cors";

/// The filters that Istio puts before `cors`, by their names.
const BEFORE_CORS: [&str; 9] = [
    "envoy.filters.http.ext_authz",
    "envoy.filters.http.fault",
    "envoy.filters.http.grpc_stats",
    "envoy.filters.http.grpc_web",
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.rbac",
    "istio.alpn",
    "istio.metadata_exchange",
    "istio_authn",
];

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    let is_before_cors = match subject.kind {
        Kind::Envoy => Chain::all(subject, &surroundings.envoy).iter().any(is_before_cors),
        Kind::EnvoyFilter => {
            Chain::all(subject, &surroundings.filters).iter().any(is_before_cors)
                || (is_put_before_cors(subject) && has_cors_policy(surroundings))
        }
        Kind::WasmPlugin | Kind::TrafficExtension => has_cors_policy(surroundings),
        Kind::Plain | Kind::EnvoyExtensionPolicy => false,
    };
    if !is_before_cors {
        return;
    }
    for api in subject.list("apis").filter(|api| !lets_preflights_pass(api)) {
        let message = "refuses preflight requests, which carry no token: cors runs after this filter";
        let hint = "put cors first, or add the operation {match: {methods: [OPTIONS]}, public: true}";
        findings.add(Code::PreflightRefused, &api, message, hint);
    }
}

fn is_before_cors(chain: &Chain<'_>) -> bool {
    chain.filters_behind().any(|filter| {
        let config = filter.field("typed_config");
        config.is_some_and(|config| config.is_type(".cors.v3.Cors")) || filter.text_of("name") == Some(CORS)
    })
}

/// Whether a patch puts the filter where it comes before Istio's own `cors`.
fn is_put_before_cors(subject: &Subject<'_>) -> bool {
    let Some(patch) = subject.way.iter().find(|at| at.text_of("applyTo") == Some("HTTP_FILTER")) else { return false };
    let selected = patch.dig(&["match", "listener", "filterChain", "filter", "subFilter", "name"]);
    let selected = selected.and_then(|name| name.text());
    let operation = patch.dig(&["patch", "operation"]);
    match operation.and_then(|operation| operation.text()) {
        Some("INSERT_FIRST") => true,
        // Without a filter that is selected, it is the first one.
        Some("INSERT_BEFORE") => selected.is_none_or(|name| name == CORS || BEFORE_CORS.contains(&name)),
        Some("INSERT_AFTER") => selected.is_some_and(|name| BEFORE_CORS.contains(&name)),
        _ => false,
    }
}

fn has_cors_policy(surroundings: &Surroundings<'_>) -> bool {
    let services = surroundings.resources.of("networking.istio.io", "VirtualService");
    let mut routes = services.filter_map(|service| service.spec()).flat_map(|spec| spec.list("http"));
    routes.any(|route| route.get("corsPolicy").is_some())
}

fn lets_preflights_pass(api: &Cursor<'_>) -> bool {
    let is_optional = |rule: &Cursor<'_>| rule.text_of("token") == Some("optional");
    for operation in api.list("operations") {
        let methods: Option<Vec<_>> = operation
            .dig(&["match", "methods"])
            .map(|methods| methods.elements().filter_map(|name| name.text()).collect());
        let has_paths = operation.dig(&["match", "paths"]).is_some();
        let is_named = methods.as_ref().is_some_and(|methods| methods.contains(&"OPTIONS"));
        let is_open = operation.get("public").is_some_and(|flag| scalar::is_true(&flag)) || is_optional(&operation);
        let is_for_all = !has_paths && (methods.is_none() || is_named);
        if is_open && (is_named || is_for_all) {
            return true;
        }
        if is_for_all && !(operation.get("token").is_none() && is_optional(api)) {
            return false;
        }
    }
    is_optional(api)
}
