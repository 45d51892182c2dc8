//! HTTP from this machine, for `discover` and `explain --live`: one request, one answer, no redirects, no proxy.

use crate::file_bytes;
use rustls::crypto::aws_lc_rs;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tessera_core::base::http::HttpUrl;
use tessera_core::base::printable::Printable;
use ureq::config::Config;
use ureq::http::{self, HeaderMap};
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body, Error};

/// Most bytes of the status line and the headers of an answer.
const MAX_HEAD: usize = 64 * 1024;

/// Most bytes of a file of certificates.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The flag that names one.
const OPTION: &str = "--ca";

/// Most characters of a library's message that are shown.
const SHOWN: usize = 200;

#[derive(Clone)]
pub struct Request<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// For everything from the name's resolution to the last byte.
    pub timeout: Duration,
    /// Most bytes of the answer's body.
    pub limit: usize,
}

/// Names of headers are in lower case; what of a value is no UTF-8 is replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Whose certificates are believed.
#[derive(Clone, Debug)]
pub struct Trust(RootCerts);

/// Why there is no answer. The text names neither the request's headers nor its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The request cannot be sent: what is wrong with it.
    Unusable(&'static str),
    Timeout(Duration),
    /// There is no such host, nobody could be connected to, or the connection broke.
    NoConnection(String),
    Tls(String),
    /// What came is not HTTP.
    NotHttp(String),
    TooLarge(usize),
}

impl Trust {
    /// Whom this machine trusts.
    pub fn platform() -> Self {
        Self(RootCerts::PlatformVerifier)
    }

    /// Nobody but the authorities in a PEM file.
    ///
    /// # Errors
    /// A sentence about the file.
    pub fn file(name: &str) -> Result<Self, String> {
        let shown = file_bytes::shown(OPTION, name);
        let pem = file_bytes::read(OPTION, name, MAX_FILE)?;
        let mut certificates = Vec::new();
        for item in parse_pem(&pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                Ok(_) => {}
                Err(_) => return Err(format!("{shown} is not PEM")),
            }
        }
        if certificates.is_empty() {
            return Err(format!("{shown} has no certificate in PEM"));
        }
        Ok(Self(RootCerts::new_with_certs(&certificates)))
    }

    /// As `--ca` says.
    ///
    /// # Errors
    /// A sentence about the file.
    pub fn from_option(file: Option<&str>) -> Result<Self, String> {
        file.map_or_else(|| Ok(Self::platform()), Self::file)
    }
}

/// Sends the request and waits for the whole answer, whatever its status.
///
/// # Errors
/// Why there is none.
pub fn send(request: &Request<'_>, trust: &Trust) -> Result<Response, Failure> {
    HttpUrl::parse(request.url).map_err(Failure::Unusable)?;
    let mut builder = http::Request::builder().method(request.method).uri(request.url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let agent = Agent::new_with_config(config(request.timeout, trust));
    let answer = match request.body.as_slice() {
        [] => builder.body(()).map(|request| agent.run(request)),
        body => builder.body(body).map(|request| agent.run(request)),
    };
    let answer = answer.map_err(|_| Failure::Unusable("cannot be sent with this method and these headers"))?;
    let failed = |error| Failure::of(error, request);
    let (head, body) = answer.map_err(failed)?.into_parts();
    let body = read(body, request.limit).map_err(failed)?;
    Ok(Response { status: head.status.as_u16(), headers: listed(&head.headers), body })
}

fn config(timeout: Duration, trust: &Trust) -> Config {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(trust.0.clone())
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .build();
    Config::builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(MAX_HEAD)
        .timeout_global(Some(timeout))
        .user_agent(concat!("tessera/", env!("CARGO_PKG_VERSION")))
        .build()
}

fn read(body: Body, limit: usize) -> Result<Vec<u8>, Error> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    body.into_with_config().limit(limit).read_to_vec()
}

fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

impl Failure {
    fn of(error: Error, request: &Request<'_>) -> Self {
        match error {
            Error::Timeout(_) => Self::Timeout(request.timeout),
            Error::HostNotFound => Self::NoConnection("no such host".into()),
            Error::ConnectionFailed => Self::NoConnection("nobody answers there".into()),
            Error::BodyExceedsLimit(_) => Self::TooLarge(request.limit),
            Error::Io(error) => Self::of_io(&error, request),
            Error::Rustls(error) => Self::Tls(error.to_string()),
            Error::Tls(reason) => Self::Tls(reason.into()),
            Error::Http(_) | Error::BadUri(_) => Self::Unusable("is not a URL that can be asked"),
            other => Self::NotHttp(other.to_string()),
        }
    }

    fn of_io(error: &io::Error, request: &Request<'_>) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
            return Self::Tls(error.to_string());
        }
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::Timeout(request.timeout),
            _ => Self::NoConnection(error.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text| Printable { text, limit: SHOWN };
        match self {
            Self::Unusable(reason) => f.write_str(reason),
            Self::Timeout(after) => write!(f, "no whole answer within {} ms", after.as_millis()),
            Self::NoConnection(reason) => write!(f, "no connection: {}", shown(reason)),
            Self::Tls(reason) => write!(f, "TLS fails: {}", shown(reason)),
            Self::NotHttp(reason) => write!(f, "no answer in HTTP: {}", shown(reason)),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
        }
    }
}
