//! The command line of `tessera`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tessera_cli::command::run(std::env::args_os()).into()
}
