//! What a host offers of `verify_signature` and `sign`.

use super::foreign_functions::{sign, signed, verdict, verify_signature};
use super::process::{Foreign, Process};

/// What a host offers of the two functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostSignatures {
    /// Both, as Envoy since 1.36 or so.
    Whole,
    /// `verify_signature` only, as Envoy since 1.30.
    WithoutSign,
    Missing,
    /// Calls every signature good, and signs with zeros.
    AlwaysGood,
    /// Calls every signature bad and every key unusable.
    AlwaysBad,
    /// Answers with bytes that are no message.
    Garbled,
}

impl Process {
    /// The workers' host offers this from now on; [`HostSignatures::Whole`] unless told otherwise.
    pub fn set_signatures(&self, offered: HostSignatures) {
        let mut shared = self.shared();
        for (name, function) in offered.functions() {
            match function {
                Some(function) => shared.foreign.insert(name.to_owned(), function),
                None => shared.foreign.remove(name),
            };
        }
    }
}

impl HostSignatures {
    pub(super) fn functions(self) -> [(&'static str, Option<Foreign>); 2] {
        let (verify, sign): (Option<Foreign>, Option<Foreign>) = match self {
            Self::Whole => (Some(verify_signature), Some(sign)),
            Self::WithoutSign => (Some(verify_signature), None),
            Self::Missing => (None, None),
            Self::AlwaysGood => (Some(|_| Ok(verdict(&Ok(())))), Some(|_| Ok(signed(Ok(vec![0; 64]))))),
            Self::AlwaysBad => (Some(|_| Ok(verdict(&Err(NO)))), Some(|_| Ok(signed(Err(NO))))),
            Self::Garbled => (Some(|_| Ok(vec![0xff; 12])), Some(|_| Ok(vec![0xff; 12]))),
        };
        [("verify_signature", verify), ("sign", sign)]
    }
}

const NO: &str = "this host says no";
