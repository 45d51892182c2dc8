//! X.509 certificates of the moment, by an authority that a test's Envoy trusts.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use crate::tokens;

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// With its private key.
pub struct Certificate {
    pub pem: String,
    pub key: String,
    der: Vec<u8>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = named("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a server or a client of this name.
    pub fn certificate(&self, name: &str) -> Certificate {
        self.sign(named(name))
    }

    /// For a server on this machine.
    pub fn certificate_of_localhost(&self) -> Certificate {
        self.sign(CertificateParams::new(["localhost".to_owned()]).expect("a name"))
    }

    fn sign(&self, mut params: CertificateParams) -> Certificate {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let made = params.signed_by(&key, &self.0).expect("a certificate");
        Certificate { pem: made.pem(), key: key.serialize_pem(), der: made.der().to_vec() }
    }
}

impl Certificate {
    /// `x5t#S256` (RFC 8705 section 3.1).
    pub fn thumbprint(&self) -> String {
        tokens::sha256(&self.der)
    }

    /// As Envoy names it in `x-forwarded-client-cert`: the same digest in hexadecimal digits.
    pub fn sha256(&self) -> String {
        let digest = URL_SAFE_NO_PAD.decode(self.thumbprint()).expect("base64url");
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As the authorization server takes it in a header.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([format!("{name}.example.com")]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
