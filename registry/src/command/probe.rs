//! `probe`: what a provider can do, found out by doing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::command::connected::{Connected, file};
use crate::command::ended::Ended;
use crate::command::output;
use crate::command::probed_block::{catalogue, provider_of};
use crate::configuration::resolve;
use crate::domain::catalogue_file::{CatalogueFile, problem};
use crate::domain::members::Members;
use crate::domain::principal::{Caller, DEFAULT_ORGANISATION};
use crate::domain::provider::{Provider, ProviderKind, authorization_place, introspection_place};
use crate::domain::refusal::Refusal;
use crate::remote::dcr::{HttpInspector, HttpRegistrar};
use crate::remote::issuers::Issuers;
use crate::remote::proof_judge::HttpProofJudge;
use crate::system::{SystemClock, SystemRandomness};
use crate::use_case::keeping::find;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{Clock, Randomness};
use crate::use_case::probe::{ProbePorts, probe};

#[derive(Debug, Args)]
pub struct Arguments {
    /// A provider that is stored, or one of FILE.
    provider: String,
    /// A file as `apply` takes it; nothing is stored.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Whose provider it is.
    #[arg(long, default_value = DEFAULT_ORGANISATION, conflicts_with = "file")]
    organisation: String,
    /// Where to write the provider as it was found, as `apply` takes it, if it can be used.
    #[arg(long, requires = "file", value_name = "FILE")]
    block: Option<PathBuf>,
    /// Also whether it takes four registrations at once.
    #[arg(long)]
    parallel: bool,
}

pub async fn run(config: &Path, arguments: Arguments) -> Ended {
    match probed(config, arguments).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn probed(config: &Path, arguments: Arguments) -> Result<Ended, Ended> {
    let open = match &arguments.file {
        Some(path) => named(path, &arguments.provider)?,
        None => stored(config, &arguments).await?,
    };
    if open.provider.kind != ProviderKind::Dcr {
        return Err(Ended::not_possible("only a provider of the kind `dcr` can be probed"));
    }
    if open.provider.takes_one_time_tokens() {
        let why = "the tokens of `one_time` are for clients: probe the server with another `authorization`";
        return Err(Ended::not_possible(why));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
    let issuers = Arc::<Issuers>::default();
    let registrar = Arc::new(HttpRegistrar::new(Arc::clone(&issuers), Arc::clone(&clock), Arc::clone(&randomness)));
    let judge = HttpProofJudge::new(Arc::clone(&issuers), Arc::clone(&clock)).map_err(Ended::failed)?;
    let inspector = HttpInspector { registrar: Arc::clone(&registrar), issuers, clock: Arc::clone(&clock) };
    let ports = ProbePorts {
        registrar: &*registrar,
        judge: &judge,
        inspector: &inspector,
        clock: &*clock,
        randomness: &*randomness,
    };
    let organisation = open.organisation.clone();
    let report = probe(&ports, open, arguments.parallel).await;
    output::lines([format!("{:#}", json!(report))])?;
    if !report.usable {
        return Ok(Ended::not_possible("the provider cannot be used as it is: see `steps` and `warnings`"));
    }
    if let (Some(path), Some(to)) = (&arguments.file, &arguments.block) {
        let written = provider_of(&file(path)?, &arguments.provider).unwrap_or_default();
        let text = catalogue(&organisation, &report.block, &written).map_err(Ended::failed)?;
        fs::write(to, text).map_err(|error| Ended::failed(format!("{}: {error}", to.display())))?;
    }
    Ok(Ended::done())
}

async fn stored(config: &Path, arguments: &Arguments) -> Result<OpenProvider, Ended> {
    let connected = Connected::by(config).await?;
    let caller = Caller::system(arguments.organisation.clone());
    let mut tx = connected.outside.store.read().await?;
    let provider = match find::<Provider>(&mut connected.context(&mut *tx, &caller), &arguments.provider).await {
        Err(Refusal::NotFound) => {
            let (provider, organisation) = (&arguments.provider, &arguments.organisation);
            let what = format!(
                "there is no provider {provider} in the organisation {organisation}: --file probes one that is not stored"
            );
            return Err(Ended::failed(what));
        }
        found => found?,
    };
    Ok(OpenProvider::new(&arguments.organisation, provider.thing, &*connected.outside.sealing))
}

/// One of a file, with its credentials as they are there.
fn named(path: &Path, id: &str) -> Result<OpenProvider, Ended> {
    let environment = |name: &str| std::env::var(name);
    let secret = |value: &toml::Value| resolve(&environment, value).map(|secret| secret.expose_secret().to_owned());
    let catalogue = CatalogueFile::parse(&file(path)?, &secret).map_err(Ended::invalid)?;
    let is_that = |object: &&crate::domain::members::Object| object.get("id").and_then(|id| id.as_str()) == Some(id);
    let found = catalogue.providers.iter().enumerate().find(|(_, object)| is_that(object));
    let Some((index, object)) = found else {
        return Err(Ended::invalid([format!("{}: has no provider {id}", path.display())]));
    };
    let (mut members, mut provider) = (Members::of_new(object), Provider::blank(SystemClock.now()));
    provider.read(&mut members, &|_, credential| credential.to_owned());
    if let Err(faults) = members.finish_part() {
        let at = |pointer: &str| format!("/providers/{index}{pointer}");
        return Err(Ended::invalid(faults.iter().map(|fault| problem(&at(&fault.pointer), &fault.detail))));
    }
    let credentials: Vec<_> =
        provider.credentials().into_iter().map(|(place, credential)| (place, std::mem::take(credential))).collect();
    let at = |wanted: String| {
        let found = credentials.iter().find(|(place, _)| *place == wanted);
        found.map(|(_, credential)| SecretString::from(credential.as_str()))
    };
    let (authorization, introspection) = (at(authorization_place(id)), at(introspection_place(id)));
    Ok(OpenProvider { organisation: catalogue.organisation, provider, authorization, introspection })
}
