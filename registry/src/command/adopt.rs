//! `adopt`: a contract document becomes contracts.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::command::connected::Connected;
use crate::command::ended::Ended;
use crate::command::output;
use crate::domain::adopted_file;
use crate::domain::principal::{Caller, DEFAULT_ORGANISATION};
use crate::use_case::adopt::adopt;
use crate::use_case::context::Context;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A contract document in one file.
    file: PathBuf,
    /// The environment of the APIs that it names.
    #[arg(long, value_name = "ID")]
    environment: String,
    /// The group that the applications belong to.
    #[arg(long, value_name = "ID")]
    group: String,
}

pub async fn run(config: &Path, arguments: Arguments) -> Ended {
    adopted(config, arguments).await.err().unwrap_or_else(Ended::done)
}

async fn adopted(config: &Path, arguments: Arguments) -> Result<(), Ended> {
    let path = &arguments.file;
    let document = fs::read(path).map_err(|error| Ended::invalid([format!("{}: {error}", path.display())]))?;
    let clients = adopted_file::read(&document).map_err(Ended::invalid)?;
    let connected = Connected::by(config).await?;
    let caller = Caller::system(DEFAULT_ORGANISATION);
    let does = async |cx: &mut Context<'_>| {
        adopt(cx, &clients, &arguments.environment, &arguments.group).await.map(|made| (made, true))
    };
    let made = connected.transacted(&caller, does).await?;
    let (applications, contracts, revoked) = (made.applications, made.contracts, made.revoked);
    output::lines([format!("{applications} applications, {contracts} contracts; {revoked} revoked rows were left out")])
}
