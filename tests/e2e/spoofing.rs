//! A caller that claims an identity under any name that any API has for it, on every way through the filter, with Envoy's
//! default for names with underscores: they pass as names of their own, and many upstreams read them as hyphens.

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::{introspection, provider};
use crate::harness::http2_frames::{Field, Http2, field, request};
use crate::harness::recorder::{Arrival, Recorder};
use crate::harness::secrecy;

/// What the access log shows of the caller's claims, in the order of [`CLAIMS`].
const LOG: &str = "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %REQ(x-client-id)% %REQ(x-user)% %REQ(x-agw-admin)% \
                   %REQ(x_client_id)% %REQ(x_user)% %REQ(x-agw_admin)% %REQ(x-client_id)%\n";
const CLAIMS: [&str; 7] =
    ["x-client-id", "x-user", "x-agw-admin", "x_client_id", "x_user", "x-agw_admin", "x-client_id"];

/// Each API names its caller in its own way.
fn configuration(no_match: &str) -> Value {
    json!({
        "providers": [provider("main", json!({"introspection": introspection("idp", json!({"retries": 0}))}))],
        "apis": [
            {
                "id": "orders",
                "match": {"paths": ["/orders/"]},
                "operations": [
                    {"match": {"paths": ["/orders/health"]}, "public": true},
                    {"match": {"paths": ["/orders/admin"]}, "scopes": {"all": ["admin"]}},
                ],
                "upstream": {"headers": {"x-client-id": "client_id"}},
            },
            {"id": "users", "match": {"paths": ["/users/"]}, "upstream": {
                "headers": {"x-user": "subject"}, "claims_prefix": "x-agw-",
            }},
        ],
        "no_match": no_match,
    })
}

struct Scene {
    envoy: Envoy,
    server: AuthorizationServer,
    upstream: Recorder,
}

impl Scene {
    #[track_caller]
    fn start(no_match: &str) -> Self {
        let (server, upstream) = (AuthorizationServer::start(), Recorder::start());
        let builder = Envoy::builder().plugin(configuration(no_match)).cluster("idp", server.port()).workers(1);
        let builder = builder.route_to(upstream.port()).trailers().access_log_format(LOG);
        Self { envoy: builder.start(), server, upstream }
    }

    fn token(&self, answer: Answer) -> String {
        let token = secrecy::secret("token");
        self.server.answer_for(&token, answer);
        token
    }

    /// Claims to be somebody in the headers and again in the trailers.
    #[track_caller]
    fn send(&self, target: &str, token: Option<&str>) -> u16 {
        let claims: Vec<Field> = CLAIMS.iter().flat_map(|name| [field(name, "spoofed"), field(name, "")]).collect();
        let mut fields = [request("POST", target), claims].concat();
        fields.extend(token.map(|token| field("authorization", format!("Bearer {token}"))));
        let mut connection = Http2::open(self.envoy.port()).unwrap();
        let stream = connection.headers(&fields, false);
        connection.data(stream, b"body", false);
        let trailers = CLAIMS.map(|name| field(name, "spoofed"));
        connection.trailers(stream, &[&trailers[..], &[field("x-checksum", "1")]].concat());
        connection.await_one(stream).unwrap().status
    }

    #[track_caller]
    fn arrival(&self) -> Arrival {
        let arrivals = eventually(SOON, "the upstream's request", || {
            Some(self.upstream.take_arrivals()).filter(|arrivals| !arrivals.is_empty())
        });
        let [arrival] = &arrivals[..] else { panic!("{} arrivals", arrivals.len()) };
        arrival.clone()
    }
}

/// Names that anybody could take for one of ours, with their values.
fn identity(arrival: &Arrival) -> Vec<(&str, &str)> {
    let is_identity = |name: &str| ["x-client-id", "x-user"].contains(&name) || name.starts_with("x-agw-");
    let lines = arrival.headers.0.iter().chain(&arrival.trailers.0);
    let mut lines: Vec<_> = lines
        .filter(|(name, _)| is_identity(&name.to_ascii_lowercase().replace('_', "-")))
        .map(|(name, value)| (name.as_str(), std::str::from_utf8(value).unwrap()))
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn no_identity_of_any_api_is_spoofed_through_another() {
    let scene = Scene::start("pass");
    let token = scene.token(Answer::json(json!({"active": true, "client_id": "portal", "sub": "user-7"})));
    let users =
        [("x-agw-active", "true"), ("x-agw-client_id", "portal"), ("x-agw-sub", "user-7"), ("x-user", "user-7")];
    // The token is asked about first, and known then.
    for _ in 0..2 {
        for (target, expected) in [
            ("/orders/1", &[("x-client-id", "portal")][..]),
            ("/users/1", &users),
            ("/orders/health", &[]),
            ("/elsewhere", &[]),
        ] {
            assert_eq!(scene.send(target, Some(&token)), 200, "{target}");
            let arrival = scene.arrival();
            assert_eq!(identity(&arrival), expected, "{target}");
            assert_eq!(arrival.body, b"body");
            assert_eq!(arrival.trailers.only("x-checksum"), Some("1"));
        }
    }
    scene.envoy.assert_no_vm_reload();
}

#[test]
fn no_access_log_of_a_refusal_shows_a_claimed_identity() {
    let scene = Scene::start("refuse");
    let good = scene.token(Answer::json(json!({"active": true, "client_id": "portal"})));
    let inactive = scene.token(Answer::json(json!({"active": false})));
    let (broken, down) = (scene.token(Answer::status(403)), scene.token(Answer::status(500)));
    assert_eq!(scene.send("/users/1", Some(&good)), 200);
    let cases = [
        ("/elsewhere", Some(&good), "404 tessera.unknown_api"),
        ("/orders/1", None, "401 tessera.missing_token"),
        ("/orders//1", Some(&good), "400 tessera.invalid_request"),
        ("/orders/admin", Some(&good), "403 tessera.insufficient_scope"),
        ("/orders/1", Some(&inactive), "401 tessera.inactive"),
        ("/users/1", Some(&inactive), "401 tessera.inactive"),
        ("/orders/1", Some(&broken), "502 tessera.provider_error"),
        ("/users/1", Some(&down), "503 tessera.provider_unavailable"),
    ];
    for (target, token, shown) in cases {
        let status = scene.send(target, token.map(String::as_str));
        assert!(shown.starts_with(&status.to_string()), "{status} for {target}, not {shown}");
    }
    let logged = scene.envoy.await_access_lines(cases.len() + 1);
    for (line, (target, _, shown)) in logged[1..].iter().zip(cases) {
        assert_eq!(*line, format!("{shown}{}", " -".repeat(CLAIMS.len())), "{target}");
    }
    scene.envoy.assert_no_vm_reload();
}
