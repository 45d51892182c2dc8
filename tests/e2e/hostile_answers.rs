//! Whatever an authorization server answers, each request ends in its outcome, in time, and is asked about again only
//! where that can help.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::Request;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, introspection};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;
use crate::refusals::Refusal;

/// Of one attempt at the provider that is given time, so that a busy machine does not look like a slow server.
const PATIENCE: Duration = Duration::from_secs(4);
/// Of one attempt at the provider whose servers never answer in time.
const HASTE: Duration = Duration::from_millis(150);
/// Of one attempt at servers of which Envoy knows by itself that they are not there.
const NEVER: Duration = Duration::from_secs(60);
const RETRIES: u32 = 1;

fn configuration() -> Value {
    let provider = |name: &str, cluster: &str, timeout: Duration| {
        let limits = json!({"timeout": format!("{}ms", timeout.as_millis()), "retries": RETRIES});
        let issuer = format!("https://{name}.example.com");
        json!({"name": name, "issuer": issuer, "introspection": introspection(cluster, limits)})
    };
    let api = |id: &str| json!({"id": id, "match": {"paths": [format!("/{id}")]}, "providers": [id]});
    json!({
        "providers": [
            provider("patient", "idp", PATIENCE),
            provider("hasty", "idp", HASTE),
            provider("gone", "gone", NEVER),
            provider("unknown", "no-such-cluster", NEVER),
        ],
        "apis": [api("patient"), api("hasty"), api("gone"), api("unknown")],
        // Each answer is judged by itself: a test of what is remembered is elsewhere.
        "cache": {"entries": 0},
    })
}

/// One answer to every attempt, and what must come of it.
#[track_caller]
fn assert_ends(gateway: &Gateway, name: &str, answer: Answer, outcome: &str, attempts: usize) {
    let token = secrecy::secret("token");
    gateway.server.answer_for(&token, answer);
    let (passed, start) = (gateway.upstream.request_count(), Instant::now());
    let response = gateway.send(&Request::get("/patient").bearer(&token));
    let took = start.elapsed();
    eprintln!("{name}: {} after {took:?}", response.status);
    if outcome == "allowed" {
        assert_eq!(response.status, 200, "{name}: {response:?}");
    } else {
        assert_eq!(response.status, Refusal::of(outcome).status, "{name}: {response:?}");
        assert_refused(&response, outcome);
    }
    assert_eq!(gateway.server.calls_for(&token), attempts, "{name}");
    assert_eq!(gateway.upstream.request_count() - passed, usize::from(outcome == "allowed"), "{name}");
    assert!(took <= bound(PATIENCE), "{name} took {took:?}");
}

/// Within which every paused request is answered, also on a machine that does much else.
fn bound(timeout: Duration) -> Duration {
    timeout * (RETRIES + 1) + Duration::from_secs(15)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// 200 with this text as its body.
fn text(body: impl Into<Vec<u8>>) -> Answer {
    Answer::status(200).header("content-type", "application/json").body(body)
}

/// One Envoy for all of them: each answer has a token of its own, and no worker may be the worse for the ones before.
#[test]
fn whatever_a_server_answers_each_request_ends_in_its_outcome() {
    let gateway = Gateway::start_with(configuration(), |builder| builder.dead_cluster("gone"));
    for judge in [
        active_is_a_json_boolean_and_nothing_else,
        a_member_that_decides_may_appear_only_once,
        times_are_read_in_every_sound_form_and_in_no_other,
        other_members_of_a_wrong_type_are_no_facts,
        bodies_of_any_size_and_type_end_in_their_outcome,
        each_status_ends_in_its_outcome_and_only_passing_trouble_is_asked_again,
        an_oauth_error_speaks_of_the_token_or_of_us,
        broken_connections_are_asked_again_and_then_unavailable,
        odd_heads_are_no_reason_to_refuse_a_sound_answer,
        a_server_that_does_not_answer_in_time_is_unavailable_in_time,
        a_server_that_cannot_be_reached_is_unavailable_at_once,
        the_attempt_that_succeeds_decides,
        nothing_of_a_servers_answer_reaches_the_caller,
    ] {
        judge(&gateway);
    }
}

fn active_is_a_json_boolean_and_nothing_else(gateway: &Gateway) {
    for (body, outcome) in [
        (r#"{"active":true}"#, "allowed"),
        (" {\t\"active\" :\r\n true } \n", "allowed"),
        (r#"{"\u0061ctive":true}"#, "allowed"),
        (r#"{"active":false}"#, "inactive"),
        (r#"{"active":false,"exp":"no number"}"#, "inactive"),
        ("{}", "provider_error"),
        (r#"{"client_id":"portal","exp":99999999999}"#, "provider_error"),
        (r#"{"active":"true"}"#, "provider_error"),
        (r#"{"active":"false"}"#, "provider_error"),
        (r#"{"active":1}"#, "provider_error"),
        (r#"{"active":0}"#, "provider_error"),
        (r#"{"active":null}"#, "provider_error"),
        (r#"{"active":[true]}"#, "provider_error"),
        (r#"{"active":{}}"#, "provider_error"),
        (r#"{"Active":true}"#, "provider_error"),
        (r#"{"active ":true}"#, "provider_error"),
        (r#"{"active":True}"#, "provider_error"),
        (r#"{'active':true}"#, "provider_error"),
        (r#"{active:true}"#, "provider_error"),
        (r#"[{"active":true}]"#, "provider_error"),
        (r#"{"token":{"active":true}}"#, "provider_error"),
        ("true", "provider_error"),
        ("null", "provider_error"),
        (r#""active""#, "provider_error"),
        ("active=true", "provider_error"),
        ("", "provider_error"),
        (r#"{"active":true"#, "provider_error"),
        (r#"{"active":true,}"#, "provider_error"),
        (r#"{"active":true}}"#, "provider_error"),
        (r#"{"active":true}{"active":false}"#, "provider_error"),
        (r#"{"active":true} // yes"#, "provider_error"),
        ("\u{feff}{\"active\":true}", "provider_error"),
    ] {
        assert_ends(gateway, body, text(body), outcome, 1);
    }
    gateway.assert_sound("/patient");
}

fn a_member_that_decides_may_appear_only_once(gateway: &Gateway) {
    for member in [
        r#""active":true"#,
        r#""active":false"#,
        r#""\u0061ctive":true"#,
        r#""exp":99999999999,"exp":99999999999"#,
        r#""exp":99999999999,"e\u0078p":1"#,
        r#""client_id":"a","client_id":"b""#,
        r#""scope":"a","scope":"b""#,
        r#""aud":"a","aud":"b""#,
    ] {
        let body = format!(r#"{{"active":true,{member}}}"#);
        assert_ends(gateway, &body, text(body.clone()), "provider_error", 1);
    }
    assert_ends(gateway, "others", text(r#"{"active":true,"x":1,"x":2}"#), "allowed", 1);
    gateway.assert_sound("/patient");
}

fn times_are_read_in_every_sound_form_and_in_no_other(gateway: &Gateway) {
    let (past, future) = (now() - 60, now() + 600);
    let cases = [
        (format!("{future}"), "allowed"),
        (format!("{future}.75"), "allowed"),
        (format!("\"{future}\""), "allowed"),
        (format!("\"{future}.75\""), "allowed"),
        (format!("{}e3", future / 1000 + 1), "allowed"),
        ("99999999999999999999999999".into(), "allowed"),
        ("\"99999999999999999999999999\"".into(), "allowed"),
        ("1e300".into(), "allowed"),
        (format!("{past}"), "expired"),
        (format!("{past}.5"), "expired"),
        (format!("\"{past}\""), "expired"),
        ("0".into(), "expired"),
        ("-1".into(), "expired"),
        ("-0.0".into(), "expired"),
        ("\"-1\"".into(), "expired"),
        ("1e-400".into(), "expired"),
        ("-99999999999999999999999999".into(), "expired"),
        // Beyond the range of numbers: no JSON parser need read it (RFC 8259 section 6).
        ("1e400".into(), "provider_error"),
        ("-1e400".into(), "provider_error"),
        ("null".into(), "allowed"),
        ("\"\"".into(), "provider_error"),
        ("\"soon\"".into(), "provider_error"),
        ("\"1e400\"".into(), "provider_error"),
        ("\"0x7fffffff\"".into(), "provider_error"),
        (format!("\" {future}\""), "provider_error"),
        (format!("\"+{future}\""), "provider_error"),
        ("\"2999-01-01T00:00:00Z\"".into(), "provider_error"),
        ("true".into(), "provider_error"),
        (format!("[{future}]"), "provider_error"),
        (format!("{{\"at\":{future}}}"), "provider_error"),
        ("NaN".into(), "provider_error"),
    ];
    for (value, outcome) in &cases {
        let body = format!(r#"{{"active":true,"exp":{value}}}"#);
        assert_ends(gateway, &body, text(body.clone()), outcome, 1);
    }
    for (members, outcome) in [
        (format!(r#""nbf":{future}"#), "not_yet_valid"),
        (format!(r#""nbf":"{future}""#), "not_yet_valid"),
        (format!(r#""nbf":{past}.5"#), "allowed"),
        (r#""nbf":null"#.into(), "allowed"),
        (r#""iat":"yesterday""#.into(), "provider_error"),
        (format!(r#""iat":{future}"#), "allowed"),
        (r#""expires_in":0"#.into(), "expired"),
        (r#""expires_in":"0""#.into(), "expired"),
        (r#""expires_in":-5"#.into(), "expired"),
        (r#""expires_in":60"#.into(), "allowed"),
        (r#""expires_in":"60""#.into(), "allowed"),
        (r#""expires_in":null"#.into(), "allowed"),
        (r#""exp":null,"expires_in":0"#.into(), "expired"),
        (r#""expires_in":"a while""#.into(), "provider_error"),
        (format!(r#""expires_in":0,"exp":{future}"#), "allowed"),
        (format!(r#""expires_in":60,"exp":{past}"#), "expired"),
    ] {
        let body = format!(r#"{{"active":true,{members}}}"#);
        assert_ends(gateway, &body, text(body.clone()), outcome, 1);
    }
    gateway.assert_sound("/patient");
}

#[test]
fn scopes_come_as_text_or_array_and_as_nothing_else() {
    let mut configuration = configuration();
    configuration["apis"][0]["scopes"] = json!({"all": ["read", "write"]});
    let gateway = Gateway::start_with(configuration, |builder| builder.dead_cluster("gone"));
    for (scope, outcome) in [
        (r#""read write""#, "allowed"),
        (r#""  write   read ""#, "allowed"),
        (r#"["write","read"]"#, "allowed"),
        (r#""read""#, "insufficient_scope"),
        (r#""read,write""#, "insufficient_scope"),
        (r#""read\twrite""#, "insufficient_scope"),
        (r#""READ WRITE""#, "insufficient_scope"),
        (r#"["read write"]"#, "insufficient_scope"),
        (r#""""#, "insufficient_scope"),
        ("[]", "insufficient_scope"),
        ("null", "insufficient_scope"),
        ("7", "provider_error"),
        ("true", "provider_error"),
        (r#"{"read":true,"write":true}"#, "provider_error"),
        (r#"["read","write",7]"#, "provider_error"),
        (r#"["read","write",null]"#, "provider_error"),
        (r#"[["read","write"]]"#, "provider_error"),
    ] {
        let body = format!(r#"{{"active":true,"scope":{scope}}}"#);
        assert_ends(&gateway, &body, text(body.clone()), outcome, 1);
    }
    gateway.envoy.assert_no_vm_reload();
}

fn other_members_of_a_wrong_type_are_no_facts(gateway: &Gateway) {
    for member in [r#""client_id":7"#, r#""client_id":["portal"]"#, r#""iss":{}"#, r#""aud":7"#, r#""aud":[7]"#] {
        let body = format!(r#"{{"active":true,{member}}}"#);
        assert_ends(gateway, &body, text(body.clone()), "provider_error", 1);
    }
    let deep = format!(r#"{{"active":true,"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    // Members that nobody asks for are skipped without being built up, however deep they are.
    assert_ends(gateway, "arrays in arrays", text(deep), "allowed", 1);
    let deep = format!(r#"{{"active":true,"sub":{}1{}}}"#, r#"{"a":"#.repeat(30_000), "}".repeat(30_000));
    assert_ends(gateway, "objects in objects", text(deep), "provider_error", 1);
    gateway.assert_sound("/patient");
}

fn bodies_of_any_size_and_type_end_in_their_outcome(gateway: &Gateway) {
    let active = |size: usize| {
        let frame = r#"{"active":true,"x":""}"#.len();
        format!(r#"{{"active":true,"x":"{}"}}"#, "y".repeat(size - frame))
    };
    let limit = 256 << 10;
    for (name, answer, outcome) in [
        ("256 KiB", text(active(limit)), "allowed"),
        ("256 KiB and a byte", text(active(limit + 1)), "provider_error"),
        ("10 MiB", text(active(10 << 20)), "provider_error"),
        ("10 MiB of spaces", text(vec![b' '; 10 << 20]), "provider_error"),
        (
            "an HTML page",
            Answer::status(200).header("content-type", "text/html").body("<html>active</html>"),
            "provider_error",
        ),
        ("bytes that are no text", text(b"{\"active\":true,\"x\":\"\xff\"}".to_vec()), "provider_error"),
        (
            "compressed bytes",
            text(b"\x1f\x8b\x08\0\0\0\0\0".to_vec()).header("content-encoding", "gzip"),
            "provider_error",
        ),
        (
            "a charset",
            Answer::status(200).header("content-type", "application/json; charset=utf-8").body(active(40)),
            "allowed",
        ),
        ("no content type", Answer::status(200).body(active(40)), "allowed"),
        ("another content type", Answer::status(200).header("content-type", "text/plain").body(active(40)), "allowed"),
        ("a repeated content type", text(active(40)).header("content-type", "text/html"), "allowed"),
    ] {
        assert_ends(gateway, name, answer, outcome, 1);
    }
    // Envoy itself gives up beyond 32 MiB: the module then sees no answer at all.
    assert_ends(gateway, "40 MiB", text(vec![b' '; 40 << 20]), "provider_unavailable", 2);
    gateway.assert_sound("/patient");
}

fn each_status_ends_in_its_outcome_and_only_passing_trouble_is_asked_again(gateway: &Gateway) {
    let active = || json!({"active": true}).to_string();
    for (status, outcome, attempts) in [
        (201, "provider_error", 1),
        (202, "provider_error", 1),
        (204, "provider_error", 1),
        (206, "provider_error", 1),
        (301, "provider_error", 1),
        (302, "provider_error", 1),
        (304, "provider_error", 1),
        (307, "provider_error", 1),
        (400, "provider_error", 1),
        (401, "provider_error", 1),
        (403, "provider_error", 1),
        (404, "provider_error", 1),
        (408, "provider_error", 1),
        (418, "provider_error", 1),
        (429, "provider_unavailable", 1),
        (500, "provider_unavailable", 1),
        (501, "provider_unavailable", 1),
        (502, "provider_unavailable", 2),
        (503, "provider_unavailable", 2),
        (504, "provider_unavailable", 2),
        (599, "provider_unavailable", 1),
    ] {
        let answer = match status {
            204 | 304 => Answer::status(status),
            301..308 => Answer::status(status).header("location", "http://idp.example.com/elsewhere").body(active()),
            _ => Answer::status(status).header("content-type", "application/json").body(active()),
        };
        assert_ends(gateway, &status.to_string(), answer, outcome, attempts);
    }
    gateway.assert_sound("/patient");
}

fn an_oauth_error_speaks_of_the_token_or_of_us(gateway: &Gateway) {
    for (status, error, outcome) in [
        (400, json!({"error": "invalid_token"}), "inactive"),
        (401, json!({"error": "invalid_token", "error_description": "unknown"}), "inactive"),
        (400, json!({"error": "unsupported_token_type"}), "inactive"),
        (401, json!({"error": "unsupported_token_type"}), "inactive"),
        (400, json!({"error": "invalid_request"}), "provider_error"),
        (401, json!({"error": "invalid_client"}), "provider_error"),
        (401, json!({"error": ["invalid_token"]}), "provider_error"),
        (401, json!({"message": "invalid_token"}), "provider_error"),
        (403, json!({"error": "invalid_token"}), "provider_error"),
        (404, json!({"error": "invalid_token"}), "provider_error"),
        (500, json!({"error": "invalid_token"}), "provider_unavailable"),
        (200, json!({"error": "invalid_token"}), "provider_error"),
        (200, json!({"error": "invalid_token", "active": true}), "allowed"),
    ] {
        let answer = Answer::status(status).header("content-type", "application/json").body(error.to_string());
        assert_ends(gateway, &format!("{status} {error}"), answer, outcome, 1);
    }
    let twice = Answer::status(401).body(r#"{"error":"invalid_token","error":"invalid_client"}"#);
    assert_ends(gateway, "two errors", twice, "provider_error", 1);
    gateway.assert_sound("/patient");
}

fn broken_connections_are_asked_again_and_then_unavailable(gateway: &Gateway) {
    let active = || text(json!({"active": true, "x": "y".repeat(1000)}).to_string());
    for (name, answer) in [
        ("a reset", Answer::reset()),
        ("a reset in the body", active().reset_in_body()),
        ("a truncated body", active().truncated()),
        ("an end without an answer", Answer::bytes("")),
        ("an end within the head", Answer::bytes("HTTP/1.1 200 OK\r\ncontent-le")),
        ("no HTTP", Answer::bytes("220 mail.example.com ESMTP\r\n")),
        ("a status that is no number", Answer::bytes("HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n")),
        ("a NUL in a header", Answer::bytes("HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n")),
        ("a length that is no number", Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}")),
        ("two lengths", Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}")),
        ("a broken chunk", Answer::bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n")),
        ("a head too large", Answer::bytes(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000)))),
    ] {
        assert_ends(gateway, name, answer, "provider_unavailable", 2);
    }
    gateway.assert_sound("/patient");
}

fn odd_heads_are_no_reason_to_refuse_a_sound_answer(gateway: &Gateway) {
    let body = r#"{"active":true}"#;
    let raw = |head: &[u8]| {
        let length = format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        Answer::bytes([head, length.as_bytes()].concat())
    };
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nf;x=y\r\n{body}\r\n0\r\nx-trailer: \u{e9}\r\n\r\n"
    );
    for (name, answer) in [
        ("bytes that are no text", raw(b"HTTP/1.1 200 OK\r\nx-odd: \xff\xfe\xc3\x28\r\nset-cookie: \x80\r\n")),
        ("a reason that is no text", raw(b"HTTP/1.1 200 \xff\xfe\r\n")),
        ("no reason", raw(b"HTTP/1.1 200 \r\n")),
        ("odd names", raw(b"HTTP/1.1 200 OK\r\nX_!#$%&'*+-.^`|~: 1\r\n")),
        ("an empty value", raw(b"HTTP/1.1 200 OK\r\nx:\r\ncache-control:\r\n")),
        ("a cache-control that is no text", raw(b"HTTP/1.1 200 OK\r\ncache-control: \xff\xff\r\n")),
        ("early hints", raw(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n")),
        ("a continue", raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")),
        ("chunks and a trailer", Answer::bytes(chunked)),
        ("many headers", raw(format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(80)).as_bytes())),
    ] {
        assert_ends(gateway, name, answer, "allowed", 1);
    }
    // Without the answer that it announces there is none.
    let hints = Answer::bytes("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");
    assert_ends(gateway, "early hints alone", hints, "provider_unavailable", 2);
    gateway.assert_sound("/patient");
}

fn a_server_that_does_not_answer_in_time_is_unavailable_in_time(gateway: &Gateway) {
    for (name, answer) in [
        ("silence", Answer::silence()),
        ("too late", Answer::json(json!({"active": true})).after(HASTE * 4)),
        ("an answer that stops in its body", Answer::json(json!({"active": true})).stalled()),
    ] {
        let token = secrecy::secret("token");
        gateway.server.answer_for(&token, answer);
        let start = Instant::now();
        assert_refused(&gateway.send(&Request::get("/hasty").bearer(&token)), "provider_unavailable");
        let took = start.elapsed();
        eprintln!("{name}: after {took:?}");
        assert!(took >= HASTE * (RETRIES + 1), "{name}: {took:?} is too early for all attempts");
        assert!(took <= bound(HASTE), "{name} took {took:?}");
        // The second may not have been read yet.
        eventually(SOON, "two attempts", || (gateway.server.calls_for(&token) >= 2).then_some(()));
        assert_eq!(gateway.server.calls_for(&token), 2, "{name}");
    }
    gateway.assert_sound("/patient");
}

fn a_server_that_cannot_be_reached_is_unavailable_at_once(gateway: &Gateway) {
    for (path, name) in [("/gone", "a closed port"), ("/unknown", "an unknown cluster")] {
        let start = Instant::now();
        let request = Request::get(path).bearer(&secrecy::secret("token"));
        assert_refused(&gateway.send(&request), "provider_unavailable");
        eprintln!("{name}: after {:?}", start.elapsed());
        assert!(start.elapsed() < NEVER / 2, "{name} took {:?}", start.elapsed());
    }
    gateway.assert_sound("/patient");
}

fn the_attempt_that_succeeds_decides(gateway: &Gateway) {
    for (name, trouble) in [
        ("a 503", Answer::status(503)),
        ("a reset", Answer::reset()),
        ("a truncated body", text(r#"{"active":false}"#).truncated()),
    ] {
        let token = gateway.token(json!({"client_id": "portal"}));
        gateway.server.answer_next([trouble]);
        let received = gateway.receive(&Request::get("/patient").bearer(&token));
        assert_eq!(received.headers.only("x-client-id"), Some("portal"), "{name}");
        assert_eq!(gateway.server.calls_for(&token), 2, "{name}");
    }
    let token = gateway.token(json!({"client_id": "portal"}));
    gateway.server.answer_next([Answer::silence()]);
    let received = gateway.receive(&Request::get("/patient").bearer(&token));
    assert_eq!(received.headers.only("x-client-id"), Some("portal"), "silence");
    gateway.assert_sound("/patient");
}

fn nothing_of_a_servers_answer_reaches_the_caller(gateway: &Gateway) {
    let show_nothing = |status: u16, path: &str| {
        let token = secrecy::secret("token");
        let answer = Answer::status(status)
            .header("x-internal", "stack-detail")
            .header("location", "http://internal.example.com/stack-detail")
            .header("www-authenticate", "Basic realm=\"stack-detail\"")
            .header("retry-after", "86400")
            .header("set-cookie", "session=stack-detail")
            .body("stack-detail");
        gateway.server.answer_for(&token, answer);
        let response = gateway.send(&Request::get(path).bearer(&token));
        let shown = format!("{response:?}");
        for secret in ["stack-detail", "internal", "86400", "idp.example.com", "session", &token] {
            assert!(!shown.contains(secret), "{status} shows {secret}: {shown}");
        }
    };
    for status in [200, 302, 400, 401, 403, 500] {
        show_nothing(status, "/patient");
    }
    gateway.assert_sound("/patient");
    // From now on these providers are left alone for a while.
    show_nothing(429, "/patient");
    show_nothing(503, "/hasty");
}
