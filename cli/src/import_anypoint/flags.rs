//! What the command line says.

use super::given::Given;
use super::registry::RegistryFlags;
use std::collections::BTreeSet;
use tessera_core::base::http::HttpUrl;
use tessera_core::config::is_variable_name;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tessera import-anypoint conf.d/*.yaml > tessera.yaml
  tessera import-anypoint --contracts contracts.csv --map name=application.name > contracts.json
  tessera import-anypoint --contracts contracts.json --registry apply --environment production > catalogue.toml
  tessera import-anypoint --contracts contracts.json --registry adopt > adopted.json")]
pub struct Arguments {
    /// Flex Gateway's resources, or policies of API Manager; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "contracts")]
    pub files: Vec<String>,
    /// Where tokens are introspected, if a policy does not say it
    #[arg(long, value_name = "URL")]
    introspection_url: Option<String>,
    /// Client id of the gateway, if a policy does not say it
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Environment variable of the client secret; of the second server, the same with _2
    #[arg(long, value_name = "NAME", default_value = "IDP_CLIENT_SECRET")]
    secret_env: String,
    /// Issuer of the tokens; once per authorization server
    #[arg(long, value_name = "URL")]
    issuer: Vec<String>,
    /// Envoy cluster of the authorization server; of the second origin, the same with -2
    #[arg(long, value_name = "NAME", default_value = "idp")]
    cluster: String,
    /// Where contracts are polled, in a cluster named contracts
    #[arg(long, value_name = "URL")]
    contracts_url: Option<String>,
    /// Id here of an API that is called otherwise there
    #[arg(long, value_name = "ANYPOINT-ID=ID")]
    api: Vec<String>,
    /// Make a contract document of a table in JSON or CSV; repeatable, - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub contracts: Vec<String>,
    /// Columns of that table: of api, client_id, status, tier, name
    #[arg(long, value_name = "FIELD=COLUMN", value_delimiter = ',')]
    pub map: Vec<String>,
    #[command(flatten)]
    pub registry: RegistryFlags,
}

impl Arguments {
    /// # Errors
    /// Which flag is wrong. Its value is not shown: it may be a secret in the wrong place.
    pub fn given(&self) -> Result<Given, String> {
        let urls = [("--introspection-url", &self.introspection_url), ("--contracts-url", &self.contracts_url)];
        let issuers = self.issuer.iter().map(|issuer| ("--issuer", issuer));
        let urls = urls.into_iter().filter_map(|(flag, url)| Some((flag, url.as_ref()?)));
        for (flag, url) in urls.chain(issuers) {
            HttpUrl::parse(url).map_err(|fault| format!("{flag} {fault}"))?;
        }
        if self.issuer.iter().collect::<BTreeSet<_>>().len() < self.issuer.len() {
            return Err("--issuer is given twice with one value: servers are told apart by it".into());
        }
        if !is_variable_name(&self.secret_env) {
            return Err("--secret-env wants the name of a variable: letters, digits and _".into());
        }
        for (flag, text) in [("--cluster", Some(&self.cluster)), ("--client-id", self.client_id.as_ref())] {
            if text.is_some_and(|text| !is_text(text)) {
                return Err(format!("{flag} must be a text without control characters"));
            }
        }
        Ok(Given {
            introspection_url: self.introspection_url.clone(),
            client_id: self.client_id.clone(),
            secret_env: self.secret_env.clone(),
            issuers: self.issuer.clone(),
            cluster: self.cluster.clone(),
            contracts_url: self.contracts_url.clone(),
        })
    }

    /// Ids there, and here.
    ///
    /// # Errors
    /// What `--api` wants.
    pub fn names(&self) -> Result<Vec<(String, String)>, String> {
        let name = |pair: &String| match pair.split_once('=') {
            Some((there, here)) if is_text(there) && is_text(here) => Ok((there.to_owned(), here.to_owned())),
            _ => Err("--api wants ANYPOINT-ID=ID".to_owned()),
        };
        self.api.iter().map(name).collect()
    }
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}
