//! `check`: whether the configuration, and what it names, can be used.

use std::path::Path;

use clap::Args;

use crate::command::connected::{Connected, configuration, opened, schema};
use crate::command::ended::Ended;
use crate::command::output;
use crate::command::reached::{Reached, reached};
use crate::use_case::audit::{self, ChainState};
use crate::use_case::record::all;
use crate::use_case::tables::ORGANISATIONS;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Also whether the database answers and has the schema of this version, and whether the metadata of the issuer and of
    /// all providers can be had.
    #[arg(long)]
    connect: bool,
    /// Also whether the chains of audit entries are whole.
    #[arg(long)]
    audit: bool,
}

pub async fn run(config: &Path, arguments: Arguments) -> Ended {
    match check(config, arguments).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn check(config: &Path, arguments: Arguments) -> Result<Ended, Ended> {
    let (configuration, mut problems) = (configuration(config)?, Vec::new());
    output::lines(["configuration: ok"])?;
    if arguments.connect {
        let database = opened(&configuration).await?;
        let pending = database.pending().await.map_err(schema)?;
        let schema = if pending.is_empty() { "ok".to_owned() } else { format!("lacks {}", pending.join(", ")) };
        output::lines(["database: ok".to_owned(), format!("schema: {schema}")])?;
        // Without its schema the database has nobody to ask.
        if pending.is_empty() {
            problems = asked(config).await?;
        }
    }
    if arguments.audit {
        problems.extend(audited(config).await?);
    }
    if problems.is_empty() { Ok(Ended::done()) } else { Ok(Ended::not_possible(problems.join("\n"))) }
}

/// The authorization servers that cannot be used.
async fn asked(config: &Path) -> Result<Vec<String>, Ended> {
    let mut problems = Vec::new();
    for Reached { what, problem } in reached(&Connected::by(config).await?).await? {
        match problem {
            None => output::lines([format!("{what}: ok")])?,
            Some(why) => problems.push(format!("{what}: {why}")),
        }
    }
    Ok(problems)
}

/// The chains that are broken.
async fn audited(config: &Path) -> Result<Vec<String>, Ended> {
    let connected = Connected::by(config).await?;
    let mut tx = connected.outside.store.read().await?;
    let organisations = all(&mut *tx, &ORGANISATIONS).await?;
    let mut broken = Vec::new();
    for organisation in organisations {
        match audit::verify(&mut *tx, &organisation.id).await? {
            ChainState::Whole { entries } => {
                output::lines([format!("audit of {}: {entries} entries, ok", organisation.id)])?
            }
            ChainState::Broken { seq } => broken.push(format!("audit of {}: broken at entry {seq}", organisation.id)),
        }
    }
    Ok(broken)
}
