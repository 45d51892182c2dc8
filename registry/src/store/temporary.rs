//! A database for one test.

use std::ops::Deref;
use std::path::PathBuf;

use crate::store::Database;

/// In a folder of its own, which goes with it.
pub struct TemporaryDatabase {
    database: Database,
    folder: PathBuf,
}

/// SQLite, migrated and empty.
pub async fn temporary() -> TemporaryDatabase {
    let folder = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let database = Database::open(&format!("sqlite:{}", folder.join("registry.db").display()), 10).await.unwrap();
    database.migrate().await.unwrap();
    TemporaryDatabase { database, folder }
}

impl Deref for TemporaryDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Drop for TemporaryDatabase {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
