//! `export`, `import`, `backup`, `restore` and `release`: the whole database in a file, and back.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::command::connected::Connected;
use crate::command::ended::Ended;
use crate::command::output;
use crate::domain::principal::{Caller, DEFAULT_ORGANISATION};
use crate::use_case::transfer::{self, Arrival, Holding, TransferError, Transferred};

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Where to; without it, to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct BackupArguments {
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct RestoreArguments {
    file: PathBuf,
    /// Whatever the database has already is lost.
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
pub struct ReleaseArguments {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub async fn export(config: &Path, arguments: ExportArguments) -> Ended {
    let done = match arguments.out {
        Some(path) => to_file(config, &path).await,
        None => write(config, &mut BufWriter::new(stdout())).await,
    };
    done.err().unwrap_or_else(Ended::done)
}

pub async fn backup(config: &Path, arguments: BackupArguments) -> Ended {
    to_file(config, &arguments.file).await.err().unwrap_or_else(Ended::done)
}

/// Under a name of its own until it is whole: nobody else may read it, and nothing that is there already, such as a link,
/// says where it goes.
async fn to_file(config: &Path, path: &Path) -> Result<(), Ended> {
    let failed = |error: std::io::Error| Ended::failed(format!("{}: {error}", path.display()));
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", uuid::Uuid::now_v7().simple()));
    let part = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::new(options.open(&part).map_err(failed)?);
    let written = write(config, &mut out).await;
    let whole = written.and_then(|()| out.get_ref().sync_all().map_err(failed));
    match whole {
        Ok(()) => std::fs::rename(&part, path).map_err(failed),
        Err(ended) => {
            let _ = std::fs::remove_file(&part);
            Err(ended)
        }
    }
}

async fn write(config: &Path, out: &mut (dyn Write + Send)) -> Result<(), Ended> {
    let connected = Connected::by(config).await?;
    let mut tx = connected.outside.store.read().await?;
    transfer::export(&mut *tx, connected.outside.clock.now(), out).await?;
    out.flush().map_err(|error| Ended::failed(format!("the file: {error}")))
}

pub async fn import(config: &Path, arguments: ImportArguments) -> Ended {
    read(config, &arguments.file, Arrival::Import).await.err().unwrap_or_else(Ended::done)
}

pub async fn restore(config: &Path, arguments: RestoreArguments) -> Ended {
    let arrival = Arrival::Restore { replace: arguments.replace };
    read(config, &arguments.file, arrival).await.err().unwrap_or_else(Ended::done)
}

async fn read(config: &Path, path: &Path, arrival: Arrival) -> Result<(), Ended> {
    let file = File::open(path).map_err(|error| Ended::invalid([format!("{}: {error}", path.display())]))?;
    let connected = Connected::by(config).await?;
    let caller = Caller::system(DEFAULT_ORGANISATION);
    let mut tx = connected.outside.store.write().await?;
    let mut file: Box<dyn BufRead + Send> = Box::new(BufReader::new(file));
    let Transferred { lines, tokens, revoked, orphans } =
        transfer::import(&mut connected.context(&mut *tx, &caller), &mut *file, arrival).await?;
    tx.commit().await?;
    // SQLite brings in what is only in its log yet: here, where nobody waits for an answer.
    connected.database.close().await;
    output::lines([
        format!("{lines} lines read."),
        format!("{revoked} tokens that were revoked since have stayed so."),
        format!("{orphans} clients at providers, which the file does not know, have become orphans."),
        format!("{tokens} tokens are valid: `tessera-registry token list`. End those that should not be."),
        "The feed is held until `tessera-registry release`: gateways keep what they have.".to_owned(),
    ])
}

pub async fn release(config: &Path, arguments: ReleaseArguments) -> Ended {
    released(config, arguments.yes).await.err().unwrap_or_else(Ended::done)
}

async fn released(config: &Path, is_agreed: bool) -> Result<(), Ended> {
    let connected = Connected::by(config).await?;
    let mut tx = connected.outside.store.read().await?;
    let Holding { backup, age, contracts } = transfer::holding(&mut *tx, connected.outside.clock.now()).await?;
    drop(tx);
    output::lines([
        format!("The backup was made at {backup}, {} s ago.", age.as_secs()),
        format!("{contracts} contracts would be served, also those that were revoked since."),
    ])?;
    if !is_agreed && !output::agreed("Serve them?")? {
        return Err(Ended::failed("nothing was released"));
    }
    let caller = Caller::system(DEFAULT_ORGANISATION);
    let mut tx = connected.outside.store.write().await?;
    transfer::release(&mut connected.context(&mut *tx, &caller)).await?;
    tx.commit().await?;
    Ok(())
}

impl From<TransferError> for Ended {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Store(error) => error.into(),
            TransferError::Refused(refusal) => refusal.into(),
            TransferError::File(error) => Self::failed(format!("the file: {error}")),
            invalid @ TransferError::Invalid { .. } => Self::invalid([invalid]),
            state @ (TransferError::NotEmpty | TransferError::NotHeld) => Self::not_possible(state),
        }
    }
}
