//! How a command ends: its exit code, and what it says on stderr.

use std::fmt::Display;
use std::process::ExitCode;

use crate::domain::refusal::Refusal;
use crate::use_case::store::StoreError;

/// An exit code and the lines of its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    code: u8,
    lines: Vec<String>,
}

impl Ended {
    pub fn done() -> Self {
        Self { code: 0, lines: Vec::new() }
    }

    /// At run time: database, network, port.
    pub fn failed(why: impl Display) -> Self {
        Self { code: 1, lines: vec![why.to_string()] }
    }

    /// The command line, or a question that nobody is there to answer.
    pub fn usage(why: impl Display) -> Self {
        Self { code: 2, lines: vec![why.to_string()] }
    }

    /// Configuration or FILE, with every fault.
    pub fn invalid(faults: impl IntoIterator<Item = impl Display>) -> Self {
        Self { code: 3, lines: faults.into_iter().map(|fault| fault.to_string()).collect() }
    }

    /// `--dry-run` found something to do.
    pub fn would_change() -> Self {
        Self { code: 4, lines: Vec::new() }
    }

    /// Not in this state of the database.
    pub fn not_possible(why: impl Display) -> Self {
        Self { code: 5, lines: vec![why.to_string()] }
    }

    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::failed(error)
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(faults) | Refusal::InvalidQuery(faults) => {
                Self::invalid(faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)))
            }
            Refusal::NotFound => Self::failed("there is no such thing"),
            Refusal::Exists(what)
            | Refusal::InUse(what)
            | Refusal::LimitReached(what)
            | Refusal::NotSupported(what) => Self::failed(what),
            Refusal::Unavailable | Refusal::Collided => Self::failed("the database cannot be used now"),
            other => Self::failed(format!("{other:?}")),
        }
    }
}
