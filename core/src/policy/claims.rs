//! Claims that an operation requires.

/// A claim that a token must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRule {
    /// Where it says so: a JSON pointer (RFC 6901) into the answer.
    pub pointer: Box<str>,
    /// What it may say, as [`crate::token::scalar::scalar`] has it. One is enough.
    pub values: Vec<Box<str>>,
}

impl ClaimRule {
    /// Whether what a token says, by pointer, satisfies the rule.
    pub fn is_met_by(&self, said: &[(Box<str>, Box<str>)]) -> bool {
        said.iter().any(|(pointer, value)| *pointer == self.pointer && self.values.contains(value))
    }
}
