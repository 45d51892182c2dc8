//! `tessera schema`: the JSON Schema of the configuration, out of the keys that its reader knows.

mod reference;
mod rules;
mod section;
mod shape;

use crate::exit::Exit;
use crate::output::Output;
use serde_json::Value;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tessera schema > tessera.schema.json")]
pub struct Arguments {}

pub fn run(_arguments: &Arguments, output: &mut Output) -> Exit {
    let text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    output.print(&text);
    output.print("\n");
    Exit::Done
}

/// JSON Schema 2020-12 of the plugin configuration.
pub fn schema() -> Value {
    section::root(&reference::Reference::read())
}

#[cfg(test)]
mod tests;
