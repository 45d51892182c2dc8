//! Browsers' preflight requests, which carry no token, before the filter that answers them.

use crate::check::code::Code;
use crate::check::configuration::Kind;
use crate::check::gateway::chain::Chain;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::scalar;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    let is_before_cors = match subject.kind {
        Kind::Envoy => Chain::all(subject, &surroundings.envoy).iter().any(is_before_cors),
        Kind::EnvoyFilter => Chain::all(subject, &surroundings.filters).iter().any(is_before_cors),
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
        config.is_some_and(|config| config.is_type(".cors.v3.Cors"))
            || filter.text_of("name") == Some("envoy.filters.http.cors")
    })
}

fn has_cors_policy(surroundings: &Surroundings<'_>) -> bool {
    let services =
        surroundings.resources.iter().filter(|resource| resource.is("networking.istio.io", "VirtualService"));
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
