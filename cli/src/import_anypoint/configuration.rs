//! The configuration that a plan makes.

use super::assemble::{Guarded, Plan};
use super::combine::Guard;
use super::given::Given;
use super::number::duration;
use super::providers::Provider;
use super::region::{Pattern, Region};
use crate::yaml_text::Yaml;

type Members = Vec<(&'static str, Yaml)>;

pub fn configuration(plan: &Plan, given: &Given) -> Yaml {
    let providers = plan.providers.iter().enumerate().map(|(index, one)| provider(index, one));
    let apis = plan.apis.iter().map(|one| api(one, plan.providers.len()));
    let mut members = vec![("providers", Yaml::array(providers)), ("apis", Yaml::array(apis))];
    if given.contracts_url.is_some() || plan.apis.iter().any(|api| api.guards.list.iter().any(|guard| guard.contract)) {
        members.push(("contracts", contracts(given)));
    }
    members.push((
        "cache",
        Yaml::object([("entries", Yaml::number(plan.entries)), ("max_ttl", Yaml::text(duration(plan.max_ttl)))]),
    ));
    Yaml::object(members)
}

pub fn provider_name(index: usize) -> String {
    if index == 0 { "main".into() } else { format!("main-{}", index + 1) }
}

fn provider(index: usize, provider: &Provider) -> Yaml {
    let (client, headers) = provider.client.to_yaml(&provider.variable);
    let mut introspection: Members = vec![
        ("endpoint", Yaml::text(&provider.url)),
        ("cluster", Yaml::text(&provider.cluster)),
        ("timeout", Yaml::text(duration(provider.timeout))),
        ("retries", Yaml::number(0)),
        ("client", client),
    ];
    introspection.extend(headers.map(|headers| ("headers", headers)));
    let mut members: Members = vec![("name", Yaml::text(provider_name(index)))];
    members.extend(provider.issuer.as_ref().map(|issuer| ("issuer", Yaml::text(issuer))));
    members.push(("introspection", Yaml::object(introspection)));
    members.extend(provider.consumer.map(|member| ("claims", Yaml::object([("client_id", Yaml::texts([member]))]))));
    Yaml::object(members)
}

fn api(api: &Guarded, providers: usize) -> Yaml {
    let mut members: Members = vec![("id", Yaml::text(&api.id))];
    let hosts =
        api.host.as_ref().map(|host| ("hosts", Yaml::texts([host]).with_comment("replace it by the API's own")));
    let paths = (!api.paths.is_empty()).then(|| ("paths", Yaml::texts(api.paths.iter().map(Pattern::written))));
    if hosts.is_some() || paths.is_some() {
        members.push(("match", Yaml::object(hosts.into_iter().chain(paths))));
    }
    if providers > 1 {
        members.push(("providers", Yaml::texts(api.providers.iter().map(|index| provider_name(*index)))));
    }
    let (rest, parts) = api.guards.split();
    members.extend(rest.into_iter().flat_map(rule));
    let mut operations: Vec<Yaml> = parts.iter().map(operation).collect();
    if rest.is_none() {
        let public = [("match", Region::default().to_yaml()), ("public", Yaml::boolean(true))];
        operations.push(Yaml::object(public).with_comment("the policy does not guard the rest"));
    }
    if !operations.is_empty() {
        members.push(("operations", Yaml::array(operations)));
    }
    if api.expose {
        members.push(("upstream", Yaml::object([("claims_prefix", Yaml::text("x-agw-"))])));
    }
    Yaml::object(members)
}

fn operation(guard: &Guard) -> Yaml {
    Yaml::object([("match", guard.region.to_yaml())].into_iter().chain(rule(guard)))
}

fn rule(guard: &Guard) -> [(&'static str, Yaml); 2] {
    let contract = if guard.contract { "required" } else { "none" };
    [("scopes", guard.scopes.to_yaml()), ("contract", Yaml::text(contract))]
}

fn contracts(given: &Given) -> Yaml {
    match &given.contracts_url {
        Some(url) => {
            let source = [("url", Yaml::text(url)), ("cluster", Yaml::text("contracts"))];
            Yaml::object([("source", Yaml::object(source))])
        }
        None => Yaml::object([("inline", Yaml::array([]).with_comment("nobody has a contract yet"))]),
    }
}
