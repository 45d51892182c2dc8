//! Databases for tests.

use std::path::PathBuf;

use tessera_registry::store::Database;

/// A database of a test's own, which goes with it.
pub struct TestDatabase {
    pub url: String,
    folder: PathBuf,
}

impl TestDatabase {
    pub fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        Self { url: format!("sqlite:{}", folder.join("registry.db").display()), folder }
    }

    pub async fn open(&self) -> Database {
        let database = Database::open(&self.url, 10).await.unwrap();
        database.migrate().await.unwrap();
        database
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One of each kind.
pub async fn every() -> Vec<TestDatabase> {
    vec![TestDatabase::sqlite()]
}
