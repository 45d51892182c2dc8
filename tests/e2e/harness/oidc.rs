//! The real authorization server: npm's certified `oidc-provider`, started as `tests/oidc-provider/server.mjs`.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::client::{Request, Response};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;

/// Resource indicators that the server knows (RFC 8707).
pub const OPAQUE: &str = "https://orders.example.com";
pub const JWT: &str = "https://orders-jwt.example.com";

/// A client as registered; with a scope it may ask for tokens, without one it may only introspect.
#[derive(Clone)]
pub struct Client {
    id: String,
    secret: String,
    scope: Option<String>,
    auth: &'static str,
}

impl Client {
    /// An application that gets tokens of these scopes.
    pub fn application(id: &str, scope: &str) -> Self {
        Self { scope: Some(scope.into()), ..Self::gateway(id) }
    }

    /// A resource server that introspects them.
    pub fn gateway(id: &str) -> Self {
        let secret = secrecy::secret("client-secret");
        secrecy::register_client(id, &secret);
        Self { id: id.into(), secret, scope: None, auth: "client_secret_basic" }
    }

    pub fn authenticating_by(mut self, method: &'static str) -> Self {
        self.auth = method;
        self
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    fn metadata(&self) -> Value {
        json!({"id": self.id, "secret": self.secret, "scope": self.scope, "auth": self.auth})
    }
}

pub struct OidcProvider {
    process: Child,
    port: u16,
    _scratch: Scratch,
}

impl OidcProvider {
    #[track_caller]
    pub fn start(clients: &[Client]) -> Self {
        let folder = prerequisites::oidc_provider();
        let scratch = Scratch::new("oidc");
        let log = scratch.file("log");
        let output = File::create(&log).expect("a log file");
        let clients: Vec<_> = clients.iter().map(Client::metadata).collect();
        let mut process = Command::new("node")
            .arg(folder.join("server.mjs"))
            .env("OIDC_CLIENTS", Value::from(clients).to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .expect("start node");
        let port = eventually(SOON, "the authorization server's ready line", || {
            let log = fs::read_to_string(&log).ok()?;
            let ended = process.try_wait().expect("the process's state");
            assert!(ended.is_none(), "the authorization server ended: {log}");
            log.lines().find_map(|line| line.strip_prefix("ready http://127.0.0.1:")?.parse().ok())
        });
        Self { process, port, _scratch: scratch }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An access token by the client credentials grant (RFC 6749 section 4.4), opaque or JWT as `resource` has it.
    #[track_caller]
    pub fn token(&self, client: &Client, scope: &str, resource: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", scope), ("resource", resource)];
        let response = self.post("/token", client, &form);
        let token = response.json()["access_token"].as_str().map(str::to_owned);
        let token = token.unwrap_or_else(|| panic!("no token: {}", response.json()));
        secrecy::register(&token);
        token
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
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields.extend_pairs(form).append_pair("client_id", &client.id);
        if client.auth == "client_secret_post" {
            fields.append_pair("client_secret", &client.secret);
        }
        let mut request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("host", format!("127.0.0.1:{}", self.port))
            .body(fields.finish());
        if client.auth == "client_secret_basic" {
            request = request.header("authorization", basic(client));
        }
        request.send(self.port)
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn basic(client: &Client) -> String {
    use base64::Engine;
    let credentials = format!("{}:{}", client.id, client.secret);
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}
