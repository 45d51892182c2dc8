//! The command line: global flags and subcommands.

use crate::exit::Exit;
use crate::output::Output;
use crate::{check, discover, explain, import_anypoint, schema};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::IsTerminal;

/// Checks configurations of the Tessera filter before a rollout, explains its verdicts, and writes configurations.
#[derive(Debug, Parser)]
#[command(name = "tessera", version, max_term_width = 100)]
#[command(
    after_help = "Example:\n  tessera check envoy.yaml\n\nEach subcommand shows one of its own: tessera check --help"
)]
struct CommandLine {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    json: bool,
    /// When to colour the text; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    subcommand: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find the filter's configurations in files and report what is wrong with them
    Check(check::Arguments),
    /// Show how a request is judged, check by check
    Explain(Box<explain::Arguments>),
    /// Write the configuration of a provider from its metadata
    Discover(discover::Arguments),
    /// Print the JSON Schema of the configuration
    Schema(schema::Arguments),
    /// Turn policies, or contracts, of MuleSoft's Anypoint into a configuration
    ImportAnypoint(Box<import_anypoint::Arguments>),
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  tessera completions bash > /etc/bash_completion.d/tessera")]
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    #[command(after_help = "Example:\n  tessera man | man -l -")]
    Man,
}

/// Runs the command line.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let line = match CommandLine::try_parse_from(&arguments) {
        Ok(line) => line,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Failed } else { Exit::Done };
            let _ = without_values(error, &arguments).print();
            return exit;
        }
    };
    let mut output = Output::new(line.json, line.color.is_on());
    match line.subcommand {
        Command::Check(arguments) => check::run(&arguments, &mut output),
        Command::Explain(arguments) => explain::run(&arguments, &mut output),
        Command::Discover(arguments) => discover::run(&arguments, &mut output),
        Command::Schema(arguments) => schema::run(&arguments, &mut output),
        Command::ImportAnypoint(arguments) => import_anypoint::run(&arguments, &mut output),
        Command::Completions { shell } => completions(shell, &mut output),
        Command::Man => manual_page(&mut output),
    }
}

/// What is wrong, without what was given: that may be a token in the wrong place.
fn without_values(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let given = |error: &clap::Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let mut concealed = vec![ContextKind::InvalidValue, ContextKind::InvalidSubcommand];
    if error.kind() == ErrorKind::UnknownArgument {
        concealed.push(ContextKind::InvalidArg);
    }
    // It shows how to give as a value what is none of the command's words.
    error.insert(ContextKind::Suggested, ContextValue::None);
    for kind in concealed {
        let Some(text) = given(&error, kind) else { continue };
        let is_it = |argument: &OsString| argument.as_encoded_bytes().starts_with(text.as_bytes());
        let shown = arguments.iter().position(is_it).map_or("…".to_owned(), |number| format!("… (number {number})"));
        error.insert(kind, ContextValue::String(shown));
    }
    error
}

impl Color {
    fn is_on(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

fn completions(shell: clap_complete::Shell, output: &mut Output) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "tessera", &mut text);
    output.print(&String::from_utf8_lossy(&text));
    Exit::Done
}

fn manual_page(output: &mut Output) -> Exit {
    let mut text = Vec::new();
    if let Err(error) = clap_mangen::Man::new(CommandLine::command()).render(&mut text) {
        output.complain(&format!("the manual page cannot be made: {error}"));
        return Exit::Failed;
    }
    output.print(&String::from_utf8_lossy(&text));
    Exit::Done
}
