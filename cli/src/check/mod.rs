//! `tessera check`.

mod allow;
mod assumed;
pub mod code;
mod comment;
pub mod configuration;
mod credential;
pub mod diagnostic;
mod excerpt;
mod find;
pub mod gateway;
mod hint;
pub mod input;
mod place;
pub mod reader;
pub mod report;
mod secrecy;
mod secret_places;
pub mod secrets;
mod tokens;
pub mod view;
mod warnings;
mod window;

use crate::exit::Exit;
use crate::output::Output;
use code::{Code, Severity};
use diagnostic::Diagnostic;
use input::Input;
use view::Views;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tessera check --deny-warnings envoy.yaml\n  kubectl get wasmplugin,service -A -o \
                        yaml | tessera check -\n\nA warning is allowed where it stands by a comment in YAML: # tessera: \
                        allow CODE"
)]
pub struct Arguments {
    /// YAML or JSON: configurations of the filter, of Envoy, resources of Kubernetes; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// End with 1 where there are warnings
    #[arg(long)]
    deny_warnings: bool,
    /// Do not report this warning
    #[arg(long, value_name = "CODE", value_parser = warning)]
    allow: Vec<Code>,
    /// Read secrets from this environment, and check them
    #[arg(long)]
    with_env: bool,
    /// A cluster that exists elsewhere
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
}

fn warning(name: &str) -> Result<Code, String> {
    let names = || Code::WARNINGS.iter().map(|code| code.name()).collect::<Vec<_>>().join(", ");
    Code::warning(name).ok_or_else(|| format!("no warning has that code; there are {}", names()))
}

pub fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let input = match input::load(&arguments.files) {
        Ok(input) => input,
        Err(error) => {
            output.complain(&error);
            return Exit::Failed;
        }
    };
    let views = Views::new(&input);
    let mut diagnostics = all(&input, arguments.with_env, &arguments.cluster);
    diagnostics.retain(|diagnostic| {
        let is_allowed = || views.of(&input, diagnostic).is_some_and(|view| allow::is_allowed(diagnostic, view));
        !arguments.allow.contains(&diagnostic.code) && !is_allowed()
    });
    sort(&mut diagnostics);
    if output.json {
        output.print_json(&report::json(&input, &diagnostics));
    } else {
        output.print(&report::text(&input, &views, &diagnostics, output.color));
        output.print(&report::summary(&input, &diagnostics));
    }
    match report::count(&diagnostics) {
        (0, 0) => Exit::Done,
        (0, _) if !arguments.deny_warnings => Exit::Done,
        (0, _) => Exit::Unexpected,
        _ => Exit::Mistakes,
    }
}

/// Mistakes and warnings of all files together; `clusters` exist elsewhere.
pub fn all(input: &Input, with_env: bool, clusters: &[String]) -> Vec<Diagnostic> {
    let mut all = mistakes(input, with_env);
    all.extend(gateway::examine(input, clusters));
    all
}

/// What cannot be read, and the reader's mistakes.
pub fn mistakes(input: &Input, with_env: bool) -> Vec<Diagnostic> {
    let mut mistakes = input.faults.clone();
    mistakes.extend(reader::mistakes(input, with_env));
    mistakes.retain(|one| one.code.severity() == Severity::Mistake);
    mistakes
}

/// By file, place and code.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|one| (one.file, one.span.start, one.code.name()));
}
