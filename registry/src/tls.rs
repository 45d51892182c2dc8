//! Certificate and key of the listeners, and what happens when their files change.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;

use crate::configuration::Tls;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(20);

/// Reads the files, and again whenever they change; a changed pair that does not load leaves the old one in use.
///
/// # Errors
/// Files that cannot be read, or are no certificate and its key.
pub async fn configuration(files: &Tls) -> io::Result<RustlsConfig> {
    // Another one is installed already only if it is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("tls: {}: {error}", files.cert.display()));
    let loaded = RustlsConfig::from_pem_file(&files.cert, &files.key).await.map_err(named)?;
    tokio::spawn(keep_loaded(loaded.clone(), files.clone()));
    Ok(loaded)
}

async fn keep_loaded(loaded: RustlsConfig, files: Tls) {
    let mut seen = changed_at(&files);
    loop {
        tokio::time::sleep(LOOK).await;
        let changed = changed_at(&files);
        if changed == seen {
            continue;
        }
        seen = changed;
        match loaded.reload_from_pem_file(&files.cert, &files.key).await {
            Ok(()) => tracing::info!("the changed certificate is in use"),
            Err(error) => tracing::error!(%error, "the changed certificate cannot be used; the former one stays"),
        }
    }
}

fn changed_at(files: &Tls) -> [Option<SystemTime>; 2] {
    let at = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    [at(&files.cert), at(&files.key)]
}
