//! The command: what it takes, and what it ends with.

mod adopt;
mod apply;
mod check;
mod connected;
mod ended;
mod keys;
mod migrate;
mod output;
mod probe;
mod probed_block;
mod reached;
mod serve;
mod token;
mod transfer;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::http::openapi;
use crate::system::forbid_core_dumps;

pub use ended::Ended;

/// Keeps contracts between client applications and APIs, and serves them to gateways.
///
/// Example: tessera-registry --config registry.toml serve
#[derive(Debug, Parser)]
#[command(name = "tessera-registry", version, max_term_width = 100)]
pub struct Line {
    /// The configuration, in TOML.
    #[arg(long, value_name = "FILE", env = "TESSERA_REGISTRY_CONFIG", default_value = "registry.toml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve,
    /// Check the configuration; with --connect also the database and the authorization servers, with --audit also the
    /// audit chains.
    Check(check::Arguments),
    /// Bring the schema of the database up to date.
    Migrate(migrate::Arguments),
    /// Make groups, environments, providers, APIs and tiers what FILE says.
    Apply(apply::Arguments),
    /// Make contracts of a contract document, for gateways that had one before.
    Adopt(adopt::Arguments),
    /// Write everything as JSON lines, secrets only sealed.
    Export(transfer::ExportArguments),
    /// Read an export into an empty database; the feed is held until `release`.
    Import(transfer::ImportArguments),
    /// Write a backup, from one moment, while the service runs.
    Backup(transfer::BackupArguments),
    /// Read a backup into an empty database; the feed is held until `release`.
    Restore(transfer::RestoreArguments),
    /// Serve the feed again after a restore or an import.
    Release(transfer::ReleaseArguments),
    /// Make, list and revoke tokens.
    #[command(subcommand)]
    Token(token::Tokens),
    /// Make keys that seal secrets in the database.
    #[command(subcommand, name = "seal-key")]
    SealKey(keys::Keys),
    /// Find out what a provider can do, with clients that are deleted again.
    Probe(probe::Arguments),
    /// Print the OpenAPI document of the administration API.
    Openapi,
}

/// Runs a command line.
pub fn run(line: Line) -> Ended {
    if let Err(error) = forbid_core_dumps() {
        return Ended::failed(format!("core dumps cannot be forbidden: {error}"));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Ended::failed(format!("no runtime: {error}")),
    };
    let config = line.config;
    runtime.block_on(async {
        match line.command {
            Command::Serve => serve::run(&config).await,
            Command::Check(arguments) => check::run(&config, arguments).await,
            Command::Migrate(arguments) => migrate::run(&config, arguments).await,
            Command::Apply(arguments) => apply::run(&config, arguments).await,
            Command::Adopt(arguments) => adopt::run(&config, arguments).await,
            Command::Export(arguments) => transfer::export(&config, arguments).await,
            Command::Import(arguments) => transfer::import(&config, arguments).await,
            Command::Backup(arguments) => transfer::backup(&config, arguments).await,
            Command::Restore(arguments) => transfer::restore(&config, arguments).await,
            Command::Release(arguments) => transfer::release(&config, arguments).await,
            Command::Token(tokens) => token::run(&config, tokens).await,
            Command::SealKey(keys) => keys::run(&config, keys).await,
            Command::Probe(arguments) => probe::run(&config, arguments).await,
            Command::Openapi => openapi(),
        }
    })
}

fn openapi() -> Ended {
    output::lines([openapi::document()]).err().unwrap_or_else(Ended::done)
}
