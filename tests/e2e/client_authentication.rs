//! How the gateway shows who it is to an authorization server, and which server a token goes to.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::harness::authorization_server::{AuthorizationServer, Introspection};
use crate::harness::client::{Request, Response};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{Gateway, introspection, provider, with};
use crate::harness::oidc::{self, Client, OidcProvider};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;
use crate::harness::upstream::Received;
use crate::tokens::KeyPair;

fn configuration(client: Value, further: Value) -> Value {
    let introspection = introspection("idp", with(json!({"client": client}), further));
    json!({"providers": [{"name": "main", "introspection": introspection}], "apis": [{"id": "all"}]})
}

/// What the server got to see for one token.
#[track_caller]
fn call(client: Value, further: Value, environment: &[(&str, &str)]) -> (String, Introspection) {
    let gateway = Gateway::start_with(configuration(client, further), |builder| {
        environment.iter().fold(builder, |builder, (name, value)| builder.environment(name, value))
    });
    let token = gateway.token(json!({"client_id": "portal"}));
    assert_eq!(gateway.send(&Request::get("/").bearer(&token)).status, 200);
    let mut calls = gateway.server.calls();
    assert_eq!(calls.len(), 1);
    (token, calls.remove(0))
}

fn form(call: &Introspection) -> Vec<(&str, &str)> {
    call.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn by_default_id_and_secret_travel_form_encoded_in_basic() {
    // Every kind of byte that form encoding (RFC 6749 section 2.3.1) changes.
    let (id, secret) = ("gate way:1", format!("{}:p+%&=/é", secrecy::secret("s")));
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (form_encoded, raw) = (format!("{}:{}", encode(id), encode(&secret)), format!("gateway:{secret}"));
    for shown in [&form_encoded, &raw, &secret] {
        secrecy::register(shown);
        secrecy::register(&STANDARD.encode(shown));
    }
    let client = |id: &str| json!({"id": id, "secret": {"env": "IDP_CLIENT_SECRET"}});
    let environment = [("IDP_CLIENT_SECRET", secret.as_str())];
    let (token, call_of) = call(client(id), json!({}), &environment);
    let expected = format!("Basic {}", STANDARD.encode(form_encoded));
    assert_eq!(call_of.request.headers.only("authorization"), Some(expected.as_str()));
    assert_eq!(form(&call_of), [("token", token.as_str()), ("token_type_hint", "access_token")]);
    assert_eq!(call_of.request.headers.only("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(call_of.request.headers.only("accept"), Some("application/json"));
    assert_eq!(call_of.request.headers.only("host"), Some("idp.example.com"));

    let client = with(client("gateway"), json!({"auth": "client_secret_basic", "basic_encoding": "raw"}));
    let (_, call_of) = call(client, json!({}), &environment);
    let expected = format!("Basic {}", STANDARD.encode(raw));
    assert_eq!(call_of.request.headers.only("authorization"), Some(expected.as_str()));
}

#[test]
fn post_puts_id_and_secret_into_the_form() {
    let secret = format!("{}&a=1+%", secrecy::secret("s"));
    secrecy::register_client("gateway", &secret);
    let client = json!({"id": "gate&way", "auth": "client_secret_post", "secret": secret});
    let (token, call) = call(client, json!({}), &[]);
    let expected = [
        ("token", token.as_str()),
        ("token_type_hint", "access_token"),
        ("client_id", "gate&way"),
        ("client_secret", &secret),
    ];
    assert_eq!(form(&call), expected);
    assert_eq!(call.request.headers.only("authorization"), None);
}

#[test]
fn a_bearer_token_of_the_gateways_own_stands_in_the_header() {
    let own = secrecy::secret("own-token");
    let client = json!({"auth": "bearer", "secret": {"env": "OWN_TOKEN"}});
    let (token, call) = call(client, json!({}), &[("OWN_TOKEN", &own)]);
    assert_eq!(call.request.headers.only("authorization"), Some(format!("Bearer {own}").as_str()));
    assert_eq!(form(&call), [("token", token.as_str()), ("token_type_hint", "access_token")]);
}

#[test]
fn without_authentication_only_the_id_is_told() {
    let (token, call_of) = call(json!({"auth": "none", "id": "gateway"}), json!({}), &[]);
    assert_eq!(call_of.request.headers.only("authorization"), None);
    let expected = [("token", token.as_str()), ("token_type_hint", "access_token"), ("client_id", "gateway")];
    assert_eq!(form(&call_of), expected);
    let (token, call_of) = call(json!({"auth": "none"}), json!({"parameters": {}}), &[]);
    assert_eq!(form(&call_of), [("token", token.as_str())]);
}

#[test]
fn further_parameters_and_headers_are_sent_as_configured() {
    let key = secrecy::secret("key");
    let further = json!({
        "endpoint": "http://idp.example.com:8443/tenants/7/introspect?v=2&x=%2F",
        "parameters": {"resource": "https://api.example.com/a b&c", "empty": ""},
        "headers": {"X-Api-Key": {"env": "IDP_KEY"}, "accept-language": "en"},
    });
    let (token, call) = call(json!({"auth": "none"}), further, &[("IDP_KEY", &key)]);
    let expected = [("token", token.as_str()), ("resource", "https://api.example.com/a b&c"), ("empty", "")];
    let mut sent = form(&call);
    sent.sort_by_key(|(name, _)| ["token", "resource", "empty"].iter().position(|known| known == name));
    assert_eq!(sent, expected);
    assert_eq!(call.request.method, "POST");
    assert_eq!(call.request.target, "/tenants/7/introspect?v=2&x=%2F");
    assert_eq!(call.request.headers.only("host"), Some("idp.example.com:8443"));
    assert_eq!(call.request.headers.only("x-api-key"), Some(key.as_str()));
    assert_eq!(call.request.headers.only("accept-language"), Some("en"));
}

#[test]
fn nothing_of_the_callers_request_travels_to_the_server_but_the_token() {
    let gateway = Gateway::start(configuration(json!({"auth": "none"}), json!({})));
    let token = gateway.token(json!({"client_id": "portal"}));
    let request = Request::post("/orders?secret=query").header("cookie", "a=1").header("x-other", "mine").body("mine");
    assert_eq!(gateway.send(&request.bearer(&token)).status, 200);
    let call = &gateway.server.calls()[0];
    assert_eq!(call.request.target, "/introspect");
    for absent in ["cookie", "x-other", "authorization"] {
        assert_eq!(call.request.headers.only(absent), None, "{absent}");
    }
    assert_eq!(form(call), [("token", token.as_str()), ("token_type_hint", "access_token")]);
}

/// Envoy in front of the real server, as this client of it.
fn guarded_by(server: &OidcProvider, gateway: &Client, auth: &str, secret: &str) -> Envoy {
    let introspection = json!({
        "endpoint": format!("{}/token/introspection", server.issuer()),
        "cluster": "idp",
        "client": {"id": gateway.id(), "auth": auth, "secret": {"env": "IDP_CLIENT_SECRET"}},
    });
    let provider = json!({"name": "main", "issuer": server.issuer(), "introspection": introspection});
    Envoy::builder()
        .plugin(json!({"providers": [provider], "apis": [{"id": "all", "scopes": {"all": ["orders.read"]}}]}))
        .environment("IDP_CLIENT_SECRET", secret)
        .cluster("idp", server.port())
        .start()
}

fn ask(envoy: &Envoy, token: &str) -> Response {
    Request::get("/orders/1").bearer(token).send(envoy.port())
}

#[test]
fn a_real_server_takes_basic_and_post_and_tells_tokens_apart() {
    let portal = Client::application("portal", "orders.read orders.write");
    let by_basic = Client::gateway("gateway-basic");
    let by_post = Client::gateway("gateway-post").authenticating_by("client_secret_post");
    let server = OidcProvider::start(&[portal.clone(), by_basic.clone(), by_post.clone()]);
    for (gateway, auth) in [(&by_basic, "client_secret_basic"), (&by_post, "client_secret_post")] {
        let envoy = guarded_by(&server, gateway, auth, gateway.secret());
        let [good, revoked] = [(); 2].map(|()| server.token(&portal, "orders.read", oidc::OPAQUE));
        server.revoke(&portal, &revoked);
        assert_eq!(ask(&envoy, &good).status, 200, "{auth}");
        assert_refused(&ask(&envoy, &revoked), "inactive");
        assert_refused(&ask(&envoy, &secrecy::secret("token")), "inactive");
        assert_refused(&ask(&envoy, &server.token(&portal, "orders.write", oidc::OPAQUE)), "insufficient_scope");
        // This server introspects no JWT of its own: it says so of the token, not of us.
        assert_refused(&ask(&envoy, &server.token(&portal, "orders.read", oidc::JWT)), "inactive");
        for connection in &mut envoy.connections_on_every_worker() {
            assert_eq!(connection.send(&Request::get("/orders/1").bearer(&good)).status, 200);
        }
        assert_eq!(envoy.stat("cluster.idp.upstream_rq_total"), Some(5), "each token is asked about once");
        envoy.assert_no_vm_reload();
    }
}

#[test]
fn a_real_server_that_does_not_know_the_gateway_is_no_fault_of_the_token() {
    let portal = Client::application("portal", "orders.read");
    let by_basic = Client::gateway("gateway-basic");
    let by_post = Client::gateway("gateway-post").authenticating_by("client_secret_post");
    let server = OidcProvider::start(&[portal.clone(), by_basic.clone(), by_post.clone()]);
    let token = server.token(&portal, "orders.read", oidc::OPAQUE);
    for (gateway, auth) in [(&by_basic, "client_secret_basic"), (&by_post, "client_secret_post")] {
        let wrong = secrecy::secret("wrong-secret");
        secrecy::register_client(gateway.id(), &wrong);
        let envoy = guarded_by(&server, gateway, auth, &wrong);
        assert_refused(&ask(&envoy, &token), "provider_error");
        let told = || envoy.log().contains("check introspection.client").then_some(());
        eventually(SOON, "the operator is told what to look at", told);
    }
}

/// A token in JWS compact form that names this issuer; nobody has signed it.
fn shaped_as_jwt(issuer: &str) -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let payload = part(json!({"iss": issuer, "jti": secrecy::secret("jti")}));
    let token = format!("{}.{payload}.{}", part(json!({"alg": "RS256"})), URL_SAFE_NO_PAD.encode("signature"));
    secrecy::register(&token);
    token
}

#[test]
fn a_token_goes_to_the_provider_it_names_else_to_the_first_and_never_to_two() {
    let issuers = ["https://one.example.com", "https://two.example.com", "https://three.example.com"];
    let second = AuthorizationServer::start();
    let configuration = json!({
        "providers": [
            provider("one", json!({"issuer": issuers[0]})),
            {"name": "two", "issuer": issuers[1], "introspection": introspection("second", json!({}))},
        ],
        "apis": [
            {"id": "second", "match": {"paths": ["/second/"]}, "providers": ["two"]},
            {"id": "turned", "match": {"paths": ["/turned/"]}, "providers": ["two", "one"]},
            {"id": "both", "upstream": {"headers": {"x-provider": "provider"}}},
        ],
    });
    let gateway = Gateway::start_with(configuration, |builder| builder.cluster("second", second.port()));
    let first = &gateway.server;
    let [opaque, by_one, by_two, by_nobody] =
        [secrecy::secret("token"), shaped_as_jwt(issuers[0]), shaped_as_jwt(issuers[1]), shaped_as_jwt(issuers[2])];
    let odd = format!("{}.{}", secrecy::secret("token"), "a.b");
    for server in [first, &second] {
        for token in [&opaque, &by_one, &by_two, &by_nobody, &odd] {
            server.activate(token, json!({"client_id": "portal"}));
        }
    }
    for (token, provider) in [(&opaque, "one"), (&by_one, "one"), (&by_two, "two"), (&by_nobody, "one"), (&odd, "one")]
    {
        let received = gateway.receive(&Request::get("/both/1").bearer(token));
        assert_eq!(received.headers.only("x-provider"), Some(provider));
        let calls = (first.calls_for(token), second.calls_for(token));
        assert_eq!(calls, if provider == "one" { (1, 0) } else { (0, 1) });
    }
    // The order of an API's own list counts, and one that is not in it is not asked.
    for (path, token, at_first, at_second) in [
        ("/second/1", &opaque, 1, 1),
        ("/second/1", &by_one, 1, 1),
        ("/turned/1", &by_nobody, 1, 1),
        // Known of this provider from the other API.
        ("/turned/1", &by_one, 1, 1),
        ("/turned/1", &by_two, 0, 1),
    ] {
        assert_eq!(gateway.send(&Request::get(path).bearer(token)).status, 200, "{path}");
        assert_eq!((first.calls_for(token), second.calls_for(token)), (at_first, at_second), "{path}");
    }
    // What one says of a token is not what the other says of it.
    let token = secrecy::secret("token");
    second.activate(&token, json!({"client_id": "portal"}));
    assert_refused(&gateway.send(&Request::get("/both/1").bearer(&token)), "inactive");
    assert_eq!(Received::from(&gateway.send(&Request::get("/second/1").bearer(&token))).target, "/second/1");
    assert_refused(&gateway.send(&Request::get("/both/1").bearer(&token)), "inactive");
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_token_of_another_issuer_than_its_provider_is_refused() {
    let issuer = "https://one.example.com";
    let configuration = json!({
        "providers": [provider("one", json!({"issuer": issuer}))],
        "apis": [{"id": "all"}],
    });
    let gateway = Gateway::start(configuration);
    for (facts, outcome) in [
        (json!({"iss": issuer}), None),
        (json!({}), None),
        (json!({"iss": format!("{issuer}/")}), Some("wrong_issuer")),
        (json!({"iss": "HTTPS://one.example.com"}), Some("wrong_issuer")),
        (json!({"iss": ""}), Some("wrong_issuer")),
    ] {
        let response = gateway.send(&Request::get("/").bearer(&gateway.token(facts.clone())));
        match outcome {
            None => assert_eq!(response.status, 200, "{facts}"),
            Some(outcome) => assert_refused(&response, outcome),
        }
    }
}

#[test]
fn a_real_authorization_server_takes_assertions_by_key_and_by_secret() {
    let portal = Client::application("portal", "orders.read");
    let by_secret = Client::gateway("by-secret").authenticating_by("client_secret_jwt");
    let keys = ["RS256", "ES256", "EdDSA"].map(|algorithm| (algorithm, KeyPair::signing(algorithm)));
    let by_key = keys.each_ref().map(|(algorithm, key)| {
        Client::gateway(&format!("by-{}", algorithm.to_lowercase())).authenticating_with(key, algorithm)
    });
    let clients = [&[portal.clone(), by_secret.clone()][..], &by_key].concat();
    let server = OidcProvider::start(&clients);
    let mut gateways = vec![(
        json!({"auth": "client_secret_jwt", "id": by_secret.id(), "algorithm": "HS256", "secret": {"env": "SHOWN"}}),
        by_secret.secret().to_owned(),
    )];
    for (client, (algorithm, key)) in by_key.iter().zip(&keys) {
        let settings = json!({
            "auth": "private_key_jwt", "id": client.id(), "algorithm": algorithm, "key": {"env": "SHOWN"},
            "key_id": key.key_id,
        });
        gateways.push((settings, key.pem()));
    }
    for (client, shown) in gateways {
        for line in shown.lines().filter(|line| line.len() >= 16) {
            secrecy::register(line);
        }
        let introspection = json!({
            "endpoint": format!("{}/token/introspection", server.issuer()), "cluster": "idp", "client": client,
        });
        let providers = json!([{"name": "main", "issuer": server.issuer(), "introspection": introspection}]);
        let envoy = Envoy::builder()
            .plugin(json!({"providers": providers, "apis": [{"id": "all"}]}))
            .environment("SHOWN", &shown)
            .cluster("idp", server.port())
            .start();
        // Each question has an assertion of its own, which this server insists on.
        for _ in 0..2 {
            let token = server.token(&portal, "orders.read", oidc::OPAQUE);
            assert_eq!(Request::get("/").bearer(&token).send(envoy.port()).status, 200, "{client}");
        }
        envoy.assert_no_vm_reload();
    }
}
