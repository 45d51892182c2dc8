//! Archives that depend on nothing but the files in them.

use anyhow::Result;

/// Files as an archive in the ustar format: owned by root, readable by all, of no time.
///
/// # Errors
/// When a name is too long for the format.
pub fn archive<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(content.len())?);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, name, content)?;
    }
    Ok(archive.into_inner()?)
}
