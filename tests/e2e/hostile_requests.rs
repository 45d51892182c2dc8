//! Whatever a caller sends, the worker judges it and goes on.

use std::thread;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::{Connection, Request};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::{Gateway, provider, with};
use crate::harness::http2_client::{self, Http2Request};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;
use crate::harness::upstream::{Received, digest};

/// A token may be in any kind of place.
fn configuration() -> Value {
    json!({
        "providers": [provider("main", json!({}))],
        "apis": [{"id": "all"}],
        "token": {"sources": [
            {"header": "authorization", "scheme": "Bearer"},
            {"header": "x-access-token"},
            {"query": "access_token"},
            {"cookie": "at"},
        ]},
    })
}

fn get() -> Request {
    Request::get("/orders/1")
}

/// One Envoy for all of them: no worker may be the worse for the requests before.
#[test]
fn whatever_a_caller_sends_the_workers_judge_it_and_go_on() {
    let gateway = Gateway::start(configuration());
    for send in [
        bytes_that_are_no_text_are_no_token_and_harm_no_worker,
        more_than_one_token_is_refused_wherever_they_are,
        scheme_and_header_names_are_read_in_any_case,
        an_empty_token_is_a_malformed_one,
        what_is_a_token_arrives_as_sent_and_what_is_none_is_not_sent,
        http2_and_grpc_callers_are_judged_as_any_other,
        a_caller_that_hangs_up_during_the_introspection_strands_nobody,
        request_bodies_wait_for_the_verdict_and_arrive_whole,
        a_flood_of_bad_requests_harms_no_worker,
    ] {
        send(&gateway);
    }
}

fn bytes_that_are_no_text_are_no_token_and_harm_no_worker(gateway: &Gateway) {
    let before = gateway.counts();
    // Envoy's parser lets these into a value; others it refuses itself, with 400 and before the module runs.
    let values: [&[u8]; 7] =
        [b"\xff", b"abc\xff\xfedef", b"\xc3\x28", b"a\tb", b"\xf0\x9f\x92\xa9", b"\x80", b"\xed\xa0\x80"];
    let refused_by_envoy: [&[u8]; 4] = [b"a\0b", b"\x01", b"a\x1fb", b"a\x7f"];
    for value in values.into_iter().chain(refused_by_envoy) {
        let shown = value.escape_ascii();
        let bearer = [b"Bearer ", value].concat();
        let cookie = [b"a=1; at=", value, b"; b=2"].concat();
        for (name, value) in [("authorization", bearer.as_slice()), ("x-access-token", value), ("cookie", &cookie)] {
            let response = gateway.send(&get().header(name, value));
            assert_eq!(response.status, 400, "{name}: {shown}: {response:?}");
        }
        // As a scheme and as a cookie's name they are merely not ours.
        for (name, value) in [("authorization", value), ("cookie", value)] {
            let response = gateway.send(&get().header(name, value));
            assert!([400, 401].contains(&response.status), "{name}: {shown}: {response:?}");
        }
        let escaped: String = value.iter().map(|byte| format!("%{byte:02x}")).collect();
        let response = gateway.send(&Request::get(&format!("/orders/1?access_token={escaped}")));
        assert_refused(&response, "invalid_request");
        let response = gateway.send(&get().header("host", value));
        assert!([400, 401].contains(&response.status), "host: {shown}: {response:?}");
    }
    for header in
        [&b"authorization: Bearer a\r\n b\r\n"[..], b"authorization : Bearer a\r\n", b"\xff: a\r\n", b": a\r\n"]
    {
        let mut connection = Connection::open(gateway.envoy.port()).unwrap();
        connection.write(&[b"GET /orders/1 HTTP/1.1\r\nhost: api.example.com\r\n", header, b"\r\n"].concat()).unwrap();
        assert_eq!(connection.read_response().unwrap().status, 400, "{}", header.escape_ascii());
    }
    assert_eq!(gateway.counts(), before);
    gateway.assert_sound("/orders/1");
}

fn more_than_one_token_is_refused_wherever_they_are(gateway: &Gateway) {
    let before = gateway.counts();
    let [one, two] = [(); 2].map(|()| gateway.token(json!({"client_id": "portal"})));
    let bearer = |token: &str| format!("Bearer {token}");
    let with_query = |token: &str| Request::get(&format!("/orders/1?access_token={token}"));
    let requests = [
        get().bearer(&one).bearer(&two),
        get().bearer(&one).bearer(&one),
        get().bearer(&one).header("authorization", "Basic Zm9vOmJhcg=="),
        get().header("x-access-token", &one).header("X-Access-Token", &two),
        get().header("x-access-token", &one).header("x-access-token", ""),
        get().header("cookie", format!("at={one}; at={two}")),
        get().header("cookie", format!("at={one}")).header("cookie", format!("at={two}")),
        Request::get(&format!("/orders/1?access_token={one}&access_token={two}")),
        Request::get(&format!("/orders/1?access_token={one}&access%5ftoken={one}")),
        get().bearer(&one).header("x-access-token", &one),
        with_query(&one).header("Authorization", bearer(&two)),
        with_query(&one).header("cookie", format!("at={one}")),
        with_query("").bearer(&one),
        get().header("x-access-token", &one).header("cookie", format!("at={one}")),
    ];
    for request in &requests {
        assert_refused(&gateway.send(request), "invalid_request");
    }
    assert_eq!(gateway.counts(), before);
    // Each place alone does.
    let alone = [
        get().bearer(&one),
        get().header("x-access-token", &one),
        get().header("cookie", format!("a=1; at={one}")),
        get().header("cookie", "a=1").header("cookie", format!("at={one}")),
        with_query(&one),
        Request::get(&format!("/orders/1?x=1&access%5Ftoken={one}&y")),
        get().header("authorization", "Basic Zm9vOmJhcg==").header("x-access-token", &one),
    ];
    for request in &alone {
        assert_eq!(gateway.send(request).status, 200, "{request:?}");
    }
    gateway.assert_sound("/orders/1");
}

fn scheme_and_header_names_are_read_in_any_case(gateway: &Gateway) {
    let token = gateway.token(json!({"client_id": "portal"}));
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  ", "Bearer      "] {
        let request = get().header("AuThOrIzAtIoN", format!("{scheme} {token}"));
        assert_eq!(gateway.send(&request).status, 200, "{scheme}");
    }
    assert_eq!(gateway.send(&get().header("X-ACCESS-TOKEN", &token)).status, 200);
    for other in ["Bearertoken", "Bearer:", "Bear", "Token", "Basic", "\"Bearer\""] {
        let request = get().header("authorization", format!("{other} {token}"));
        assert_refused(&gateway.send(&request), "missing_token");
    }
    gateway.assert_sound("/orders/1");
}

fn an_empty_token_is_a_malformed_one(gateway: &Gateway) {
    let before = gateway.counts();
    for value in ["Bearer", "Bearer ", "bearer      "] {
        assert_refused(&gateway.send(&get().header("authorization", value)), "invalid_request");
    }
    assert_refused(&gateway.send(&get().header("x-access-token", "")), "invalid_request");
    assert_refused(&gateway.send(&get().header("cookie", "at=")), "invalid_request");
    for query in ["access_token=", "access_token", "a&access_token&b"] {
        assert_refused(&gateway.send(&Request::get(&format!("/?{query}"))), "invalid_request");
    }
    assert_refused(&gateway.send(&get().header("authorization", "")), "missing_token");
    assert_eq!(gateway.counts(), before);
    gateway.assert_sound("/orders/1");
}

#[test]
fn a_token_is_as_long_as_the_configuration_takes_and_not_a_byte_longer() {
    let sizes = |longest: usize| [longest, longest + 1, 64 << 10, 90_000];
    for (longest, configured) in
        [(8192, json!({})), (65_536, json!({"max_length": 65_536})), (1, json!({"max_length": 1}))]
    {
        let mut configuration = configuration();
        configuration["token"] = with(configuration["token"].clone(), configured);
        let gateway = Gateway::start_with(configuration, |builder| builder.header_limit_kb(128));
        gateway.server.answer_otherwise(Answer::json(json!({"active": true})));
        for size in sizes(longest) {
            let token = "x".repeat(size);
            let response = gateway.send(&get().bearer(&token));
            if size <= longest {
                assert_eq!(response.status, 200, "{size} of {longest} bytes");
                assert_eq!(gateway.server.calls_for(&token), 1);
            } else {
                assert_refused(&response, "invalid_request");
                assert_refused(&gateway.send(&get().header("x-access-token", &token)), "invalid_request");
                assert_refused(&gateway.send(&get().header("cookie", format!("at={token}"))), "invalid_request");
                assert_eq!(gateway.server.calls_for(&token), 0);
            }
        }
        gateway.envoy.assert_no_vm_reload();
    }
}

fn what_is_a_token_arrives_as_sent_and_what_is_none_is_not_sent(gateway: &Gateway) {
    for shape in
        ["a+b/c", "+", "a==", "a~b._-", "%2B", "a%20b", "a&token=b", "a=b", "=", "a b", "a,b", "a\"b", "\"a\"", "a;b"]
    {
        let token = shape.replacen('a', &secrecy::secret("token"), 1);
        let well_formed =
            shape.trim_end_matches('=').bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
                && !shape.starts_with('=');
        gateway.server.activate(&token, json!({}));
        let before = gateway.server.call_count();
        let response = gateway.send(&get().bearer(&token));
        if well_formed {
            assert_eq!(response.status, 200, "{shape}: {response:?}");
            assert_eq!(gateway.server.calls().last().unwrap().token(), token);
            // Not a parameter more than what was configured.
            assert_eq!(gateway.server.calls().last().unwrap().form.len(), 2);
        } else {
            assert_refused(&response, "invalid_request");
        }
        assert_eq!(gateway.server.call_count() - before, usize::from(well_formed), "{shape}");
    }
    // In a query the token stands form-encoded: a `+` there is a space.
    let token = format!("{}+/==", secrecy::secret("token"));
    gateway.server.activate(&token, json!({}));
    let encoded: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    assert_eq!(gateway.send(&Request::get(&format!("/?access_token={encoded}"))).status, 200);
    assert_eq!(gateway.server.calls_for(&token), 1);
    assert_refused(&gateway.send(&Request::get(&format!("/?access_token={token}"))), "invalid_request");
    gateway.assert_sound("/orders/1");
}

fn http2_and_grpc_callers_are_judged_as_any_other(gateway: &Gateway) {
    let port = gateway.envoy.port();
    let token = gateway.token(json!({"client_id": "portal"}));
    let list = || Http2Request::grpc("/orders.Orders/List");
    let passed = list().bearer(&token).send(port);
    assert_eq!(Received::from(&passed).headers.only("x-client-id"), Some("portal"));
    assert_eq!(Http2Request::new(Method::GET, "/").bearer(&token).send(port).status, 200);
    gateway.server.answer_next([Answer::status(403)]);
    let broken = list().bearer(&secrecy::secret("token")).send(port);
    for (response, grpc_status, text) in [
        (list().send(port), 16, "An access token is required."),
        (list().bearer(&secrecy::secret("token")).send(port), 16, "The access token is not active."),
        (list().bearer("a,b").send(port), 13, "malformed, repeated"),
        (broken, 14, "could not be checked"),
    ] {
        assert_eq!((response.status, response.grpc_status()), (200, Some(grpc_status)), "{response:?}");
        let message = response.headers.only("grpc-message").unwrap_or_default().to_owned();
        assert!(message.contains(text), "{message}");
    }
    let refused = Http2Request::new(Method::GET, "/").header("authorization", b"Bearer \xff").send(port);
    assert_refused(&refused, "invalid_request");
    // HTTP/2 splits cookies at will (RFC 9113 section 8.2.3).
    let split = |first: &str, second: &str| {
        Http2Request::new(Method::GET, "/").header("cookie", first).header("cookie", second).send(port)
    };
    assert_eq!(split("a=1", &format!("at={token}")).status, 200);
    assert_refused(&split(&format!("at={token}"), &format!("at={token}")), "invalid_request");
    gateway.assert_sound("/orders/1");
}

fn a_caller_that_hangs_up_during_the_introspection_strands_nobody(gateway: &Gateway) {
    let port = gateway.envoy.port();
    let token = secrecy::secret("token");
    let gate = Gate::default();
    gateway.server.answer_for(&token, Answer::json(json!({"active": true})).held_by(&gate));
    let request = get().bearer(&token);
    let mut first = Connection::open(port).unwrap();
    first.write(&request.encode()).unwrap();
    gate.await_arrivals(1);
    let mut others: Vec<_> = (0..8).map(|_| Connection::open(port).unwrap()).collect();
    others.iter_mut().for_each(|other| other.write(&request.encode()).unwrap());
    let active = |count| gateway.envoy.stat("http.ingress.downstream_rq_active") == Some(count);
    eventually(SOON, "all requests waiting", || active(9).then_some(()));
    drop(first);
    eventually(SOON, "Envoy noticing", || active(8).then_some(()));
    // On HTTP/2 the stream alone is reset; its connection goes on.
    let next = Http2Request::new(Method::GET, "/").bearer(&token);
    let abandoned = thread::spawn({
        let (gate, token) = (gate.clone(), token.clone());
        move || {
            let open = move || gate.open();
            Http2Request::new(Method::GET, "/").bearer(&token).abandon(port, open, next)
        }
    });
    for other in &mut others {
        assert_eq!(other.read_response().unwrap().status, 200);
    }
    assert_eq!(abandoned.join().unwrap().status, 200);
    assert!(gateway.server.calls_for(&token) <= 2, "{} introspections", gateway.server.calls_for(&token));
    gateway.assert_sound("/orders/1");
}

#[test]
fn an_http2_stream_that_is_reset_during_the_introspection_leaves_the_worker_well() {
    let gateway = Gateway::start_with(configuration(), |builder| builder.workers(1));
    let token = secrecy::secret("token");
    let gate = Gate::default();
    gateway.server.answer_for(&token, Answer::json(json!({"active": true})).held_by(&gate));
    let good = gateway.token(json!({"client_id": "portal"}));
    let arrived = {
        let gate = gate.clone();
        move || gate.await_arrivals(1)
    };
    let next = Http2Request::new(Method::GET, "/").bearer(&good);
    let response = Http2Request::new(Method::GET, "/").bearer(&token).abandon(gateway.envoy.port(), arrived, next);
    assert_eq!(response.status, 200);
    gate.open();
    // The answer came although nobody waited for it, and is known now.
    let known = "wasmcustom.tessera_introspections.provider.main.result.active";
    eventually(SOON, "the answer", || (gateway.envoy.stat(known) == Some(2)).then_some(()));
    assert_eq!(gateway.send(&get().bearer(&token)).status, 200);
    assert_eq!(gateway.server.calls_for(&token), 1);
    gateway.assert_sound("/orders/1");
}

fn request_bodies_wait_for_the_verdict_and_arrive_whole(gateway: &Gateway) {
    let before = gateway.counts();
    let body: Vec<u8> = (0..1 << 20).map(|index: u32| index.to_le_bytes()[index as usize % 3]).collect();
    let (good, bad) = (secrecy::secret("token"), secrecy::secret("token"));
    let pause = Duration::from_millis(50);
    gateway.server.answer_for(&good, Answer::json(json!({"active": true})).after(pause));
    gateway.server.answer_for(&bad, Answer::json(json!({"active": false})).after(pause));
    let post = |token: &str| Request::post("/orders").bearer(token).body(body.clone());
    let received = gateway.receive(&post(&good));
    assert_eq!((received.body_length, received.body_digest), (1 << 20, digest(&body)));
    let http2 = Http2Request::new(Method::POST, "/orders").bearer(&good).body(body.clone());
    assert_eq!(Received::from(&http2.send(gateway.envoy.port())).body_digest, digest(&body));
    assert_refused(&gateway.send(&post(&bad)), "inactive");
    assert_refused(&gateway.send(&Request::post("/orders").body(body)), "missing_token");
    assert_eq!(gateway.counts().1, before.1 + 2);
    gateway.assert_sound("/orders/1");
}

const AMBIGUOUS: [&str; 26] = [
    "//public/x",
    "/public//x",
    "/./public/x",
    "/public/./x",
    "/public/../orders",
    "/public/.",
    "/public/..",
    "/public/%2e%2e/orders",
    "/public/%2E./orders",
    "/public/.%2e/orders",
    "/public%2forders",
    "/public%2Forders",
    "/public/..%2forders",
    "/public/..%5corders",
    "/public%5C..",
    "/public\\..\\orders",
    "/public/;/../orders",
    "/public;x=1/orders",
    "/public/..;/orders",
    "/public/%252e%252e/orders",
    "/public/%zz",
    "/public/%",
    "/public/%2",
    "/public/%00",
    "/public/%u002e",
    "/public/../../",
];

#[test]
fn an_ambiguous_path_is_refused_or_never_public() {
    let rules = json!({
        "apis": [{
            "id": "all",
            "match": {"paths": ["/orders", "/public/"]},
            "operations": [{"match": {"paths": ["/public/"]}, "public": true}],
        }],
        "no_match": "pass",
    });
    let strict = Gateway::start(with(configuration(), rules.clone()));
    let literal = Gateway::start(with(with(configuration(), rules), json!({"ambiguous_paths": "literal"})));
    let token = literal.token(json!({"client_id": "portal"}));
    for path in AMBIGUOUS {
        assert_refused(&strict.send(&Request::get(path)), "invalid_request");
        assert_refused(&strict.send(&Request::get(&format!("{path}?a=/b")).bearer(&token)), "invalid_request");
        let outcome = if path.starts_with("/public/") { "missing_token" } else { "unknown_api" };
        assert_refused(&literal.send(&Request::get(path)), outcome);
        if path.starts_with("/public/") {
            assert_eq!(literal.receive(&Request::get(path).bearer(&token)).target, path);
        }
    }
    let passed = literal.upstream.request_count();
    for gateway in [&strict, &literal] {
        // Bytes that no target may hold are refused by Envoy itself.
        for path in [&b"/public/\xff"[..], b"/public/\x7f", b"/public/\x01", b"/public/a#b"] {
            let mut connection = Connection::open(gateway.envoy.port()).unwrap();
            connection.write(&[b"GET ", path, b" HTTP/1.1\r\nhost: api.example.com\r\n\r\n"].concat()).unwrap();
            assert_eq!(connection.read_response().unwrap().status, 400, "{}", path.escape_ascii());
        }
        // The query takes no part.
        for path in ["/public/x?/../%2f;\\", "/elsewhere", "/public/%20"] {
            assert_eq!(gateway.send(&Request::get(path)).status, 200, "{path}");
        }
        gateway.assert_sound("/orders");
    }
    assert_eq!(literal.upstream.request_count(), passed + 3 + 4);
    assert_eq!(strict.upstream.request_count(), 3 + 4);
}

#[test]
fn no_way_to_write_a_host_leads_past_the_api_that_claims_it() {
    let rules = json!({"apis": [{"id": "all", "match": {"hosts": ["api.example.com"]}}], "no_match": "pass"});
    let gateway = Gateway::start(with(configuration(), rules));
    let target = |line: &str, hosts: &[&str]| {
        let mut connection = Connection::open(gateway.envoy.port()).unwrap();
        let hosts: String = hosts.iter().map(|host| format!("host: {host}\r\n")).collect();
        connection.write(format!("GET {line} HTTP/1.1\r\n{hosts}\r\n").as_bytes()).unwrap();
        connection.read_response().unwrap()
    };
    assert_eq!(target("/", &["other.example.com"]).status, 200);
    let passed = gateway.upstream.request_count();
    for hosts in [
        &["api.example.com"][..],
        &["API.Example.COM"],
        &["api.example.com:8443"],
        &["api.example.com."],
        &["api.example.com.:80"],
        &["  api.example.com  "],
        &["api.example.com", "other.example.com"],
        &["other.example.com", "api.example.com"],
        &["api.example.com", "api.example.com"],
        &["api.example.com,other.example.com"],
        &["other.example.com, api.example.com"],
        &["api.example.com other.example.com"],
        &["user@api.example.com"],
        &["api.example.com/"],
        &["api.example.com#"],
        &["api.example.com?"],
        &["api%2eexample.com"],
        &["api.example.com:"],
        &["api.example.com:80:80"],
        &["api.example.com\u{e9}"],
        &["\tapi.example.com"],
        &["api.example.com.."],
        &[""],
        &[],
    ] {
        let status = target("/", hosts).status;
        assert!([400, 401].contains(&status), "{status} for {hosts:?}");
    }
    for line in ["http://api.example.com/", "http://API.example.com:80/", "https://api.example.com/"] {
        // The target counts where it names a host (RFC 9112 section 3.2.2).
        assert_refused(&target(line, &["other.example.com"]), "missing_token");
    }
    let http2 = Http2Request::new(Method::GET, "/").send(gateway.envoy.port());
    assert_refused(&http2, "missing_token");
    assert_eq!(gateway.upstream.request_count(), passed);
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn odd_request_targets_and_methods_reach_no_upstream_unjudged() {
    let by_path = json!({"apis": [{"id": "all", "match": {"paths": ["/"]}}]});
    for gateway in [Gateway::start(configuration()), Gateway::start(with(configuration(), by_path))] {
        let token = gateway.token(json!({"client_id": "portal"}));
        for request in [
            "CONNECT api.example.com:443 HTTP/1.1\r\nhost: api.example.com:443\r\n",
            "CONNECT api.example.com:443 HTTP/1.1\r\nhost: api.example.com:443\r\nauthorization: Bearer {token}\r\n",
            "OPTIONS * HTTP/1.1\r\nhost: api.example.com\r\n",
            "OPTIONS * HTTP/1.1\r\nhost: api.example.com\r\nauthorization: Bearer {token}\r\n",
            "OPTIONS / HTTP/1.1\r\nhost: api.example.com\r\n",
            "GET http://other.example.com/x HTTP/1.1\r\nhost: api.example.com\r\n",
            "GET / HTTP/1.1\r\nhost: a.example.com\r\nhost: b.example.com\r\n",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.0\r\nhost: api.example.com\r\n",
            "TRACE / HTTP/1.1\r\nhost: api.example.com\r\n",
            "PURGE / HTTP/1.1\r\nhost: api.example.com\r\n",
            "GET  / HTTP/1.1\r\nhost: api.example.com\r\n",
        ] {
            let mut connection = Connection::open(gateway.envoy.port()).unwrap();
            connection.write(format!("{}\r\n", request.replace("{token}", &token)).as_bytes()).unwrap();
            let status = connection.read_response().unwrap().status;
            assert!((400..500).contains(&status), "{status} for {request:?}");
        }
        assert_eq!(gateway.upstream.request_count(), 0);
        gateway.assert_sound("/orders/1");
    }
}

fn a_flood_of_bad_requests_harms_no_worker(gateway: &Gateway) {
    let before = gateway.counts();
    let requests = (0..400).map(|index| {
        let request = Http2Request::new(Method::GET, "/");
        match index % 4 {
            0 => request.bearer(&secrecy::secret("token")),
            1 => request.header("authorization", b"Bearer \xff\xfe"),
            2 => request.bearer(&"y".repeat(9000)),
            _ => request,
        }
    });
    let responses = http2_client::send_all(gateway.envoy.port(), requests);
    for (index, response) in responses.iter().enumerate() {
        let outcome = ["inactive", "invalid_request", "invalid_request", "missing_token"][index % 4];
        assert_refused(response, outcome);
    }
    assert_eq!(gateway.counts().1, before.1);
    gateway.assert_sound("/orders/1");
}
