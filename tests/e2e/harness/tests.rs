//! The harness tested by itself: Envoy without the module, the fakes, the clients, the search for secrets.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::certificates::Authority;
use crate::harness::client::{Connection, Request};
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy::{Access, Envoy};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::http2_client::Http2Request;
use crate::harness::node::{DpopClient, TlsTunnel};
use crate::harness::oidc::{self, Client, OidcProvider};
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream, digest};

fn lua(script: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": script},
    })
}

fn form(token: &str) -> Request {
    Request::post("/introspect").body(format!("token={token}&token_type_hint=access_token"))
}

#[test]
fn a_chain_with_only_the_router_reaches_the_upstream_byte_for_byte() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder().upstream(&upstream).start();
    let body = vec![b'x'; 1 << 20];
    let response = Request::post("/orders/1?a=%2F")
        .header("X-Odd-Case", b"\xff\xfe")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .body(body.clone())
        .send(envoy.port());
    let received = Received::from(&response);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/orders/1?a=%2F"));
    assert_eq!(received.headers.all("x-odd-case"), [b"\xff\xfe"]);
    assert_eq!(received.headers.all("x-twice"), [b"1", b"2"]);
    assert_eq!((received.body_length, received.body_digest), (1 << 20, digest(&body)));
    assert_eq!(upstream.request_count(), 1);
    assert_eq!(envoy.stat("http.ingress.downstream_rq_2xx"), Some(1));
    envoy.assert_no_vm_reload();
}

#[test]
fn the_access_log_shows_status_flags_and_outcome() {
    let envoy = Envoy::builder().dead_cluster("nobody").start();
    assert_eq!(Request::get("/").send(envoy.port()).body, b"direct");
    let access = Access {
        status: 200,
        flags: "-".into(),
        outcome: "-".into(),
        cache: "-".into(),
        details: "direct_response".into(),
    };
    assert_eq!(envoy.await_accesses(1), [access]);
    assert_eq!(envoy.stat("cluster.nobody.membership_total"), Some(1));
    assert_eq!(envoy.stat("no.such.statistic"), None);
    assert!(envoy.log().contains("all dependencies initialized"));
    assert_eq!(envoy.admin("/ready").status, 200);
}

#[test]
fn connections_meet_every_worker() {
    let envoy = Envoy::builder().workers(3).start();
    for connection in &mut envoy.connections_on_every_worker() {
        assert_eq!(connection.send(&Request::get("/")).status, 200);
    }
}

#[test]
fn a_caller_can_hang_up_in_the_middle_of_a_request() {
    let envoy = Envoy::builder().start();
    let mut connection = Connection::open(envoy.port()).unwrap();
    connection.write(b"GET / HTTP/1.1\r\nhost: api.exa").unwrap();
    drop(connection);
    eventually(SOON, "Envoy noticing", || (envoy.stat("http.ingress.downstream_cx_destroy") == Some(1)).then_some(()));
}

#[test]
fn http2_and_grpc_requests_pass_and_grpc_refusals_carry_their_status() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder()
        .filter(
            "refuse",
            lua("function envoy_on_request(handle)
                   if handle:headers():get('authorization') == nil then
                     handle:respond({[':status'] = '401', ['www-authenticate'] = 'Bearer'}, 'who?')
                   end
                 end"),
        )
        .upstream(&upstream)
        .start();
    let token = secrecy::secret("token");
    let response = Http2Request::new(Method::GET, "/orders/2").bearer(&token).send(envoy.port());
    let expected = format!("Bearer {token}");
    assert_eq!(Received::from(&response).headers.only("authorization"), Some(expected.as_str()));

    let refused = Http2Request::grpc("/orders.Orders/List").send(envoy.port());
    assert_eq!((refused.status, refused.grpc_status()), (200, Some(16)));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));

    let passed = Http2Request::grpc("/orders.Orders/List").bearer(&token).send(envoy.port());
    assert_eq!(Received::from(&passed).body_length, 5);
}

#[test]
fn a_configuration_that_envoy_refuses_is_an_error_with_its_log() {
    let refused = Envoy::builder().filter("broken", lua("this is no Lua")).try_start().err().unwrap();
    assert!(refused.log.contains("script load error"), "{}", refused.log);
    assert!(refused.complaints.is_empty());
}

#[test]
fn a_listener_can_be_replaced_while_envoy_runs() {
    let reply = |text: &str| {
        let script = format!("function envoy_on_request(handle) handle:respond({{[':status'] = '200'}}, '{text}') end");
        Envoy::builder().reloadable().filter("reply", lua(&script))
    };
    let envoy = reply("old").start();
    let ask = || Request::get("/").send(envoy.port()).body;
    assert_eq!(ask(), b"old");
    envoy.reload(&reply("new")).unwrap();
    assert_eq!(ask(), b"new");
    let refused = envoy.reload(&Envoy::builder().filter("broken", lua("this is no Lua"))).unwrap_err();
    assert!(refused.log.contains("script load error"), "{}", refused.log);
    assert_eq!(ask(), b"new");
}

#[test]
fn what_envoy_itself_handles_does_not_show_in_its_log() {
    let token = secrecy::secret("token");
    let server = AuthorizationServer::start();
    let script = format!(
        "function envoy_on_request(handle)
           handle:httpCall('idp', {{[':method'] = 'POST', [':path'] = '/introspect', [':authority'] = 'idp',
                                    ['authorization'] = 'Bearer {token}'}}, 'token={token}', 1000)
         end"
    );
    let envoy = Envoy::builder().cluster("idp", server.port()).filter("ask", lua(&script)).start();
    let response = Request::get(&format!("/?access_token={token}")).bearer(&token).body("x").send(envoy.port());
    assert_eq!(response.status, 200);
    assert_eq!(server.calls_for(&token), 1);
    // The end of the Envoy searches its log, all of it at `debug`.
    assert!(envoy.log().contains("[debug][connection]"));
}

#[test]
fn a_secret_in_the_log_fails_the_test() {
    let tell = "function envoy_on_request(handle) handle:logInfo(handle:headers():get('x-tell') or 'nothing') end";
    let token = secrecy::secret("token");
    let envoy = Envoy::builder().filter("tell", lua(tell)).start();
    Request::get("/").header("x-tell", &token).send(envoy.port());
    let failure = catch_unwind(AssertUnwindSafe(|| drop(envoy))).unwrap_err();
    assert!(failure.downcast_ref::<String>().unwrap().contains(&token));
}

#[test]
fn secrets_are_found_in_every_encoding() {
    let secret = "p%ss&word/with+ bytes==";
    secrecy::register_client("gateway-of-the-test", secret);
    assert!(secrecy::leaks(b"nothing of the kind").is_empty());
    for shown in [
        secret,
        "p%25ss%26word%2Fwith%2B%20bytes%3D%3D",
        "p%25ss%26word%2Fwith%2B+bytes%3D%3D",
        "Z2F0ZXdheS1vZi10aGUtdGVzdDpwJXNzJndvcmQvd2l0aCsgYnl0ZXM9PQ==",
    ] {
        assert_eq!(secrecy::leaks(format!("one\na {shown} b\ntwo").as_bytes()).len(), 1, "{shown}");
    }
}

#[test]
fn the_fake_authorization_server_answers_by_token_and_counts() {
    let server = AuthorizationServer::start();
    server.activate("good", json!({"client_id": "portal"}));
    server.answer_otherwise(Answer::status(500).header("retry-after", "1").body("broken"));
    let mut connection = Connection::open(server.port()).unwrap();
    assert_eq!(connection.send(&form("good")).json(), json!({"active": true, "client_id": "portal"}));
    assert_eq!(connection.send(&form("a%26b+c%3D")).status, 500);
    server.answer_next([Answer::status(503)]);
    assert_eq!(connection.send(&form("good")).status, 503);
    assert_eq!(connection.send(&form("good")).status, 200);
    server.await_calls(4);
    assert_eq!((server.call_count(), server.calls_for("good"), server.calls_for("a&b c=")), (4, 3, 1));
    let call = &server.calls()[1];
    assert_eq!(call.field("token_type_hint"), Some("access_token"));
    assert_eq!(call.request.body, b"token=a%26b+c%3D&token_type_hint=access_token");
    assert_eq!(call.request.headers.only("host"), Some("api.example.com"));
}

#[test]
fn the_fake_authorization_server_misbehaves_on_demand() {
    let server = AuthorizationServer::start();
    let ask = || form("any").try_send(server.port());
    let whole = || Answer::json(json!({"active": true, "padding": "x".repeat(1000)}));
    for (answer, outcome) in [
        (Answer::reset(), Err(ErrorKind::ConnectionReset)),
        (whole().reset_in_body(), Err(ErrorKind::ConnectionReset)),
        (whole().truncated(), Err(ErrorKind::UnexpectedEof)),
        (Answer::bytes("this is not HTTP"), Err(ErrorKind::UnexpectedEof)),
        (Answer::bytes(""), Err(ErrorKind::UnexpectedEof)),
        (Answer::status(204), Ok(0)),
        (Answer::status(200).body(vec![b' '; 10 << 20]), Ok(10 << 20)),
    ] {
        server.answer_next([answer]);
        assert_eq!(ask().map(|response| response.body.len()).map_err(|error| error.kind()), outcome);
    }
    server.go_away();
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    server.come_back();
    assert_eq!(ask().unwrap().json(), json!({"active": false}));
}

#[test]
fn an_answer_can_be_late_held_or_never_come() {
    let server = AuthorizationServer::start();
    let pause = Duration::from_millis(50);
    server.answer_next([Answer::status(200).after(pause)]);
    let start = Instant::now();
    form("late").send(server.port());
    assert!(start.elapsed() >= pause);

    let gate = Gate::default();
    server.answer_for("held", Answer::status(200).held_by(&gate));
    let mut held: Vec<_> = (0..3).map(|_| Connection::open(server.port()).unwrap()).collect();
    for connection in &mut held {
        connection.write(&form("held").encode()).unwrap();
    }
    gate.await_arrivals(3);
    gate.open();
    for connection in &mut held {
        assert_eq!(connection.read_response().unwrap().status, 200);
    }

    server.answer_for("never", Answer::silence());
    let mut silent = Connection::open(server.port()).unwrap();
    silent.write(&form("never").encode()).unwrap();
    server.await_calls(5);
    drop(server);
    assert!(silent.read_response().is_err());
}

#[test]
fn the_document_source_serves_documents_tags_and_scripts() {
    let source = DocumentSource::start();
    source.serve("/v1/contracts", "\"one\"", json!({"contracts": []}));
    source.answer_for("/v1/contracts?since=7", Answer::status(410));
    let get = |target| Request::get(target);
    let first = get("/v1/contracts").send(source.port());
    assert_eq!((first.header("etag"), first.json()), (Some("\"one\""), json!({"contracts": []})));
    assert_eq!(get("/v1/contracts").header("if-none-match", "\"one\"").send(source.port()).status, 304);
    assert_eq!(get("/v1/contracts").header("if-none-match", "\"old\"").send(source.port()).status, 200);
    assert_eq!(get("/v1/contracts?since=7").send(source.port()).status, 410);
    assert_eq!(get("/elsewhere").send(source.port()).status, 404);
    source.answer_next([Answer::status(429).header("retry-after", "2")]);
    assert_eq!(get("/v1/contracts").send(source.port()).header("retry-after"), Some("2"));
    source.await_polls(6);
    let polls = source.polls();
    assert!(polls.is_sorted_by_key(|poll| poll.at));
    assert_eq!(polls[1].headers.only("if-none-match"), Some("\"one\""));
    source.go_away();
    assert!(get("/v1/contracts").try_send(source.port()).is_err());
    source.come_back();
    assert_eq!(get("/v1/contracts").send(source.port()).status, 200);
}

#[test]
fn the_real_authorization_server_issues_introspects_and_revokes() {
    let portal = Client::application("portal", "orders.read orders.write");
    let mobile = Client::application("mobile", "orders.read").authenticating_by("client_secret_post");
    let gateway = Client::gateway("gateway");
    let server = OidcProvider::start(&[portal.clone(), mobile.clone(), gateway.clone()]);

    let token = server.token(&portal, "orders.read orders.write", oidc::OPAQUE);
    let facts = server.introspect(&gateway, &token).json();
    assert_eq!(facts["active"], true);
    assert_eq!(facts["client_id"], portal.id());
    assert_eq!(facts["scope"], "orders.read orders.write");
    assert_eq!(facts["aud"], oidc::OPAQUE);
    assert_eq!(facts["iss"], server.issuer());

    server.revoke(&portal, &token);
    assert_eq!(server.introspect(&gateway, &token).json(), json!({"active": false}));

    let jwt = server.token(&mobile, "orders.read", oidc::JWT);
    assert_eq!(jwt.split('.').count(), 3);
    assert_eq!(server.introspect(&gateway, &jwt).status, 400);
    assert!(!gateway.secret().is_empty() && server.port() > 0);
}

#[test]
fn the_real_authorization_server_rotates_its_keys() {
    let portal = Client::application("portal", "orders.read");
    let server = OidcProvider::start(std::slice::from_ref(&portal));
    let keys = || {
        let set = Request::get("/jwks").send(server.port()).json();
        let keys = set["keys"].as_array().expect("keys").clone();
        keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect::<Vec<_>>()
    };
    let signed_by = |resource| {
        let token = server.token(&portal, "orders.read", resource);
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
        serde_json::from_slice::<Value>(&header).expect("JSON")["kid"].as_str().expect("a kid").to_owned()
    };
    assert_eq!(keys(), ["rs256-1", "ps256-1", "es256-1", "eddsa-1"]);
    let resources = [oidc::JWT, oidc::JWT_PS256, oidc::JWT_ES256, oidc::JWT_EDDSA];
    assert_eq!(resources.map(signed_by), ["rs256-1", "ps256-1", "es256-1", "eddsa-1"]);
    server.rotate_keys();
    assert_eq!((keys().len(), signed_by(oidc::JWT).as_str()), (8, "rs256-2"));
    server.drop_old_keys();
    assert_eq!(keys(), ["rs256-2", "ps256-2", "es256-2", "eddsa-2"]);
    assert_eq!((server.keys_url(), server.asked_for("jwks")), (format!("{}/jwks", server.issuer()), 3));
}

#[test]
fn the_real_authorization_server_binds_tokens_to_keys_and_certificates() {
    let by_key = Client::application("by-key", "orders.read").bound_by_dpop();
    let by_certificate = Client::application("by-certificate", "orders.read").bound_by_certificate();
    let gateway = Client::gateway("gateway").answered_with("ES256");
    let server = OidcProvider::start(&[by_key.clone(), by_certificate.clone(), gateway.clone()]);
    let proof = DpopClient::start("ES256").proof("POST", &format!("{}/token", server.issuer()), None);
    let token = server.token_with(&by_key, "orders.read", oidc::OPAQUE, &[("dpop", &proof)]);
    let facts = server.introspect(&gateway, &token).json();
    assert_eq!((facts["token_type"].as_str(), facts["cnf"]["jkt"].as_str().map(str::len)), (Some("DPoP"), Some(43)));
    let certificate = Authority::new().certificate("client");
    let headers = [("x-client-certificate", certificate.base64())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let token = server.token_with(&by_certificate, "orders.read", oidc::OPAQUE, &headers);
    let facts = server.introspect(&gateway, &token).json();
    assert_eq!(facts["cnf"], json!({"x5t#S256": certificate.thumbprint()}));
}

#[test]
fn envoy_takes_requests_over_tls_and_checks_client_certificates() {
    let authority = Authority::new();
    let envoy = Envoy::builder().tls(&authority).access_log_format("%DOWNSTREAM_PEER_FINGERPRINT_256%\n").start();
    let (ours, foreign) = (authority.certificate("client"), Authority::new().certificate("client"));
    let [plain, shown, refused] =
        [None, Some(&ours), Some(&foreign)].map(|certificate| TlsTunnel::start(envoy.port(), certificate));
    let get = Request::get("/");
    assert_eq!(get.send(plain.port()).status, 200);
    assert_eq!(get.send(shown.port()).status, 200);
    assert!(get.try_send(refused.port()).is_err());
    assert!(get.try_send(envoy.port()).is_err());
    let fingerprint = &envoy.await_access_lines(2)[1];
    let bytes = URL_SAFE_NO_PAD.decode(ours.thumbprint()).expect("base64url");
    assert_eq!(*fingerprint, bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}
