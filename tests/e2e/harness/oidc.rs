//! The real authorization server: npm's certified `oidc-provider`, started as `tests/oidc-provider/server.mjs`.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::certificates::Certificate;
use crate::harness::client::{Request, Response};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::with;
use crate::harness::node::TlsTunnel;
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;
use crate::tokens::KeyPair;

/// Resource indicators that the server knows (RFC 8707): for opaque tokens, and for JWTs with RS256, PS256, ES256, EdDSA.
pub const OPAQUE: &str = "https://orders.example.com";
pub const JWT: &str = "https://orders-jwt.example.com";
pub const JWT_PS256: &str = "https://orders-ps256.example.com";
pub const JWT_ES256: &str = "https://orders-es256.example.com";
pub const JWT_EDDSA: &str = "https://orders-eddsa.example.com";

/// A client as registered; with a scope it may ask for tokens, without one it may only introspect.
#[derive(Clone)]
pub struct Client {
    id: String,
    secret: String,
    scope: Option<String>,
    auth: &'static str,
    /// Further members, as the script takes them.
    further: Value,
}

impl Client {
    /// An application that gets tokens of these scopes.
    pub fn application(id: &str, scope: &str) -> Self {
        Self { scope: Some(scope.into()), ..Self::gateway(id) }
    }

    /// One that was registered here, with the secret that it was given.
    pub fn registered(id: &str, secret: &str, scope: &str) -> Self {
        secrecy::register_client(id, secret);
        Self {
            id: id.into(),
            secret: secret.into(),
            scope: Some(scope.into()),
            auth: "client_secret_basic",
            further: json!({}),
        }
    }

    /// A resource server that introspects them.
    pub fn gateway(id: &str) -> Self {
        Self { scope: None, ..Self::registered(id, &secrecy::secret("secret-of-the-client"), "") }
    }

    pub fn authenticating_by(mut self, method: &'static str) -> Self {
        self.auth = method;
        self
    }

    /// Authenticates with assertions by this key (`private_key_jwt`).
    pub fn authenticating_with(self, key: &KeyPair, algorithm: &str) -> Self {
        let keys = json!({"jwks": {"keys": [key.jwk()]}, "signing": algorithm});
        self.authenticating_by("private_key_jwt").with(keys)
    }

    /// Its tokens are bound to the key of the DPoP proof that comes with the request for them.
    pub fn bound_by_dpop(self) -> Self {
        self.with(json!({"dpop": true}))
    }

    /// Its tokens are bound to the certificate that comes with the request for them.
    pub fn bound_by_certificate(self) -> Self {
        self.with(json!({"certificate": true}))
    }

    /// Gets introspection answers signed with this algorithm (RFC 9701), if it asks for them.
    pub fn answered_with(self, algorithm: &str) -> Self {
        self.with(json!({"signed_introspection": algorithm}))
    }

    fn with(mut self, further: Value) -> Self {
        self.further = with(self.further, further);
        self
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    fn metadata(&self) -> Value {
        let usual = json!({"id": self.id, "secret": self.secret, "scope": self.scope, "auth": self.auth});
        with(usual, self.further.clone())
    }
}

pub struct OidcProvider {
    process: Child,
    port: u16,
    issuer: String,
    control: u16,
    /// Where this test's own requests are sent; they speak no TLS.
    plain_port: u16,
    tunnel: Option<TlsTunnel>,
    _scratch: Scratch,
}

impl OidcProvider {
    #[track_caller]
    pub fn start(clients: &[Client]) -> Self {
        Self::start_with(clients, |command| command)
    }

    /// One where clients register themselves and people log in, for opaque tokens of this resource.
    #[track_caller]
    pub fn start_with_people(clients: &[Client], resource: &str) -> Self {
        let resources = json!({resource: {"format": "opaque"}}).to_string();
        Self::start_with(clients, |command| command.arg("--people").env("OIDC_RESOURCES", resources))
    }

    /// One where clients are registered with this initial access token, and managed by tokens of their own.
    #[track_caller]
    pub fn start_registering(clients: &[Client], initial_token: &str) -> Self {
        Self::start_with(clients, |command| command.arg("--registration").env("OIDC_REGISTRATION_TOKEN", initial_token))
    }

    /// One that speaks TLS, and shows this certificate of `localhost`.
    #[track_caller]
    pub fn start_with_tls(clients: &[Client], certificate: &Certificate) -> Self {
        let scratch = Scratch::new("oidc-tls");
        let [file, key] = [("certificate.pem", &certificate.pem), ("key.pem", &certificate.key)].map(|(name, text)| {
            fs::write(scratch.file(name), text).expect("write a file");
            scratch.file(name)
        });
        let mut server =
            Self::start_with(clients, |command| command.arg("--certificate").arg(file).arg("--key").arg(key));
        let tunnel = TlsTunnel::start(server.port, None);
        server.plain_port = tunnel.port();
        server.tunnel = Some(tunnel);
        server
    }

    #[track_caller]
    fn start_with(clients: &[Client], adjust: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let folder = prerequisites::oidc_provider();
        let scratch = Scratch::new("oidc");
        let log = scratch.file("log");
        let output = File::create(&log).expect("a log file");
        let clients: Vec<_> = clients.iter().map(Client::metadata).collect();
        let mut command = Command::new("node");
        command.arg(folder.join("server.mjs")).args(["--control", "0"]);
        command.env("OIDC_CLIENTS", Value::from(clients).to_string()).env("OIDC_RESOURCES", resources().to_string());
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("a second handle")).stderr(output);
        let mut process = adjust(&mut command).spawn().expect("start node");
        let (control, issuer) = eventually(SOON, "the authorization server's ready line", || {
            let log = fs::read_to_string(&log).ok()?;
            let ended = process.try_wait().expect("the process's state");
            assert!(ended.is_none(), "the authorization server ended: {log}");
            let url = |what: &str| log.lines().find_map(|line| line.strip_prefix(what)).map(str::to_owned);
            Some((url("control ")?, url("ready ")?))
        });
        let [control, port] = [&control, &issuer].map(|url| {
            let (_, port) = url.rsplit_once(':').expect("a port");
            port.parse().expect("a port")
        });
        Self { process, port, issuer, control, plain_port: port, tunnel: None, _scratch: scratch }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn issuer(&self) -> String {
        self.issuer.clone()
    }

    /// An access token by the client credentials grant (RFC 6749 section 4.4), opaque or JWT as `resource` has it.
    #[track_caller]
    pub fn token(&self, client: &Client, scope: &str, resource: &str) -> String {
        self.token_with(client, scope, resource, &[])
    }

    /// As [`OidcProvider::token`], with these headers: a proof, or a certificate.
    #[track_caller]
    pub fn token_with(&self, client: &Client, scope: &str, resource: &str, headers: &[(&str, &str)]) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", scope), ("resource", resource)];
        let request = self.request("/token", client, &form);
        let add = |request: Request, (name, value): &(&str, &str)| request.header(name, value);
        let response = headers.iter().fold(request, add).send(self.plain_port);
        let token = response.json()["access_token"].as_str().map(str::to_owned);
        let token = token.unwrap_or_else(|| panic!("no token: {}", response.json()));
        secrecy::register(&token);
        token
    }

    /// Whether it knows no such client with that secret (RFC 6749 section 5.2), for a client that gets tokens.
    #[track_caller]
    pub fn has_forgotten(&self, client: &Client) -> bool {
        let response = self.post("/token", client, &[("grant_type", "client_credentials")]);
        assert!(response.status == 200 || response.json()["error"] == "invalid_client", "{response:?}");
        response.status != 200
    }

    /// RFC 7662.
    #[track_caller]
    pub fn introspect(&self, client: &Client, token: &str) -> Response {
        self.post("/token/introspection", client, &[("token", token)])
    }

    /// RFC 7009.
    #[track_caller]
    pub fn revoke(&self, client: &Client, token: &str) {
        let response = self.post("/token/revocation", client, &[("token", token)]);
        assert_eq!(response.status, 200, "{response:?}");
    }

    #[track_caller]
    fn post(&self, path: &str, client: &Client, form: &[(&str, &str)]) -> Response {
        self.request(path, client, form).send(self.plain_port)
    }

    fn request(&self, path: &str, client: &Client, form: &[(&str, &str)]) -> Request {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields.extend_pairs(form).append_pair("client_id", &client.id);
        if client.auth == "client_secret_post" {
            fields.append_pair("client_secret", &client.secret);
        }
        let mut request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", self.issuer.rsplit('/').next().expect("a host"))
            .body(fields.finish());
        if client.auth == "client_secret_basic" {
            request = request.header("authorization", basic(client));
        }
        request
    }

    /// The URL of its JWK Set.
    pub fn keys_url(&self) -> String {
        format!("{}/jwks", self.issuer())
    }

    /// New keys sign from now on; the old ones stay in the set.
    #[track_caller]
    pub fn rotate_keys(&self) {
        self.control("/rotate");
    }

    /// Only the newest keys are in the set.
    #[track_caller]
    pub fn drop_old_keys(&self) {
        self.control("/drop");
    }

    /// It closes its connections, and refuses new ones.
    #[track_caller]
    pub fn go_away(&self) {
        self.control("/down");
    }

    #[track_caller]
    pub fn come_back(&self) {
        self.control("/up");
    }

    /// How often each was asked for: `introspections`, `jwks`, `metadata`.
    #[track_caller]
    pub fn asked_for(&self, what: &str) -> u64 {
        let counts = Request::get("/").send(self.control).json();
        counts[what].as_u64().unwrap_or_else(|| panic!("not counted: {what}"))
    }

    #[track_caller]
    fn control(&self, path: &str) {
        let response = Request::post(path).send(self.control);
        assert_eq!(response.status, 200, "{response:?}");
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn resources() -> Value {
    let jwt = |algorithm: &str| json!({"format": "jwt", "algorithm": algorithm});
    json!({
        OPAQUE: {"format": "opaque"},
        JWT: jwt("RS256"), JWT_PS256: jwt("PS256"), JWT_ES256: jwt("ES256"), JWT_EDDSA: jwt("EdDSA"),
    })
}

fn basic(client: &Client) -> String {
    use base64::Engine;
    let credentials = format!("{}:{}", client.id, client.secret);
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}
