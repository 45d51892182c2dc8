//! The HTTP client against a server on loopback.

use crate::server::{Authority, Server, answer, json, temporary};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tessera_cli::http_client::{Failure, Request, Response, Trust, send};

const LIMIT: usize = 1000;

fn get(url: &str, trust: &Trust) -> Result<Response, Failure> {
    let timeout = Duration::from_secs(60);
    send(&Request { method: "GET", url, headers: Vec::new(), body: Vec::new(), timeout, limit: LIMIT }, trust)
}

fn failure(url: &str, trust: &Trust) -> Failure {
    get(url, trust).map(|answer| answer.status).unwrap_err()
}

#[test]
fn a_request_goes_out_as_it_is_and_the_answer_comes_back_as_it_is() {
    let server = Server::start(None);
    server.answer("/a?b=c", answer("401 Unauthorized", "X-One: 1\r\nx-one: 2\r\n", "no"));
    let url = server.url("http", "/a?b=c");
    let headers = vec![("authorization".into(), "Basic abc".into()), ("accept".into(), "application/json".into())];
    let body = b"token=t".to_vec();
    let request = Request { method: "POST", url: &url, headers, body, timeout: Duration::from_secs(60), limit: LIMIT };
    let found = send(&request, &Trust::platform()).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!((found.status, found.body.as_slice()), (401, &b"no"[..]));
    let ones: Vec<_> = found.headers.iter().filter(|(name, _)| name == "x-one").map(|(_, value)| value).collect();
    assert_eq!(ones, ["1", "2"]);
    let [sent] = <[String; 1]>::try_from(server.requests()).unwrap();
    assert!(sent.starts_with("POST /a?b=c HTTP/1.1\r\n") && sent.ends_with("\r\n\r\ntoken=t"), "{sent}");
    for line in
        ["authorization: Basic abc", "accept: application/json", &format!("host: localhost:{}", server.address.port())]
    {
        assert!(sent.lines().any(|sent| sent == line), "{line}: {sent}");
    }
    assert!(!sent.contains("accept-encoding"), "{sent}");
}

#[test]
fn redirects_are_answers_and_nobody_goes_there() {
    let server = Server::start(None);
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        server.answer("/", answer(status, &format!("location: {}\r\n", server.url("http", "/other")), ""));
        let found = get(&server.url("http", "/"), &Trust::platform()).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(found.status.to_string(), status[..3]);
    }
    assert!(server.requests().iter().all(|sent| sent.starts_with("GET / ")));
}

#[test]
fn an_answer_may_be_as_large_as_the_limit_and_no_larger() {
    let server = Server::start(None);
    let trust = Trust::platform();
    for (size, fits) in [(LIMIT, true), (LIMIT + 1, false), (10 << 20, false)] {
        let body = "x".repeat(size);
        server.answer("/sized", answer("200 OK", "", &body));
        let endless = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n");
        server.answer("/chunked", endless);
        for path in ["/sized", "/chunked"] {
            let found = get(&server.url("http", path), &trust).map(|answer| answer.body.len());
            assert_eq!(found, if fits { Ok(size) } else { Err(Failure::TooLarge(LIMIT)) }, "{path} {size}");
        }
    }
    server.answer("/", answer("200 OK", &format!("x: {}\r\n", "x".repeat(100_000)), ""));
    assert!(matches!(failure(&server.url("http", "/"), &trust), Failure::NotHttp(_)));
}

#[test]
fn who_does_not_answer_in_time_or_not_at_all_or_not_in_http_is_a_failure_of_its_own() {
    let trust = Trust::platform();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let started = Instant::now();
    let timeout = Duration::from_millis(300);
    let request = Request { method: "GET", url: &url, headers: Vec::new(), body: Vec::new(), timeout, limit: LIMIT };
    assert_eq!(send(&request, &trust).err(), Some(Failure::Timeout(timeout)));
    assert!(started.elapsed() < Duration::from_secs(20));
    let https = url.replace("http:", "https:");
    assert_eq!(send(&Request { url: &https, ..request }, &trust).err(), Some(Failure::Timeout(timeout)));
    // One that nobody else gets.
    assert!(matches!(failure("http://127.0.0.1:1/", &trust), Failure::NoConnection(_)));
    assert!(matches!(failure("http://nobody.invalid/", &trust), Failure::NoConnection(_)));
    let server = Server::start(None);
    server.answer("/smtp", "220 mail ESMTP\r\n");
    assert!(matches!(failure(&server.url("http", "/smtp"), &trust), Failure::NotHttp(_)));
    assert!(matches!(failure(&server.url("https", "/"), &trust), Failure::Tls(_) | Failure::NoConnection(_)));
    for url in [
        "ftp://localhost/",
        "http://user:pass@localhost/",
        "http://localhost/#a",
        "",
        "http://[::1/",
        "http://localhost/\n",
    ] {
        let failure = failure(url, &trust);
        assert!(matches!(failure, Failure::Unusable(_)) && !failure.to_string().contains("pass"), "{url}: {failure}");
    }
}

#[test]
fn headers_that_cannot_be_sent_are_not_shown() {
    let headers = vec![("authorization".into(), "Bearer s3cret\n".into())];
    let timeout = Duration::from_secs(1);
    let request =
        Request { method: "GET", url: "http://localhost:1/", headers, body: Vec::new(), timeout, limit: LIMIT };
    let failure = send(&request, &Trust::platform()).map(|answer| answer.status).unwrap_err();
    assert!(
        matches!(failure, Failure::Unusable(_)) && !format!("{failure} {failure:?}").contains("s3cret"),
        "{failure}"
    );
}

#[test]
fn tls_is_trusted_by_the_given_authority_only_and_for_its_name_only() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::start(Some(&ours));
    server.answer("/", json("{}"));
    let url = server.url("https", "/");
    let trust = Trust::file(ours.file()).unwrap();
    assert_eq!(get(&url, &trust).map(|answer| answer.body), Ok(b"{}".to_vec()));
    let by_address = url.replace("localhost", "127.0.0.1");
    for (url, trust) in [(&by_address, &trust), (&url, &Trust::file(other.file()).unwrap()), (&url, &Trust::platform())]
    {
        assert!(matches!(failure(url, trust), Failure::Tls(_)));
    }
}

#[test]
fn a_file_of_authorities_must_have_some() {
    for (content, wanted) in
        [(&b""[..], "no certificate"), (b"-----BEGIN CERTIFICATE-----\n!!\n", "not PEM"), (b"\xff\0", "")]
    {
        let file = temporary("pem", content);
        let error = Trust::file(file.to_str().unwrap()).unwrap_err();
        assert!(error.contains(wanted) && error.contains(".pem"), "{error}");
    }
    assert!(Trust::file("/no/such\nfile").unwrap_err().starts_with("--ca cannot be read: "));
}

#[test]
fn an_address_of_version_six_is_asked() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Server::listen("[::1]:0", None);
    server.answer("/", json("{}"));
    let found = get(&format!("http://[::1]:{}/", server.address.port()), &Trust::platform());
    assert_eq!(found.map(|answer| answer.status), Ok(200));
}
