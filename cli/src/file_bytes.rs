//! The bytes of the files that the command line names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tessera_core::base::printable::Printable;

/// Standard input ends with its first reading; a second one would find nothing, and take that for a file.
static IS_STDIN_READ: AtomicBool = AtomicBool::new(false);

/// Reads a file of at most so many bytes; `-` is standard input. `argument` is what named it, such as `--ca`.
///
/// # Errors
/// Why it cannot be read, as a sentence.
pub fn read(argument: &str, name: &str, most: u64) -> Result<Vec<u8>, String> {
    if name == "-" && IS_STDIN_READ.swap(true, Ordering::Relaxed) {
        return Err("- is given twice: standard input can be read once".to_owned());
    }
    let shown = shown(argument, name);
    let bytes = match name {
        "-" => up_to(most, io::stdin().lock()),
        name => File::open(name).and_then(|file| up_to(most, file)),
    };
    let bytes = bytes.map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if bytes.len() as u64 > most {
        return Err(format!("{shown} cannot be read: it is longer than {} MiB", most >> 20));
    }
    Ok(bytes)
}

/// How a file is called in a complaint: by its name only if there is such a file. What names none may be a token that was
/// put in the wrong place.
pub fn shown(argument: &str, name: &str) -> String {
    match name == "-" || Path::new(name).exists() {
        true => Printable { text: name, limit: 400 }.to_string(),
        false => argument.to_owned(),
    }
}

/// So many bytes, and one more if there are more.
fn up_to(most: u64, source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
