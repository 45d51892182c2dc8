//! `apply`: makes the catalogue what a file says.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::ExposeSecret;

use crate::command::connected::{Connected, file};
use crate::command::ended::Ended;
use crate::command::output;
use crate::configuration::resolve;
use crate::domain::catalogue_file::CatalogueFile;
use crate::domain::principal::Caller;
use crate::use_case::apply::{NotApplied, apply};
use crate::use_case::context::Context;

#[derive(Debug, Args)]
pub struct Arguments {
    file: PathBuf,
    /// Only say what would be done; exit 4 if there is something.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// What FILE does not name goes.
    #[arg(long)]
    prune: bool,
}

pub async fn run(config: &Path, arguments: Arguments) -> Ended {
    match applied(config, arguments).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn applied(config: &Path, arguments: Arguments) -> Result<Ended, Ended> {
    let text = file(&arguments.file)?;
    let environment = |name: &str| std::env::var(name);
    let secret = |value: &toml::Value| resolve(&environment, value).map(|secret| secret.expose_secret().to_owned());
    let catalogue = CatalogueFile::parse(&text, &secret).map_err(Ended::invalid)?;
    let connected = Connected::by(config).await?;
    let caller = Caller::system(catalogue.organisation.clone());
    let does = async |cx: &mut Context<'_>| apply(cx, &catalogue, arguments.prune).await;
    // What is only to be told is done, too, and then not committed.
    let lines = connected.transacted(&caller, async |cx| Ok((does(cx).await?, false))).await?;
    output::lines(&lines)?;
    if lines.is_empty() {
        return Ok(Ended::done());
    }
    if arguments.dry_run {
        return Ok(Ended::would_change());
    }
    if !arguments.yes && !output::agreed("Do this?")? {
        return Err(Ended::failed("nothing was changed"));
    }
    // What was agreed to is what is done.
    let agreed = connected.transacted(&caller, async |cx| {
        let is_agreed = does(cx).await? == lines;
        Ok((is_agreed, is_agreed))
    });
    if agreed.await? {
        return Ok(Ended::done());
    }
    Err(Ended::failed("something else was changed in the meantime: look again"))
}

impl From<NotApplied> for Ended {
    fn from(why: NotApplied) -> Self {
        match why {
            NotApplied::Problems(problems) => Self::invalid(problems),
            NotApplied::InUse(what, why) => Self::failed(format!("{what}: {why}")),
            NotApplied::Refused(refusal) => refusal.into(),
        }
    }
}
