//! One check, and what came of it.

/// A check of the filter, as it went for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Passing,
    /// Where the rule is in the configuration.
    pub path: Option<String>,
    /// What was compared.
    pub detail: String,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    Ok,
    Failed,
    /// The configuration asks for nothing.
    Skipped,
    /// What decides it was not given.
    Unknown,
}

impl Passing {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}
