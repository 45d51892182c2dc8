//! `migrate`: brings the schema up to date.

use std::path::Path;

use clap::Args;

use crate::command::connected::{configuration, migrated, opened, schema};
use crate::command::ended::Ended;
use crate::command::output;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Only say what would be done; exit 4 if there is something.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(config: &Path, arguments: Arguments) -> Ended {
    match migrate(config, arguments.dry_run).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn migrate(config: &Path, dry_run: bool) -> Result<Ended, Ended> {
    let database = opened(&configuration(config)?).await?;
    if dry_run {
        let pending = database.pending().await.map_err(schema)?;
        output::lines(&pending)?;
        return Ok(if pending.is_empty() { Ended::done() } else { Ended::would_change() });
    }
    output::lines(&migrated(&database).await?)?;
    Ok(Ended::done())
}
