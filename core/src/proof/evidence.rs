//! What a request brings to prove that it may use its token, as far as it is not the token itself.

use super::certificate::{CertificateSource, digest, forwarded};
use super::target::{TargetDigest, TargetUri};
use crate::base::secret::Secret;
use crate::port::RequestHead;
use crate::token::confirmation::Thumbprint;

/// Longest proof in bytes; the longest that are in use have an RSA key and take two KiB.
const MAX_PROOF: usize = 4 * 1024;
/// Longest method in bytes that a proof may name.
const MAX_METHOD: usize = 32;

/// Read from a request's headers when somebody asks for it, and kept with a request that waits: no longer than a proof,
/// and without one, or beside a token of another scheme, of a fixed size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub(super) proof: DpopHeader,
    /// `None` when no proof could name it.
    pub(super) method: Option<Box<[u8]>>,
    /// The digest of the request's URI; `None` when it forms none.
    pub(super) target: Option<TargetDigest>,
    pub(super) certificate: Option<Thumbprint>,
}

/// The header `dpop` (RFC 9449 §4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum DpopHeader {
    #[default]
    Absent,
    One(Secret),
    /// Several lines, or what is too long for a proof or no text; or it came with a token of another scheme, where no
    /// proof is of use.
    Unusable,
}

impl Evidence {
    /// What there is. A certificate is only asked for where one is wanted: that is another call of the host.
    #[cold]
    #[inline(never)]
    pub fn of(
        head: &impl RequestHead,
        certificates: CertificateSource,
        by_dpop: bool,
        wants_certificate: bool,
    ) -> Self {
        let certificate = match certificates {
            _ if !wants_certificate => None,
            CertificateSource::Connection => head.peer_certificate().and_then(|hex| digest(&hex)),
            CertificateSource::Forwarded => forwarded(head.lines("x-forwarded-client-cert")),
        };
        let proof = DpopHeader::of(head, by_dpop);
        if !matches!(proof, DpopHeader::One(_)) {
            return Self { proof, certificate, ..Self::default() };
        }
        let line = |name| only(head.lines(name));
        let target = || TargetUri::new(line("x-forwarded-proto")?, line(":authority")?, line(":path")?);
        let method = line(":method").filter(|method| (1..=MAX_METHOD).contains(&method.len()));
        Self { proof, method: method.map(Into::into), target: target().map(|target| target.digest()), certificate }
    }

    /// Whether it proves nothing, whatever is asked.
    pub fn is_none(&self) -> bool {
        self.proof == DpopHeader::Absent && self.certificate.is_none()
    }
}

impl DpopHeader {
    fn of(head: &impl RequestHead, by_dpop: bool) -> Self {
        if head.first("dpop").is_none() {
            return Self::Absent;
        }
        if !by_dpop {
            return Self::Unusable;
        }
        let line = only(head.lines("dpop")).filter(|line| line.len() <= MAX_PROOF);
        line.and_then(|line| std::str::from_utf8(line).ok()).map_or(Self::Unusable, |text| Self::One(Secret::new(text)))
    }
}

fn only<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let first = lines.next()?;
    lines.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::headers::HeaderMap;

    const CERTIFICATE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn of(lines: &[(&'static str, &str)], certificates: CertificateSource) -> Evidence {
        Evidence::of(&lines.iter().copied().collect::<HeaderMap>(), certificates, true, true)
    }

    #[test]
    fn a_request_without_either_brings_nothing() {
        let lines = [(":method", "GET"), (":path", "/"), (":authority", "a"), ("x-forwarded-proto", "https")];
        assert_eq!(of(&lines, CertificateSource::Connection), Evidence::default());
        let hash = format!("Hash={CERTIFICATE}");
        let lines = [("x-forwarded-client-cert", &*hash)];
        assert!(of(&lines, CertificateSource::Connection).is_none(), "the header counts for nothing there");
        assert_eq!(of(&lines, CertificateSource::Forwarded).certificate, Some([0xaa; 32]));
        let head: HeaderMap = lines.into_iter().collect();
        assert!(Evidence::of(&head, CertificateSource::Forwarded, true, false).is_none(), "nobody wants to know");
    }

    #[test]
    fn there_is_one_proof_or_none_of_use() {
        let proof = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("dpop", *line)).collect();
            of(&lines, CertificateSource::Connection).proof
        };
        let long = "a".repeat(MAX_PROOF + 1);
        assert_eq!(proof(&[]), DpopHeader::Absent);
        assert_eq!(proof(&["a.b.c"]), DpopHeader::One(Secret::new("a.b.c")));
        assert_eq!(proof(&[""]), DpopHeader::One(Secret::new("")));
        assert_eq!(proof(&["a", "a"]), DpopHeader::Unusable);
        assert_eq!(proof(&[&long]), DpopHeader::Unusable);
        assert!(!format!("{:?}", proof(&["a.b.c"])).contains("a.b.c"));
        let head: HeaderMap = [("dpop", b"\xff")].into_iter().collect();
        assert_eq!(Evidence::of(&head, CertificateSource::Connection, true, true).proof, DpopHeader::Unusable);
    }

    #[test]
    fn the_target_is_the_request_s_own() {
        let target = |lines: &[(&'static str, &str)]| {
            let lines = [lines, &[("dpop", "a"), (":path", "/b?c"), (":scheme", "http")]].concat();
            of(&lines, CertificateSource::Connection).target
        };
        let expected = TargetUri::parse("https://a/b").map(|target| target.digest());
        assert_eq!(target(&[("x-forwarded-proto", "https"), (":authority", "A:443")]), expected);
        assert_eq!(target(&[(":authority", "a")]), None);
        assert_eq!(target(&[("x-forwarded-proto", "https")]), None);
        let twice = [("x-forwarded-proto", "https"), ("x-forwarded-proto", "http"), (":authority", "a")];
        assert_eq!(target(&twice), None);
    }

    #[test]
    fn a_method_is_there_and_of_a_bounded_length() {
        let long = "A".repeat(MAX_METHOD + 1);
        let method = |method| of(&[("dpop", "a"), (":method", method)], CertificateSource::Connection).method;
        assert_eq!(method("GET").as_deref(), Some(&b"GET"[..]));
        assert_eq!(method(&long[1..]).as_deref(), Some(&long.as_bytes()[1..]));
        assert_eq!((method(&long), method("")), (None, None));
        assert_eq!(of(&[("dpop", "a")], CertificateSource::Connection).method, None);
        let twice = [("dpop", "a"), (":method", "GET"), (":method", "GET")];
        assert_eq!(of(&twice, CertificateSource::Connection).method, None);
    }

    #[test]
    fn beside_a_token_of_another_scheme_a_proof_is_there_and_nothing_of_it_is_kept() {
        let lines = [("dpop", "a.b.c"), (":method", "GET"), ("x-forwarded-proto", "https"), (":authority", "a")];
        let head: HeaderMap = lines.into_iter().chain([(":path", "/")]).collect();
        let expected = Evidence { proof: DpopHeader::Unusable, ..Evidence::default() };
        assert_eq!(Evidence::of(&head, CertificateSource::Connection, false, true), expected);
        let kept = Evidence::of(&head, CertificateSource::Connection, true, true);
        assert!(kept.method.is_some() && kept.target.is_some() && kept.proof != DpopHeader::Unusable);
    }
}
