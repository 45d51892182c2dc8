//! Connections: where they lead, how many there are, and what is agreed on each of them.

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, ConnectOptions, Connection, Pool};
use tokio::time::timeout;

use crate::store::dialect::Dialect;
use crate::store::faults::{PATIENCE, UNHURRIED, fault, out_of_time};
use crate::store::state;
use crate::use_case::store::StoreError;

/// Waiting for the lock first, as turning the write-ahead log on may need it.
const SQLITE: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";

/// A commit that was answered is on the disk, whatever the server's default is.
const POSTGRES: &str = "SET statement_timeout = '5s'; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '60s'; SET standard_conforming_strings = on; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';";

/// Releases of PostgreSQL before this one are refused.
const OLDEST: &str = "SELECT 1 WHERE current_setting('server_version_num')::int < 140000";

/// Which database it is, and how to reach it.
pub(super) fn read(url: &str) -> Result<(Dialect, AnyConnectOptions), StoreError> {
    sqlx::any::install_default_drivers();
    let dialect = Dialect::of(url).ok_or_else(|| not_usable("it is neither sqlite: nor postgres:"))?;
    let address = match dialect {
        Dialect::Sqlite => file(url.trim_start_matches("sqlite:"))?,
        Dialect::Postgres => url.to_owned(),
    };
    let options: AnyConnectOptions = address.parse().map_err(|_| not_usable("its address cannot be read"))?;
    Ok((dialect, options.disable_statement_logging()))
}

/// Whether somebody answers there, and how: a pool tries again for a while, and says less. Whoever opens a file of SQLite
/// first brings in what was committed and is only in its log yet, which after a large import takes minutes.
pub(super) async fn try_out(dialect: Dialect, options: &AnyConnectOptions) -> Result<(), StoreError> {
    let tried = async {
        let mut connection = options.connect().await?;
        agree(&mut connection, dialect).await?;
        let old = match dialect {
            Dialect::Sqlite => None,
            Dialect::Postgres => sqlx::query(OLDEST).fetch_optional(&mut connection).await?,
        };
        connection.close().await.map(|()| old.is_some())
    };
    let limit = match dialect {
        Dialect::Sqlite => UNHURRIED,
        Dialect::Postgres => PATIENCE,
    };
    match timeout(limit, tried).await.map_err(|_| out_of_time())?.map_err(fault)? {
        true => Err(not_usable("PostgreSQL 14 or later is needed")),
        false => Ok(()),
    }
}

/// A pool that makes its connections when they are needed.
pub(super) fn pool(dialect: Dialect, options: AnyConnectOptions, size: u32) -> Pool<Any> {
    AnyPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| Box::pin(agree(connection, dialect)))
        .connect_lazy_with(options)
}

fn not_usable(why: &str) -> StoreError {
    StoreError::Broken(why.to_owned())
}

/// The address of a file, which is made when there is none, for nobody but its owner to read.
fn file(path: &str) -> Result<String, StoreError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        return Err(not_usable("sqlite: needs the path of a file"));
    }
    make(Path::new(path)).map_err(|error| StoreError::Unavailable(format!("{path}: {error}")))?;
    Ok(format!("sqlite:{}", utf8_percent_encode(path, NON_ALPHANUMERIC)))
}

fn make(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

async fn agree(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), sqlx::Error> {
    match dialect {
        Dialect::Sqlite => sqlx::raw_sql(SQLITE).execute(connection).await.map(drop),
        Dialect::Postgres => {
            sqlx::raw_sql(POSTGRES).execute(&mut *connection).await?;
            state::follow_timeline(connection).await
        }
    }
}
