//! `tessera check`.

pub mod code;
pub mod configuration;
pub mod diagnostic;
mod find;
pub mod reader;

use crate::exit::Exit;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_arguments: &Arguments, output: &mut Output) -> Exit {
    output.complain("not built yet");
    Exit::Failed
}
