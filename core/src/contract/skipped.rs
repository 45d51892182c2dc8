//! The contracts of a poll that could not be read.

use std::fmt::Write as _;

use crate::contract::row::RowError;

/// How many are named in the log line.
const MAX_NAMED: usize = 8;

/// The contracts that could not be read, by position.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    count: u64,
    named: Vec<(usize, usize, RowError)>,
}

impl Skipped {
    /// Takes note of one: number `number` of page `page`, and what is wrong with it.
    pub(super) fn add(&mut self, page: usize, number: usize, error: RowError) {
        self.count += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push((page, number, error));
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// A line for the log; `None` when all could be read.
    pub(super) fn line(&self) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        let mut line = format!("contracts: {} cannot be read and grant nothing", self.count);
        for (page, number, error) in &self.named {
            // Writing to a string does not fail.
            let _ = write!(line, "; page {page}, [{number}]: {error}");
        }
        if self.count > self.named.len() as u64 {
            line.push_str("; …");
        }
        Some(line)
    }
}
