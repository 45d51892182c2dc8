//! The benchmarks' own tools in one program: a load generator and the servers it needs beside Envoy.
//!
//! Every subcommand ends when its standard input closes, so that nothing outlives the benchmark that started it.

mod authorization_server;
mod connection;
mod contract_source;
mod echo;
mod generator;
mod headers;
mod measure;
mod order;
mod proof;
mod server;
mod token;
mod turn;

use std::process::ExitCode;

const USAGE: &str = "usage: load generate
       load authorization-server [--delay-ms N]
       load contract-source --rows N [--page-rows N]
       load echo
       load proof --key FILE --token TOKEN --path PATH";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, rest)) => run(command, rest),
        None => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, arguments: &[String]) -> Result<(), String> {
    match command {
        "generate" => generator::run(),
        "authorization-server" => authorization_server::run(number(arguments, "--delay-ms")?.unwrap_or(0)),
        "contract-source" => {
            let rows = number(arguments, "--rows")?.ok_or(USAGE)?;
            contract_source::run(rows, number(arguments, "--page-rows")?.unwrap_or(rows))
        }
        "echo" => echo::run(),
        "proof" => {
            let [key, token, path] = ["--key", "--token", "--path"]
                .map(|name| text(arguments, name).and_then(|text| text.ok_or(USAGE.into())));
            println!("{}", proof::Prover::load(key?)?.prove(token?, path?)?);
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn number(arguments: &[String], name: &str) -> Result<Option<u64>, String> {
    let Some(value) = text(arguments, name)? else { return Ok(None) };
    value.parse().map(Some).map_err(|_| format!("{name}: not a number: {value}"))
}

fn text<'a>(arguments: &'a [String], name: &str) -> Result<Option<&'a str>, String> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else { return Ok(None) };
    arguments.get(at + 1).map(|value| Some(value.as_str())).ok_or(USAGE.into())
}
