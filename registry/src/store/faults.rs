//! Errors of the drivers as those of the store.

use sqlx::Error;

use crate::measures::DATABASE_ERRORS;
use crate::use_case::store::StoreError;

/// How long a statement may take, and waiting for a connection.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// How long that may take which has no caller to wait for it: filling a database, or bringing in what filled it.
pub(super) const UNHURRIED: std::time::Duration = std::time::Duration::from_secs(601);

/// SQLite: busy, locked, out of memory, read-only, interrupted, input or output, full, cannot open.
const SQLITE_PASSING: [u32; 8] = [5, 6, 7, 8, 9, 10, 13, 14];

/// PostgreSQL: connection, authentication, no such database yet, rolled back, out of resources, operator, system.
const POSTGRES_PASSING: [&str; 7] = ["08", "28", "3D", "40", "53", "57", "58"];

/// PostgreSQL: could not be serialized, deadlock.
const COLLISIONS: [&str; 2] = ["40001", "40P01"];

/// A fault, which is counted, but for what has a name that there is already.
pub(super) fn fault(error: Error) -> StoreError {
    match error {
        Error::Database(error) if error.is_unique_violation() => StoreError::Exists,
        error => counted(told(error)),
    }
}

fn counted(error: StoreError) -> StoreError {
    metrics::counter!(DATABASE_ERRORS).increment(1);
    error
}

fn told(error: Error) -> StoreError {
    match error {
        Error::Database(error) if COLLISIONS.contains(&error.code().as_deref().unwrap_or_default()) => {
            StoreError::Collided(error.to_string())
        }
        Error::Database(error) if passes(error.code().as_deref().unwrap_or_default()) => {
            StoreError::Unavailable(error.to_string())
        }
        Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => {
            StoreError::Unavailable(error.to_string())
        }
        // The driver lost track of what the server says, which it does when the connection ends in the middle.
        Error::Protocol(_) | Error::BeginFailed => StoreError::Unavailable(error.to_string()),
        error => StoreError::Broken(error.to_string()),
    }
}

/// Codes of PostgreSQL have five characters; extended ones of SQLite are numbers with the code in their last byte.
fn passes(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => SQLITE_PASSING.contains(&(number & 0xff)),
        // A lock not available, a standby.
        _ => ["55P03", "25006"].contains(&code) || POSTGRES_PASSING.iter().any(|class| code.starts_with(class)),
    }
}

pub(super) fn out_of_time() -> StoreError {
    counted(StoreError::Unavailable("it took too long".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_whether_the_same_may_succeed_later() {
        for passing in ["5", "261", "517", "13", "10", "2570", "08006", "40001", "40P01", "53100", "57014", "55P03"] {
            assert!(passes(passing), "{passing}");
        }
        for lasting in ["", "1", "11", "19", "26", "42P01", "22021", "23505", "25P02"] {
            assert!(!passes(lasting), "{lasting}");
        }
    }
}
