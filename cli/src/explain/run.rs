//! The command itself.

use super::arguments::Arguments;
use super::check::Passing;
use super::chosen::{Chosen, Mistaken, choose};
use super::explanation::Explanation;
use super::given::Expected;
use super::judge::Question;
use crate::check::report;
use crate::check::view::Views;
use crate::exit::Exit;
use crate::output::Output;

pub fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    match explain(arguments, output) {
        Ok(exit) => exit,
        Err(sentence) => {
            output.complain(&sentence);
            Exit::Failed
        }
    }
}

fn explain(arguments: &Arguments, output: &mut Output) -> Result<Exit, String> {
    let (files, url) = arguments.split()?;
    let (expected, at) = (arguments.expected()?, arguments.time()?);
    let mut request = arguments.request(url)?;
    let Chosen { written, settings } = match choose(&files, arguments)? {
        Ok(chosen) => chosen,
        Err(mistaken) => {
            show_mistakes(&mistaken, output);
            return Ok(Exit::Mistakes);
        }
    };
    arguments.add_token(&mut request, &settings)?;
    let contracts = arguments.contracts_age(&settings)?;
    let question = Question { written: &written, settings, request: &request, contracts, at };
    let explanation = question.explain(arguments.answers()?)?;
    show(&explanation, output);
    Ok(exit(&explanation, expected.as_ref()))
}

fn show_mistakes(Mistaken { input, diagnostics }: &Mistaken, output: &mut Output) {
    if output.json {
        return output.print_json(&report::json(input, diagnostics));
    }
    output.print(&report::text(input, &Views::new(input), diagnostics, output.color));
    output.print(&report::summary(input, diagnostics));
}

fn show(explanation: &Explanation, output: &mut Output) {
    if output.json {
        return output.print_json(&explanation.to_json());
    }
    let color = output.color;
    let paint = |passing: Passing, text: &str| match (color, passing) {
        (true, Passing::Ok) => format!("\u{1b}[32m{text}\u{1b}[0m"),
        (true, Passing::Failed) => format!("\u{1b}[31m{text}\u{1b}[0m"),
        (true, Passing::Unknown) => format!("\u{1b}[33m{text}\u{1b}[0m"),
        (true, Passing::Skipped) => format!("\u{1b}[2m{text}\u{1b}[0m"),
        (false, _) => text.to_owned(),
    };
    output.print(&explanation.to_text(&paint));
}

fn exit(explanation: &Explanation, expected: Option<&Expected>) -> Exit {
    let Some(outcome) = explanation.outcome else { return Exit::Failed };
    let is_met = match expected {
        None => true,
        Some(Expected::Outcome(expected)) => *expected == outcome,
        Some(Expected::Status(expected)) => Some(*expected) == explanation.status(),
    };
    if is_met { Exit::Done } else { Exit::Unexpected }
}
