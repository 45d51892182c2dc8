//! Who verifies.

use super::aws_lc::AwsLc;
use crate::jose::algorithm::Algorithm;
use crate::jose::verify::{Implementation, Unverifiable, Verifier};
use crate::port::memory::NoSignatures;
use crate::port::{HostFailure, SignatureHash, Signatures};

const BY_HOST: [Algorithm; 6] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512];

/// A host that always gives the same verdict.
struct Stubborn(bool);

impl Signatures for Stubborn {
    fn verify(&self, _: SignatureHash, _: &[u8], _: &[u8], _: &[u8]) -> Result<bool, HostFailure> {
        Ok(self.0)
    }

    fn sign(&self, _: SignatureHash, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        Err(HostFailure)
    }
}

#[test]
fn the_host_verifies_what_it_can() {
    let verifier = Verifier::choose(&AwsLc, &Algorithm::ALL).unwrap();
    for algorithm in Algorithm::ALL {
        let expected = if BY_HOST.contains(&algorithm) { Implementation::Host } else { Implementation::Module };
        assert_eq!(verifier.implementation(algorithm), Some(expected), "{algorithm:?}");
    }
}

#[test]
fn a_host_that_errs_or_has_none_is_not_used() {
    let hosts: [&dyn Signatures; 3] = [&Stubborn(true), &Stubborn(false), &NoSignatures];
    for host in hosts {
        let known: Vec<_> = Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Es512).collect();
        let verifier = Verifier::choose(host, &known).unwrap();
        for algorithm in known {
            assert_eq!(verifier.implementation(algorithm), Some(Implementation::Module), "{algorithm:?}");
        }
        let refused = Verifier::choose(host, &Algorithm::ALL).unwrap_err();
        assert_eq!(refused, Unverifiable(vec![Algorithm::Es512]));
        assert_eq!(refused.to_string(), "signatures by ES512 cannot be verified: this host does not do it",);
    }
}

#[test]
fn the_log_says_who_verifies_what() {
    let summary = |host: &dyn Signatures, algorithms: &[Algorithm]| {
        Verifier::choose(host, algorithms).unwrap().summary().unwrap_or_else(|| "nothing".to_owned())
    };
    assert_eq!(summary(&AwsLc, &[]), "nothing");
    assert_eq!(
        summary(&AwsLc, &[Algorithm::Rs256, Algorithm::Es384]),
        "signatures are verified: RS256, ES384 by the host"
    );
    assert_eq!(
        summary(&NoSignatures, &[Algorithm::Rs256, Algorithm::Es384]),
        "signatures are verified: RS256, ES384 by the module"
    );
    assert_eq!(
        summary(&AwsLc, &[Algorithm::Ps256, Algorithm::Rs256, Algorithm::EdDsa]),
        "signatures are verified: RS256 by the host; PS256, EdDSA by the module"
    );
}

#[test]
fn what_was_not_asked_for_nobody_verifies() {
    let verifier = Verifier::choose(&AwsLc, &[Algorithm::Rs256]).unwrap();
    assert_eq!(verifier.implementation(Algorithm::Ps256), None);
}
