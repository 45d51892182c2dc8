//! The command and the real authorization server: Envoy runs what `discover` writes, and answers as `explain` says.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::certificates::Authority;
use crate::harness::client::{Request, Response};
use crate::harness::command::{Ran, tessera};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::example::{Example, Running};
use crate::harness::oidc::{Client, OPAQUE, OidcProvider};
use crate::harness::refusal::assert_refused;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;
use crate::harness::upstream::{Received, Upstream};

const TARGET: &str = "/orders/7";

#[test]
fn what_discover_writes_lets_a_token_of_that_server_pass_and_no_other() {
    let scene = Scene::of(Server::start(), &[]);
    let received = Received::from(&scene.send(&scene.portal_token()));
    assert_eq!(received.headers.only("x-client-id"), Some("portal"));
    assert_refused(&scene.send(&secrecy::secret("unknown")), "inactive");
    assert_eq!(scene.server.upstream.request_count(), 1);
}

#[test]
fn behind_tls_the_authority_that_discover_was_given_is_trusted_and_no_other() {
    let (authority, scratch) = (Authority::new(), Scratch::new("authorities"));
    let [trusted, other] = [("one.pem", &authority), ("other.pem", &Authority::new())].map(|(name, authority)| {
        fs::write(scratch.file(name), authority.pem()).expect("write the authority");
        scratch.file(name).to_str().expect("a text").to_owned()
    });
    let certificate = authority.certificate_of_localhost();
    let scene = Scene::of(
        Server::start_with(|clients| OidcProvider::start_with_tls(clients, &certificate)),
        &["--ca", &trusted],
    );
    let token = scene.portal_token();
    assert_eq!(scene.explain(&token, &["--ca", &trusted]).json()["outcome"], "allowed");
    Received::from(&scene.send(&token));

    let example = discovered(&scene.server, &["--ca", &trusted]).with(&trusted, &other);
    let scene = Scene::start(scene.server, example);
    assert_refused(&scene.send(&token), "provider_unavailable");
    let told = scene.explain(&token, &["--ca", &other]);
    assert_eq!((told.code, &told.json()["outcome"]), (3, &Value::Null));
}

#[test]
fn check_warns_of_what_only_a_person_can_add_to_what_discover_writes() {
    let (server, scratch) = (Server::start(), Scratch::new("discovered"));
    let ran = check(&discovered(&server, &[]), &scratch);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains(": warning[no-audience] providers[0]: "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("0 mistakes, 1 warning in 1 configuration of 1 file\n"), "{}", ran.stdout);
}

#[test]
fn explain_live_says_what_envoy_answers() {
    let scene = Scene::of(Server::start(), &[]);
    let Server { idp, portal, guest, .. } = &scene.server;
    let revoked = scene.portal_token();
    idp.revoke(portal, &revoked);
    for (outcome, token) in [
        ("allowed", scene.portal_token()),
        ("inactive", secrecy::secret("unknown")),
        ("inactive", revoked),
        ("insufficient_scope", idp.token(portal, "orders.write", OPAQUE)),
        ("no_contract", idp.token(guest, "orders.read", OPAQUE)),
    ] {
        let ran = scene.explain(&token, &[]);
        let told = ran.json();
        assert_eq!((ran.code, &told["outcome"]), (0, &Value::from(outcome)), "{told}");
        assert_tells(&told, &scene.send(&token));
    }
}

/// The explanation is what Envoy has answered. Each outcome has a text of its own.
#[track_caller]
fn assert_tells(told: &Value, response: &Response) {
    if told["passes"] == true {
        let received = Received::from(response);
        let set = told["upstream"]["set"].as_object().expect("headers");
        assert!(set.contains_key("x-client-id"), "{told}");
        for (name, value) in set {
            assert_eq!(received.headers.only(name), value.as_str(), "{told}");
        }
        return;
    }
    assert_refused(response, told["outcome"].as_str().expect("an outcome"));
    let reply = &told["reply"];
    assert_eq!((&reply["status"], &reply["body"]), (&response.status.into(), &response.json()), "{told}");
    for (name, value) in reply["headers"].as_object().expect("headers") {
        assert_eq!(response.header(name), value.as_str(), "{told}");
    }
}

/// The authorization server with its clients, and the API.
struct Server {
    idp: OidcProvider,
    gateway: Client,
    portal: Client,
    guest: Client,
    upstream: Upstream,
}

impl Server {
    #[track_caller]
    fn start() -> Self {
        Self::start_with(OidcProvider::start)
    }

    #[track_caller]
    fn start_with(start: impl FnOnce(&[Client]) -> OidcProvider) -> Self {
        let gateway = Client::gateway("gateway");
        let [portal, guest] = ["portal", "guest"].map(|id| Client::application(id, "orders.read orders.write"));
        let idp = start(&[gateway.clone(), portal.clone(), guest.clone()]);
        Self { idp, gateway, portal, guest, upstream: Upstream::start() }
    }
}

/// An Envoy with what `discover` has written, once `check` has nothing against it.
struct Scene {
    server: Server,
    configuration: PathBuf,
    port: u16,
    _envoy: Running,
    _scratch: Scratch,
}

impl Scene {
    #[track_caller]
    fn of(server: Server, flags: &[&str]) -> Self {
        let example = discovered(&server, flags);
        Self::start(server, example)
    }

    #[track_caller]
    fn start(server: Server, example: Example) -> Self {
        let scratch = Scratch::new("discovered");
        let mut example = example.with("audiences: []", &format!("audiences: [{OPAQUE}]"));
        let ran = check(&example, &scratch);
        assert_eq!((ran.code, &*ran.stdout), (0, "0 mistakes, 0 warnings in 1 configuration of 1 file\n"));
        example.environment = vec![("IDP_CLIENT_SECRET".into(), server.gateway.secret().into())];
        let mut envoy = Running::spawn(&example, &["--concurrency", "2"]);
        let admin = envoy.admin();
        let port = eventually(SOON, "Envoy's listener", || admin.listener_port());
        Self { configuration: scratch.file(&example.name), server, port, _envoy: envoy, _scratch: scratch }
    }

    /// A token that may read.
    fn portal_token(&self) -> String {
        self.server.idp.token(&self.server.portal, "orders.read", OPAQUE)
    }

    #[track_caller]
    fn send(&self, token: &str) -> Response {
        Request::get(TARGET).bearer(token).send(self.port)
    }

    /// What the command says of the same request.
    #[track_caller]
    fn explain(&self, token: &str, flags: &[&str]) -> Ran {
        let url = format!("http://api.example.com{TARGET}");
        let file = self.configuration.to_str().expect("a text");
        let arguments = [&["--json", "explain", "--live", "--token-env", "TOKEN"], flags, &[file, &url]].concat();
        tessera(&arguments, &[("IDP_CLIENT_SECRET", self.server.gateway.secret()), ("TOKEN", token)])
    }
}

/// The smallest example with the provider and the cluster that `discover` writes in the place of its own.
#[track_caller]
fn discovered(server: &Server, flags: &[&str]) -> Example {
    let issuer = server.idp.issuer();
    let ran = tessera(&[&["discover", &issuer, "--for", "envoy"], flags].concat(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let (providers, clusters) = ran.stdout.split_once("---\nclusters:\n").expect("a provider and a cluster");
    let mut example = Example::named("envoy.yaml")
        .with("address: 0.0.0.0, port_value: 8080", "address: 127.0.0.1, port_value: 0")
        .with("port_value: 9901", "port_value: 0")
        .reaching("upstream", 9000, server.upstream.port());
    replace(
        &mut example.text,
        "                    providers:\n",
        "                    apis:\n",
        &indented(providers, 20),
    );
    replace(&mut example.text, "  - name: idp\n", "", &indented(clusters, 2));
    example
}

/// Replaces what is from `start` up to `end`, or the end of the text.
#[track_caller]
fn replace(text: &mut String, start: &str, end: &str, by: &str) {
    let from = text.find(start).expect(start);
    let to = if end.is_empty() { text.len() } else { text.find(end).expect(end) };
    text.replace_range(from..to, by);
}

fn indented(text: &str, columns: usize) -> String {
    text.lines().map(|line| format!("{:columns$}{line}\n", "")).collect()
}

#[track_caller]
fn check(example: &Example, scratch: &Scratch) -> Ran {
    let file = scratch.file(&example.name);
    fs::write(&file, &example.text).expect("write the configuration");
    tessera(&["check", "--deny-warnings", file.to_str().expect("a text")], &[])
}
