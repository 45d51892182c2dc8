//! The verdicts of a host, of the module and of an independent implementation, side by side.

use super::aws_lc::{self, AwsLc};
use crate::jose::algorithm::Algorithm;
use crate::jose::jwk::PublicKey;
use crate::jose::verify::Verifier;
use crate::port::memory::NoSignatures;
use std::fmt;

/// Compares verdicts; those that differ, and how many there were.
pub(super) struct Comparison {
    algorithm: Algorithm,
    by_host: Verifier,
    by_module: Option<Verifier>,
    compared: usize,
    wrong: Vec<String>,
}

impl Comparison {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            by_host: Verifier::choose(&AwsLc, &[algorithm]).unwrap(),
            by_module: Verifier::choose(&NoSignatures, &[algorithm]).ok(),
            compared: 0,
            wrong: Vec::new(),
        }
    }

    pub(super) fn compare(
        &mut self,
        key: &PublicKey,
        text: &[u8],
        signature: &[u8],
        good: bool,
        name: &dyn fmt::Debug,
    ) {
        let algorithm = self.algorithm;
        let verify = |by: &Verifier| by.verify_raw(&AwsLc, key, algorithm, text, signature).unwrap();
        let verdicts = [
            verify(&self.by_host),
            self.by_module.as_ref().map_or(good, verify),
            aws_lc::verifies(algorithm, key, text, signature),
        ];
        self.compared += 1;
        if verdicts != [good; 3] {
            self.wrong.push(format!("{name:?}: {verdicts:?}, not {good}"));
        }
    }

    pub(super) fn finish(self, at_least: usize) {
        assert!(self.wrong.is_empty(), "{:?}: {:#?}", self.algorithm, self.wrong);
        assert!(self.compared >= at_least, "{:?}: only {} vectors", self.algorithm, self.compared);
    }
}
