//! A stand-in for Microsoft Graph and the token endpoint of a tenant: what it has made is known to its replicas only after
//! some questions, it throttles, it deletes softly. Entra ID itself was not at hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::scripted::{Asked, Scripted, ScriptedServer};
use crate::signing::{Key, LATER};

pub const TENANT: &str = "8b0d";
pub const REGISTRY: (&str, &str) = ("registry-app", "the registry's secret");

#[derive(Default)]
pub struct State {
    /// By unique name.
    pub applications: BTreeMap<String, Application>,
    pub deleted: Vec<String>,
    made: usize,
    /// So many questions about what was made are answered as if it were not.
    pub lag: usize,
    /// What the next calls of Graph are answered instead, the last first.
    pub instead: Vec<Scripted>,
    /// Calls with this word in their path are carried out, and their answer is lost.
    pub loses: Option<&'static str>,
    key: Option<Key>,
}

/// A secret of an application, as it was added.
#[derive(Clone, Debug)]
pub struct Password {
    pub key_id: String,
    pub name: String,
    pub secret: String,
}

#[derive(Clone, Debug, Default)]
pub struct Application {
    pub app_id: String,
    pub name: String,
    pub has_principal: bool,
    /// Those that were added first, first.
    pub secrets: Vec<Password>,
    lag: usize,
}

pub struct StandIn {
    pub server: ScriptedServer,
    pub state: Arc<Mutex<State>>,
}

impl StandIn {
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        state.lock().unwrap().key = Some(Key::new());
        let own = Arc::clone(&state);
        let server = ScriptedServer::start(move |asked, url| own.lock().unwrap().answer(asked, url));
        Self { server, state }
    }

    pub fn issuer(&self) -> String {
        format!("{}/{TENANT}/v2.0", self.server.url)
    }

    pub fn applications(&self) -> Vec<Application> {
        self.state.lock().unwrap().applications.values().cloned().collect()
    }
}

impl Application {
    fn add_password(&mut self, body: &Value, (number, lag): (usize, usize)) -> Scripted {
        if self.lag > 0 {
            self.lag -= 1;
            return error(404, "Request_ResourceNotFound", None);
        }
        let (key_id, secret) = (format!("key-{number}"), format!("secret-of-application-{number}"));
        let name = body["passwordCredential"]["displayName"].as_str().unwrap_or_default().to_owned();
        self.secrets.push(Password { key_id: key_id.clone(), name, secret: secret.clone() });
        self.lag = lag;
        let until = &body["passwordCredential"]["endDateTime"];
        Scripted::json(200, &json!({"keyId": key_id, "secretText": secret, "endDateTime": until, "hint": "sec"}))
    }
}

fn error(status: u16, code: &str, inner: Option<&str>) -> Scripted {
    let details: Vec<Value> = inner.iter().map(|code| json!({"code": code, "target": "appId"})).collect();
    let body = json!({"error": {"code": code, "message": format!("{code} happened"), "details": details}});
    Scripted::json(status, &body)
}

fn no_token(status: u16, error: &str, code: u32) -> Scripted {
    let description = format!("AADSTS{code}: it is not so. Trace ID: 1");
    Scripted::json(status, &json!({"error": error, "error_description": description, "error_codes": [code]}))
}

impl State {
    fn answer(&mut self, asked: &Asked, url: &str) -> Scripted {
        let issuer = format!("{url}/{TENANT}/v2.0");
        match asked.path.strip_prefix(&format!("/{TENANT}")) {
            Some("/oauth2/v2.0/token") => return self.token(asked, &issuer),
            Some("/v2.0/.well-known/openid-configuration") => {
                let metadata = json!({"issuer": issuer, "jwks_uri": format!("{url}/{TENANT}/keys")});
                return Scripted::json(200, &metadata);
            }
            Some("/keys") => {
                let keys: Vec<Value> = self.key.iter().map(|key| key.jwk("k1")).collect();
                return Scripted::json(200, &json!({"keys": keys}));
            }
            _ => {}
        }
        if asked.header("authorization") != Some("Bearer graph-token") {
            return error(401, "InvalidAuthenticationToken", None);
        }
        if let Some(instead) = self.instead.pop() {
            return instead;
        }
        let answer = self.graph(asked);
        match self.loses {
            Some(word) if asked.path.contains(word) => Scripted::Closed,
            _ => answer,
        }
    }

    fn token(&mut self, asked: &Asked, issuer: &str) -> Scripted {
        let field = |name: &str| asked.field(name).unwrap_or_default();
        let (id, secret) = (field("client_id"), field("client_secret"));
        if (id.as_str(), secret.as_str()) == REGISTRY && field("scope").ends_with("/.default") {
            return Scripted::json(
                200,
                &json!({"access_token": "graph-token", "token_type": "Bearer", "expires_in": 3599}),
            );
        }
        let Some(application) = self.applications.values_mut().find(|application| application.app_id == id) else {
            return no_token(400, "unauthorized_client", 700_016);
        };
        if application.lag > 0 {
            application.lag -= 1;
            return no_token(401, "invalid_client", 7_000_215);
        }
        if !application.has_principal {
            return no_token(401, "invalid_client", 7_000_229);
        }
        if !application.secrets.iter().any(|known| known.secret == secret) {
            return no_token(401, "invalid_client", 7_000_215);
        }
        let (scope, header) = (field("scope"), json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}));
        let audience = scope.trim_end_matches("/.default");
        let claims = json!({"iss": issuer, "aud": audience, "azp": id, "sub": "principal", "ver": "2.0", "exp": LATER});
        let token = self.key.as_ref().map(|key| key.token(&header, &claims));
        Scripted::json(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": 3599}))
    }

    fn graph(&mut self, asked: &Asked) -> Scripted {
        let path = asked.path.strip_prefix("/v1.0/").unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = asked.json();
        if path == "servicePrincipals" && asked.method == "POST" {
            return self.principal(body["appId"].as_str().unwrap_or_default());
        }
        if let Some(name) = quoted(path, "applications(uniqueName='") {
            return self.by_name(asked, name.0, &body);
        }
        let Some((app_id, action)) = quoted(path, "applications(appId='") else {
            return error(404, "Request_ResourceNotFound", None);
        };
        let known = self.applications.iter_mut().find(|(_, application)| application.app_id == app_id);
        let Some((unique_name, application)) = known else { return error(404, "Request_ResourceNotFound", None) };
        match (asked.method.as_str(), action) {
            ("GET", "") if application.lag > 0 => {
                // A replica that does not know the latest secret.
                application.lag -= 1;
                let mut behind = application.clone();
                behind.secrets.pop();
                Scripted::json(200, &shown(unique_name, &behind))
            }
            ("GET", "") if query.contains("$select=") => Scripted::json(200, &shown(unique_name, application)),
            ("DELETE", "") => {
                let name = unique_name.clone();
                self.applications.remove(&name);
                self.deleted.push(name);
                Scripted::text(204, "")
            }
            ("POST", "/addPassword") => {
                self.made += 1;
                application.add_password(&body, (self.made, self.lag))
            }
            ("POST", "/removePassword") => {
                let before = application.secrets.len();
                application.secrets.retain(|known| Some(known.key_id.as_str()) != body["keyId"].as_str());
                match application.secrets.len() {
                    after if after < before => Scripted::text(204, ""),
                    _ => error(404, "Request_ResourceNotFound", None),
                }
            }
            _ => error(405, "Request_BadRequest", None),
        }
    }

    fn by_name(&mut self, asked: &Asked, name: &str, body: &Value) -> Scripted {
        let display = body["displayName"].as_str().unwrap_or_default().to_owned();
        match (asked.method.as_str(), self.applications.get_mut(name)) {
            ("PATCH", Some(known)) => {
                known.name = display;
                Scripted::text(204, "")
            }
            ("PATCH", None) if asked.header("prefer") == Some("create-if-missing") => {
                self.made += 1;
                let app_id = format!("00000000-0000-0000-0000-{:012}", self.made);
                let made = Application { app_id, name: display, lag: self.lag, ..Application::default() };
                let shown = shown(name, &made);
                self.applications.insert(name.to_owned(), made);
                Scripted::json(201, &shown)
            }
            ("GET", Some(known)) if known.lag == 0 => Scripted::json(200, &shown(name, known)),
            ("GET", Some(known)) => {
                known.lag -= 1;
                error(404, "Request_ResourceNotFound", None)
            }
            _ => error(404, "Request_ResourceNotFound", None),
        }
    }

    fn principal(&mut self, app_id: &str) -> Scripted {
        match self.applications.values_mut().find(|known| known.app_id == app_id) {
            Some(known) if known.lag > 0 => {
                known.lag -= 1;
                error(400, "Request_BadRequest", Some("NoBackingApplicationObject"))
            }
            Some(known) if known.has_principal => error(409, "Request_MultipleObjectsWithSameKeyValue", None),
            Some(known) => {
                known.has_principal = true;
                Scripted::json(201, &json!({"appId": app_id}))
            }
            None => error(400, "Request_BadRequest", Some("NoBackingApplicationObject")),
        }
    }
}

fn shown(unique_name: &str, application: &Application) -> Value {
    let hidden = |known: &Password| json!({"keyId": known.key_id, "displayName": known.name, "secretText": null});
    let secrets: Vec<Value> = application.secrets.iter().map(hidden).collect();
    json!({
        "id": "object", "appId": application.app_id, "displayName": application.name, "uniqueName": unique_name,
        "passwordCredentials": secrets,
    })
}

/// The name in quotes, and what follows it.
fn quoted<'a>(path: &'a str, before: &str) -> Option<(&'a str, &'a str)> {
    path.strip_prefix(before)?.split_once("')")
}
