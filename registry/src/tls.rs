//! Certificate and key of the listeners, and what happens when their files change.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use axum_server::tls_rustls::RustlsConfig;
use sha2::{Digest, Sha256};

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
    let pair = Pair::read(files)?;
    let seen = pair.digest();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("tls: {}: {error}", files.cert.display()));
    let loaded = RustlsConfig::from_pem(pair.cert, pair.key).await.map_err(named)?;
    tokio::spawn(keep_loaded(loaded.clone(), files.clone(), seen));
    Ok(loaded)
}

async fn keep_loaded(loaded: RustlsConfig, files: Tls, mut seen: PairDigest) {
    loop {
        tokio::time::sleep(LOOK).await;
        let pair = match Pair::read(&files) {
            Ok(pair) if pair.digest() != seen => pair,
            Ok(_) => continue,
            // It may be there again at the next look.
            Err(error) => {
                tracing::warn!(%error, "the certificate cannot be looked at");
                continue;
            }
        };
        seen = pair.digest();
        match loaded.reload_from_pem(pair.cert, pair.key).await {
            Ok(()) => tracing::info!("the changed certificate is in use"),
            Err(error) => tracing::error!(%error, "the changed certificate cannot be used; the former one stays"),
        }
    }
}

type PairDigest = [u8; 32];

/// What the files hold. When they were changed says little: whatever writes them may give all the same time.
struct Pair {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Pair {
    fn read(files: &Tls) -> io::Result<Self> {
        let read = |path: &Path| {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("tls: {}: {error}", path.display()));
            fs::read(path).map_err(named)
        };
        Ok(Self { cert: read(&files.cert)?, key: read(&files.key)? })
    }

    fn digest(&self) -> PairDigest {
        let hash = Sha256::new().chain_update((self.cert.len() as u64).to_be_bytes());
        hash.chain_update(&self.cert).chain_update(&self.key).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_seen_whenever_it_was_written() {
        let folder = std::env::temp_dir().join(format!("tessera-tls-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let files = Tls { cert: folder.join("cert"), key: folder.join("key") };
        let write = |cert: &str, key: &str| {
            for (path, text) in [(&files.cert, cert), (&files.key, key)] {
                fs::write(path, text).unwrap();
                let file = fs::File::options().write(true).open(path).unwrap();
                file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
            }
            Pair::read(&files).unwrap().digest()
        };
        let first = write("one", "key");
        assert_eq!(write("one", "key"), first);
        for (cert, key) in [("two", "key"), ("one", "kez"), ("onek", "ey")] {
            assert_ne!(write(cert, key), first, "{cert} {key}");
        }
        fs::remove_file(&files.key).unwrap();
        assert!(Pair::read(&files).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
