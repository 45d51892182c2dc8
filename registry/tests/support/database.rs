//! Databases for tests.

use std::path::PathBuf;

use tessera_registry::store::Database;

use crate::postgres;

/// A database of a test's own.
pub struct TestDatabase {
    pub url: String,
    /// Goes with it.
    folder: Option<PathBuf>,
}

impl TestDatabase {
    pub fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        Self { url: format!("sqlite:{}", folder.join("registry.db").display()), folder: Some(folder) }
    }

    pub fn postgres() -> Self {
        Self { url: postgres::shared().database(), folder: None }
    }

    pub async fn open(&self) -> Database {
        let database = Database::open(&self.url, 10).await.unwrap();
        database.migrate().await.unwrap();
        database
    }

    /// A statement behind the store's back.
    pub async fn run(&self, sql: &'static str) {
        run(&self.url, sql).await;
    }
}

/// A statement behind the store's back.
pub async fn run(url: &str, sql: &'static str) {
    sqlx::any::install_default_drivers();
    let mut connection = <sqlx::AnyConnection as sqlx::Connection>::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// One of each kind.
pub fn every() -> [TestDatabase; 2] {
    [TestDatabase::sqlite(), TestDatabase::postgres()]
}
