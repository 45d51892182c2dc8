//! `tessera discover`: a provider's configuration out of what its server says about itself, and what reaches the server.

mod ask;
mod envoy;
mod envoy_gateway;
mod istio;
mod origin;
mod platform;
mod provider;
mod reach;
mod server;
mod unusable;

use crate::exit::Exit;
use crate::http_client::Trust;
use crate::output::Output;
use crate::yaml_text::{Yaml, block};
use platform::Platform;
use provider::Names;
use reach::Place;
use serde_json::{Value, json};
use server::Server;
use std::time::Duration;
use tessera_core::config::{is_variable_name, parse_duration};
use unusable::Unusable;

/// The longest that a server is waited for.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tessera discover https://idp.example.com --for envoy")]
pub struct Arguments {
    /// The issuer of the tokens, exactly as their `iss` has it
    issuer: String,
    /// Also write what reaches the server: a cluster, or the resources that make one
    #[arg(long = "for", value_enum, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// Name of the provider in metrics, contracts and headers
    #[arg(long, value_name = "NAME", default_value = "main", value_parser = name)]
    name: String,
    /// The Envoy cluster that reaches the server; Istio and Envoy Gateway give it a name of their own [default: idp]
    #[arg(long, value_name = "NAME", value_parser = text)]
    cluster: Option<String>,
    /// Namespace of the resources; for Istio that of the proxies
    #[arg(long, value_name = "NAMESPACE", default_value = "default", value_parser = name)]
    namespace: String,
    /// Gateway on which Envoy Gateway makes the cluster
    #[arg(long, value_name = "NAME", default_value = "gateway", value_parser = name)]
    gateway: String,
    /// Client id of the gateway
    #[arg(long, value_name = "ID", default_value = "gateway", value_parser = text)]
    client_id: String,
    /// Environment variable that has the secret, or the key, of the gateway
    #[arg(long, value_name = "NAME", default_value = "IDP_CLIENT_SECRET", value_parser = variable)]
    secret_env: String,
    /// Trust the authorities in this PEM file only, instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// How long to wait for each answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = timeout)]
    timeout: Duration,
}

pub fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let found = prepare(arguments).and_then(|trust| ask::ask(&arguments.issuer, &trust, arguments.timeout));
    match found.and_then(|server| write(&server, arguments)) {
        Ok(written) if output.json => output.print_json(&written.json),
        Ok(written) => output.print(&written.text),
        Err(unusable) => {
            let (message, exit) = match unusable {
                Unusable::Unanswered(message) => (message, Exit::Failed),
                Unusable::Unsound(message) => (message, Exit::Mistakes),
            };
            output.complain(&message);
            return exit;
        }
    }
    Exit::Done
}

/// Both forms of the result.
struct Written {
    text: String,
    json: Value,
}

fn prepare(arguments: &Arguments) -> Result<Trust, Unusable> {
    let names_its_own = matches!(arguments.platform, Some(Platform::Istio | Platform::EnvoyGateway));
    if names_its_own && arguments.cluster.is_some() {
        return Err(Unusable::Unanswered(
            "--cluster is for Envoy: this platform gives clusters names of its own".into(),
        ));
    }
    Trust::from_option(arguments.ca.as_deref()).map_err(Unusable::Unanswered)
}

fn write(server: &Server, arguments: &Arguments) -> Result<Written, Unusable> {
    let place = Place {
        name: &arguments.name,
        cluster: arguments.cluster.as_deref().unwrap_or("idp"),
        namespace: &arguments.namespace,
        gateway: &arguments.gateway,
        ca: arguments.ca.as_deref(),
    };
    let reach = platform::reach(arguments.platform, &server.origin()?, &place)?;
    let names = Names {
        name: &arguments.name,
        cluster: &reach.cluster,
        client_id: &arguments.client_id,
        secret_env: &arguments.secret_env,
    };
    let provider = provider::provider(server, &names);
    let lacks = server.lacks();
    let mut text = String::new();
    for url in &server.urls {
        text += &format!("# From {url}\n");
    }
    for (member, consequence) in &lacks {
        text += &format!("# lacks: {member}: {consequence}\n");
    }
    text += &block(&Yaml::object([("providers", Yaml::array([provider.clone()]))]), 0);
    for document in &reach.documents {
        text += "---\n";
        text += &block(document, 0);
    }
    let json = json!({
        "version": 1,
        "issuer": server.issuer,
        "metadata": server.urls,
        "provider": provider.to_json(),
        "resources": reach.resources(),
        "lacks": lacks.iter().map(|(member, _)| *member).collect::<Vec<_>>(),
    });
    Ok(Written { text, json })
}

fn timeout(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text)
        .filter(|timeout| !timeout.is_zero() && *timeout <= LONGEST)
        .ok_or("must be a whole number and a unit such as \"10s\", at most 10m")
}

/// Names of providers, and of resources of Kubernetes.
fn name(text: &str) -> Result<String, &'static str> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > 50 || text.starts_with('-') || text.ends_with('-') || !text.bytes().all(legal) {
        return Err("must be at most 50 lower-case letters, digits and \"-\", with no \"-\" at its ends");
    }
    Ok(text.into())
}

fn variable(text: &str) -> Result<String, &'static str> {
    if !is_variable_name(text) {
        return Err("must be the name of an environment variable: letters, digits and \"_\"");
    }
    Ok(text.into())
}

fn text(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err("must not be empty, nor hold control characters");
    }
    Ok(text.into())
}
