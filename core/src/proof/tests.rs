//! The proofs that RFC 9449 shows, and what one byte of difference makes of them.

use super::*;
use crate::base::headers::HeaderMap;
use crate::jose::algorithm::Algorithm;
use crate::jose::compact::JwsError;
use crate::jose::key_error::KeyError;
use crate::port::Expect;
use crate::port::memory::{FixedRandom, MemoryStore, NoSignatures};
use crate::token::confirmation::thumbprint;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Of RFC 9449 §7.1.
const TOKEN: &[u8] = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUkl\
    DUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6\
    IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9w\
    cm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFF\
    byJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
/// Of RFC 9449 §6.1.
const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
/// `iat` of the proof.
const ISSUED: u64 = 1_562_262_618;
const CERTIFICATE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A request with the token and the proof of RFC 9449, as it was sent.
#[derive(Clone)]
struct Sent {
    confirmation: Option<Confirmation>,
    token: Vec<u8>,
    by_dpop: bool,
    lines: Vec<(&'static str, String)>,
    now: u64,
    store: MemoryStore,
}

impl Sent {
    fn good() -> Self {
        Self {
            confirmation: Some(Confirmation::Of { key: thumbprint(KEY), certificate: None }),
            token: TOKEN.to_vec(),
            by_dpop: true,
            lines: [
                (":method", "GET"),
                (":authority", "resource.example.org"),
                (":path", "/protectedresource"),
                ("x-forwarded-proto", "https"),
                ("dpop", PROOF),
            ]
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec(),
            now: ISSUED + 5,
            store: MemoryStore::default(),
        }
    }

    fn line(&mut self, name: &str) -> &mut String {
        self.lines.iter_mut().find(|(other, _)| *other == name).map(|(_, value)| value).unwrap()
    }

    fn without(mut self, name: &str) -> Self {
        self.lines.retain(|(other, _)| *other != name);
        self
    }

    fn check(&self) -> Result<(), Unproved> {
        let settings = ProofSettings { dpop: DpopSettings::default(), certificates: CertificateSource::Forwarded };
        let head: HeaderMap = self.lines.iter().map(|(name, value)| (*name, value)).collect();
        let used = UsedProofs::new(settings.dpop.entries);
        let verifier = Verifier::choose(&NoSignatures, &[Algorithm::Es256]).unwrap();
        let checker = |store| Checker {
            used: &used,
            settings: &settings,
            verifier: &verifier,
            signatures: &NoSignatures,
            store,
            random: &FixedRandom(7),
            clock_skew: Duration::from_secs(10),
            now: Timestamp::from_secs(self.now),
        };
        let evidence = |wanted| Cow::Owned(Evidence::of(&head, settings.certificates, self.by_dpop, wanted));
        let presented = Presented { token: &self.token, by_dpop: self.by_dpop, evidence: &evidence };
        assert_eq!(
            presented.suffices(self.confirmation.as_ref()),
            self.confirmation.is_none() && !self.by_dpop,
            "nothing else is looked at"
        );
        // A request that waits keeps all that there is; it is judged as one that is asked for what is wanted.
        let copy = MemoryStore::default();
        for (key, value) in self.store.dump() {
            copy.set(&key, &value, Expect::Anything).unwrap();
        }
        let kept = |_| evidence(true);
        let as_kept = checker(&copy).check(self.confirmation.as_ref(), Presented { evidence: &kept, ..presented });
        let judged = checker(&self.store).check(self.confirmation.as_ref(), presented);
        assert_eq!(as_kept, judged);
        judged
    }

    /// The header or the claims of the proof, changed; the signature stays.
    fn with_part(mut self, part: usize, change: impl FnOnce(&mut Value)) -> Self {
        let mut parts: Vec<String> = self.line("dpop").split('.').map(str::to_owned).collect();
        let mut value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&parts[part]).unwrap()).unwrap();
        change(&mut value);
        parts[part] = URL_SAFE_NO_PAD.encode(value.to_string());
        *self.line("dpop") = parts.join(".");
        self
    }

    fn with_claim(self, name: &str, value: Value) -> Self {
        self.with_part(1, |claims| claims[name] = value)
    }

    fn without_claim(self, name: &str) -> Self {
        self.with_part(1, |claims| drop(claims.as_object_mut().unwrap().remove(name)))
    }
}

fn bad(error: ProofError) -> Result<(), Unproved> {
    Err(Unproved::BadProof(error))
}

#[test]
fn the_proof_of_the_rfc_is_good_once() {
    let sent = Sent::good();
    assert_eq!(sent.check(), Ok(()));
    assert_eq!(sent.check(), Err(Unproved::Replayed));
    let mut other = Sent::good();
    *other.line(":path") = "/other".to_owned();
    assert_eq!(other.check(), bad(ProofError::Target));
    other.line(":path").replace_range(.., "/protectedresource?a=b");
    assert_eq!(other.check(), Ok(()), "a proof that was refused is not used up");
}

#[test]
fn a_proof_is_good_for_its_request_only() {
    for (name, value, expected) in [
        (":method", "POST", bad(ProofError::Method)),
        (":method", "get", bad(ProofError::Method)),
        (":authority", "resource.example.com", bad(ProofError::Target)),
        (":authority", "resource.example.org:8443", bad(ProofError::Target)),
        (":authority", "RESOURCE.example.org:443", Ok(())),
        (":path", "/protectedresource/", bad(ProofError::Target)),
        (":path", "/protected%72esource?a#b", Ok(())),
        (":path", "*", bad(ProofError::Target)),
        ("x-forwarded-proto", "http", bad(ProofError::Target)),
        ("x-forwarded-proto", "HTTPS", Ok(())),
        ("x-forwarded-proto", "", bad(ProofError::Target)),
    ] {
        let mut sent = Sent::good();
        *sent.line(name) = value.to_owned();
        assert_eq!(sent.check(), expected, "{name}: {value}");
    }
    for name in [":authority", ":path", "x-forwarded-proto"] {
        assert_eq!(Sent::good().without(name).check(), bad(ProofError::Target), "{name}");
    }
    for method in [None, Some(String::new()), Some("G".repeat(33))] {
        let mut sent = Sent::good().without(":method");
        sent.lines.extend(method.clone().map(|method| (":method", method)));
        let named = method.unwrap_or_default();
        assert_eq!(sent.with_claim("htm", json!(named)).check(), bad(ProofError::Method), "{named}");
    }
}

#[test]
fn a_proof_is_good_for_its_token_and_its_key_only() {
    let token = [TOKEN, b"x"].concat();
    assert_eq!(Sent { token, ..Sent::good() }.check(), bad(ProofError::Token));
    let confirmation = Some(Confirmation::Of { key: Some([1; 32]), certificate: None });
    assert_eq!(Sent { confirmation, ..Sent::good() }.check(), bad(ProofError::OtherKey));
}

#[test]
fn a_key_is_made_ready_only_when_it_is_the_token_s_and_all_else_is_good() {
    let spoilt = || Sent::good().with_part(0, |header| header["jwk"]["x"] = header["jwk"]["y"].clone());
    assert_eq!(spoilt().check(), bad(ProofError::OtherKey));
    // Even a token that is bound to what is no key.
    let y = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
    let members = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{y}\",\"y\":\"{y}\"}}");
    let key = Some(hmac_sha256::Hash::hash(members.as_bytes()));
    let confirmation = Some(Confirmation::Of { key, certificate: None });
    let bound = || Sent { confirmation: confirmation.clone(), ..spoilt() };
    for (name, value, error) in [
        ("htm", json!("PUT"), ProofError::Method),
        ("htu", json!("https://a/"), ProofError::Target),
        ("ath", json!(KEY), ProofError::Token),
        ("iat", json!(ISSUED - 100), ProofError::Time),
        ("jti", json!(""), ProofError::Identifier),
    ] {
        assert_eq!(bound().with_claim(name, value).check(), bad(error), "{name}");
    }
    assert_eq!(bound().check(), bad(ProofError::Jws(JwsError::Key(KeyError::NotOnCurve))));
}

#[test]
fn a_proof_is_good_for_a_while_only() {
    for (now, expected) in [
        (ISSUED - 11, bad(ProofError::Time)),
        (ISSUED - 10, Ok(())),
        (ISSUED + 70, Ok(())),
        (ISSUED + 71, bad(ProofError::Time)),
        (0, bad(ProofError::Time)),
        (u64::MAX / 1000, bad(ProofError::Time)),
    ] {
        assert_eq!(Sent { now, ..Sent::good() }.check(), expected, "{now}");
    }
}

#[test]
fn each_claim_is_required_and_of_its_type() {
    for (name, error) in [
        ("htm", ProofError::Method),
        ("htu", ProofError::Target),
        ("ath", ProofError::Token),
        ("iat", ProofError::Time),
        ("jti", ProofError::Identifier),
    ] {
        assert_eq!(Sent::good().without_claim(name).check(), bad(error), "{name}");
        for value in [json!(null), json!(true), json!([]), json!({}), json!(""), json!("x y"), json!(-1)] {
            if (name, &value) != ("jti", &json!("x y")) {
                assert_eq!(Sent::good().with_claim(name, value.clone()).check(), bad(error), "{name} {value}");
            }
        }
    }
    let long = "x".repeat(257);
    assert_eq!(Sent::good().with_claim("jti", json!(long)).check(), bad(ProofError::Identifier));
    assert_eq!(Sent::good().with_claim("iat", json!(ISSUED.to_string())).check(), bad(ProofError::Time));
    assert_eq!(Sent::good().with_claim("exp", json!(ISSUED - 6)).check(), bad(ProofError::Time));
    assert_eq!(Sent::good().with_claim("nbf", json!(ISSUED + 16)).check(), bad(ProofError::Time));
    assert_eq!(Sent::good().with_claim("exp", json!("x")).check(), bad(ProofError::Time));
    // Nothing else is wrong with these: only the signature is not over them.
    for (name, value) in [
        ("iat", json!(f64::from(u32::try_from(ISSUED).unwrap()) + 0.5)),
        ("exp", json!(ISSUED)),
        ("nbf", json!(ISSUED + 15)),
        ("jti", json!("x".repeat(256))),
        ("htu", json!("HTTPS://Resource.Example.org:443/%70rotectedresource?a=b#c")),
        ("nonce", json!("n")),
    ] {
        assert_eq!(Sent::good().with_claim(name, value).check(), bad(ProofError::Signature), "{name}");
    }
}

#[test]
fn the_header_is_that_of_a_proof() {
    let header = |change: fn(&mut Value)| Sent::good().with_part(0, change).check();
    for typ in ["JWT", "at+jwt", "DPOP+JWT", "application/dpop+jwt"] {
        let sent = Sent::good().with_part(0, |header| header["typ"] = json!(typ));
        assert_eq!(sent.check(), bad(ProofError::Type), "{typ}");
    }
    assert_eq!(header(|header| drop(header.as_object_mut().unwrap().remove("typ"))), bad(ProofError::Type));
    let jws = |change: fn(&mut Value)| match header(change) {
        Err(Unproved::BadProof(ProofError::Jws(error))) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(jws(|header| drop(header.as_object_mut().unwrap().remove("jwk"))), JwsError::NoKey);
    assert_eq!(jws(|header| header["alg"] = json!("none")), JwsError::AlgorithmNotAccepted);
    assert_eq!(jws(|header| header["alg"] = json!("HS256")), JwsError::AlgorithmNotAccepted);
    assert_eq!(jws(|header| header["alg"] = json!("ES512")), JwsError::AlgorithmNotAccepted);
    assert_eq!(jws(|header| header["crit"] = json!([])), JwsError::Critical);
    assert!(matches!(jws(|header| header["jwk"]["d"] = json!("AA")), JwsError::Key(_)));
}

#[test]
fn there_must_be_one_proof_that_is_signed() {
    assert_eq!(Sent::good().without("dpop").check(), Err(Unproved::Missing));
    let mut twice = Sent::good();
    twice.lines.push(("dpop", PROOF.to_owned()));
    assert_eq!(twice.check(), bad(ProofError::Header));
    let mut torn = Sent::good();
    let last = torn.line("dpop").pop();
    assert!(last.is_some() && matches!(torn.check(), Err(Unproved::BadProof(ProofError::Jws(_)))));
    let mut spoilt = Sent::good();
    *spoilt.line("dpop") = PROOF.replace(".2oW9", ".3oW9");
    assert_eq!(spoilt.check(), bad(ProofError::Signature));
    assert_eq!(spoilt.store.dump(), [], "it is not remembered");
}

#[test]
fn the_scheme_is_that_of_the_binding() {
    assert_eq!(Sent { by_dpop: false, ..Sent::good() }.check(), Err(Unproved::NotByDpop));
    assert_eq!(Sent { by_dpop: false, ..Sent::good() }.without("dpop").check(), Err(Unproved::Missing));
    assert_eq!(Sent { confirmation: None, ..Sent::good() }.check(), Err(Unproved::NotOfKey));
    assert_eq!(Sent { confirmation: None, ..Sent::good() }.without("dpop").check(), Err(Unproved::NotOfKey));
    assert_eq!(Sent { confirmation: None, by_dpop: false, ..Sent::good() }.check(), Ok(()));
    let unprovable = || Sent { confirmation: Some(Confirmation::Unprovable), ..Sent::good() };
    assert_eq!(unprovable().check(), Err(Unproved::Unprovable));
    assert_eq!(Sent { by_dpop: false, ..unprovable() }.check(), Err(Unproved::Unprovable));
    let mut without = Sent { by_dpop: false, ..unprovable() }.without("dpop");
    assert_eq!(without.check(), Err(Unproved::Missing));
    without.lines.push(("x-forwarded-client-cert", format!("Hash={CERTIFICATE}")));
    assert_eq!(without.check(), Err(Unproved::Missing), "nobody wants a certificate");
}

#[test]
fn a_certificate_is_the_one_that_the_token_is_bound_to() {
    let bound = |key: Option<Thumbprint>| {
        let confirmation = Some(Confirmation::Of { key, certificate: Some([0xaa; 32]) });
        Sent { confirmation, by_dpop: key.is_some(), ..Sent::good() }
    };
    let showing = |mut sent: Sent, digest: &str| {
        sent.lines.push(("x-forwarded-client-cert", format!("Hash={digest}")));
        sent.check()
    };
    let other = "b".repeat(64);
    assert_eq!(bound(None).check(), Err(Unproved::Missing));
    assert_eq!(showing(bound(None), CERTIFICATE), Ok(()));
    assert_eq!(showing(bound(None), &CERTIFICATE.to_uppercase()), Ok(()));
    assert_eq!(showing(bound(None), &other), Err(Unproved::OtherCertificate));
    assert_eq!(showing(Sent { by_dpop: true, ..bound(None) }, CERTIFICATE), Err(Unproved::NotOfKey));
    let both = || bound(thumbprint(KEY));
    assert_eq!(showing(both(), CERTIFICATE), Ok(()));
    assert_eq!(both().check(), Err(Unproved::Missing), "however good the proof is");
    assert_eq!(showing(both(), &other), Err(Unproved::OtherCertificate));
    assert_eq!(showing(both().without("dpop"), CERTIFICATE), Err(Unproved::Missing));
}

#[test]
fn a_proof_for_a_token_endpoint_is_none_for_a_resource() {
    // RFC 9449 §4.2: it has no `ath`.
    let sent = Sent::good().without_claim("ath");
    assert_eq!(sent.check(), bad(ProofError::Token));
    assert!(Unproved::BadProof(ProofError::Token).is_of_proof());
    assert!(!Unproved::BadProof(ProofError::OtherKey).is_of_proof());
}

#[test]
fn deep_and_long_proofs_are_bad() {
    let many = 256 * 1024;
    let deep = |open: &str| URL_SAFE_NO_PAD.encode(open.repeat(many / open.len()));
    let mut parts = PROOF.split('.');
    let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let broken = [deep("["), deep(r#"{"jwk":"#), deep("9"), "A".repeat(many)];
    for part in &broken {
        for proof in
            [format!("{part}.{claims}.AAAA"), format!("{header}.{part}.AAAA"), format!("{header}.{claims}.{part}")]
        {
            let mut sent = Sent::good();
            *sent.line("dpop") = proof;
            assert!(sent.check().is_err());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged(dpop: Vec<u8>, lines in prop::array::uniform4(any::<Vec<u8>>()), header: String, claims: String) {
        let encoded = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signed = format!("{encoded}.{}", PROOF.rsplit('.').next().unwrap());
        for dpop in [&*dpop, signed.as_bytes(), PROOF.as_bytes()] {
            let names = [":method", ":authority", ":path", "x-forwarded-proto"];
            let head: HeaderMap =
                names.into_iter().zip(lines.iter().map(Vec::as_slice)).chain([("dpop", dpop)]).collect();
            let evidence = Evidence::of(&head, CertificateSource::Forwarded, true, true);
            let settings = DpopSettings::default();
            let expected = Required {
                settings: &settings,
                clock_skew: Duration::ZERO,
                key: &thumbprint(KEY).unwrap(),
                token: TOKEN,
                now: Timestamp::from_secs(ISSUED),
            };
            let verifier = Verifier::choose(&NoSignatures, &[Algorithm::Es256]).unwrap();
            prop_assert!(matches!(expected.check(&evidence, &verifier, &NoSignatures), Ok(Err(_))));
        }
    }

    /// Whatever byte of a proof is changed, it is a proof no more; unless the change is none.
    #[test]
    fn a_changed_proof_is_bad(at in 0..PROOF.len(), to in "[A-Za-z0-9_.-]") {
        let mut sent = Sent::good();
        sent.line("dpop").replace_range(at..=at, &to);
        let is_same = sent.line("dpop") == PROOF;
        prop_assert_eq!(sent.check().is_ok(), is_same);
    }
}
