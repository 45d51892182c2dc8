//! What a request brings to prove that it may use its token, as far as it is not the token itself.

use super::certificate::{CertificateSource, digest, forwarded};
use super::target::TargetUri;
use crate::base::secret::Secret;
use crate::port::RequestHead;
use crate::token::confirmation::Thumbprint;

/// Longest proof in bytes; the longest that are in use have an RSA key and take two KiB.
const MAX_PROOF: usize = 8 * 1024;

/// Read from a request's headers when somebody asks for it, and kept with a request that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub(super) proof: DpopHeader,
    pub(super) method: Box<[u8]>,
    /// `None` when it forms no URI that a proof could name.
    pub(super) target: Option<TargetUri>,
    pub(super) certificate: Option<Thumbprint>,
}

/// The header `dpop` (RFC 9449 §4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum DpopHeader {
    #[default]
    Absent,
    One(Secret),
    /// Several lines, or what is too long for a proof or no text.
    Unusable,
}

impl Evidence {
    /// What there is. A certificate is only asked for where one is wanted: that is another call of the host.
    #[cold]
    #[inline(never)]
    pub fn of(head: &impl RequestHead, certificates: CertificateSource, wants_certificate: bool) -> Self {
        let certificate = match certificates {
            _ if !wants_certificate => None,
            CertificateSource::Connection => head.peer_certificate().and_then(|hex| digest(&hex)),
            CertificateSource::Forwarded => forwarded(head.lines("x-forwarded-client-cert")),
        };
        let proof = DpopHeader::of(head);
        if proof == DpopHeader::Absent {
            return Self { certificate, ..Self::default() };
        }
        let line = |name| only(head.lines(name));
        let target = || TargetUri::new(line("x-forwarded-proto")?, line(":authority")?, line(":path")?);
        // What is longer than any proof, no proof can name.
        let target = target().filter(|target| target.as_str().len() <= MAX_PROOF);
        let method = line(":method").filter(|method| method.len() <= MAX_PROOF).unwrap_or_default();
        Self { proof, method: method.into(), target, certificate }
    }

    /// Whether it proves nothing, whatever is asked.
    pub fn is_none(&self) -> bool {
        self.proof == DpopHeader::Absent && self.certificate.is_none()
    }
}

impl DpopHeader {
    fn of(head: &impl RequestHead) -> Self {
        if head.first("dpop").is_none() {
            return Self::Absent;
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
        Evidence::of(&lines.iter().copied().collect::<HeaderMap>(), certificates, true)
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
        assert!(Evidence::of(&head, CertificateSource::Forwarded, false).is_none(), "nobody wants to know");
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
        assert_eq!(Evidence::of(&head, CertificateSource::Connection, true).proof, DpopHeader::Unusable);
    }

    #[test]
    fn the_target_is_the_request_s_own() {
        let target = |lines: &[(&'static str, &str)]| {
            let lines = [lines, &[("dpop", "a"), (":path", "/b?c"), (":scheme", "http")]].concat();
            of(&lines, CertificateSource::Connection).target
        };
        let expected = TargetUri::parse("https://a/b");
        assert_eq!(target(&[("x-forwarded-proto", "https"), (":authority", "A:443")]), expected);
        assert_eq!(target(&[(":authority", "a")]), None);
        assert_eq!(target(&[("x-forwarded-proto", "https")]), None);
        let twice = [("x-forwarded-proto", "https"), ("x-forwarded-proto", "http"), (":authority", "a")];
        assert_eq!(target(&twice), None);
        let long = "a".repeat(MAX_PROOF);
        assert_eq!(target(&[("x-forwarded-proto", "https"), (":authority", &long)]), None);
    }
}
