//! The commands that documents show are commands that there are.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let listed = |folder: &str| fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files = listed(".").chain(listed("docs")).chain(listed("envoy"));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The words of a command, up to what the shell does with its output.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in line.chars() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('|' | '>' | '#', None) => break,
            (' ', None) => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_of_a_document_is_understood() {
    let mut shown = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap().replace("\\\n", " ");
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with("```") {
                inside = !inside;
            }
            let Some(command) = line.trim_start_matches("$ ").strip_prefix("tessera ").filter(|_| inside) else {
                continue;
            };
            shown += 1;
            // Help ends the reading of a line without doing what it says, if all before it is understood.
            let run = Command::new(env!("CARGO_BIN_EXE_tessera")).args(words(command)).arg("--help").output().unwrap();
            let complaint = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{}: tessera {command}\n{complaint}", path.display());
        }
    }
    assert!(shown > 3, "only {shown} commands were found");
}
