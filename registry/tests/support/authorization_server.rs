//! An authorization server that knows all its clients: it registers them (RFC 7591), has them read, changed and deleted
//! by registration tokens that it exchanges each time (RFC 7592), gives them tokens, and says whose those are (RFC 7662).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::scripted::{Asked, Scripted, ScriptedServer};

/// What is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Register,
    Read,
    Update,
    Delete,
    Token,
    Introspect,
}

/// When somebody may get in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request is there; nothing is done.
    Asked,
    /// It is done; nobody knows.
    Done,
}

/// A client as it is there.
#[derive(Clone, Debug)]
pub struct Registered {
    pub name: String,
    pub secret: String,
    /// The one that is good now.
    token: String,
    /// The one before, if there was one.
    former: Option<String>,
    pub metadata: Value,
}

/// What it knows.
#[derive(Default)]
pub struct Books {
    pub clients: BTreeMap<String, Registered>,
    pub deleted: BTreeSet<String>,
    /// Calls of each operation.
    pub calls: BTreeMap<Operation, u64>,
    /// Registrations that run at once: now, and at most ever.
    running: usize,
    pub most: usize,
    /// What nobody who has lost nothing would ask.
    pub wrong: Vec<String>,
    /// Clients that somebody has asked about with the token before: the answer with the other has not come to him.
    pub lost: BTreeSet<String>,
    tokens: BTreeMap<String, String>,
    made: u64,
}

/// May answer in its place.
pub type Between = dyn Fn(Operation, Moment) -> Option<Scripted> + Send + Sync;

pub struct AuthorizationServer {
    pub url: String,
    books: Arc<Mutex<Books>>,
}

impl AuthorizationServer {
    pub fn start(between: impl Fn(Operation, Moment) -> Option<Scripted> + Send + Sync + 'static) -> Self {
        let books = Arc::<Mutex<Books>>::default();
        let kept = Arc::clone(&books);
        let server = ScriptedServer::start(move |asked, _| answered(&kept, &between, asked));
        Self { url: server.url, books }
    }

    pub fn books<T>(&self, look: impl FnOnce(&Books) -> T) -> T {
        look(&self.books.lock().unwrap())
    }

    pub fn calls(&self, operation: Operation) -> u64 {
        self.books(|books| books.calls.get(&operation).copied().unwrap_or_default())
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.books(|books| books.clients.keys().cloned().collect())
    }

    /// Whether these get a token, and one that is theirs.
    pub fn lets_in(&self, client_id: &str, secret: &str) -> bool {
        self.books(|books| books.clients.get(client_id).is_some_and(|client| client.secret == secret))
    }
}

fn operation(asked: &Asked) -> Option<Operation> {
    Some(match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/reg") => Operation::Register,
        ("GET", path) if path.starts_with("/reg/") => Operation::Read,
        ("PUT", path) if path.starts_with("/reg/") => Operation::Update,
        ("DELETE", path) if path.starts_with("/reg/") => Operation::Delete,
        ("POST", "/token") => Operation::Token,
        ("POST", "/introspect") => Operation::Introspect,
        _ => return None,
    })
}

fn answered(books: &Mutex<Books>, between: &Between, asked: &Asked) -> Scripted {
    // Whoever stands before it has another address.
    let url = format!("http://{}", asked.header("host").unwrap());
    let Some(operation) = operation(asked) else { return metadata(asked, &url) };
    *books.lock().unwrap().calls.entry(operation).or_default() += 1;
    let _running = (operation == Operation::Register).then(|| Running::of(books));
    if let Some(answer) = between(operation, Moment::Asked) {
        return answer;
    }
    let answer = books.lock().unwrap().answer(operation, asked, &url);
    between(operation, Moment::Done).unwrap_or(answer)
}

fn metadata(asked: &Asked, url: &str) -> Scripted {
    if asked.path != "/.well-known/openid-configuration" {
        return Scripted::text(404, "");
    }
    let at = |path: &str| format!("{url}/{path}");
    Scripted::json(
        200,
        &json!({"issuer": url, "registration_endpoint": at("reg"), "token_endpoint": at("token"),
            "introspection_endpoint": at("introspect"), "jwks_uri": at("jwks")}),
    )
}

/// A registration, as long as it is answered.
struct Running<'a>(&'a Mutex<Books>);

impl<'a> Running<'a> {
    fn of(books: &'a Mutex<Books>) -> Self {
        let mut now = books.lock().unwrap();
        now.running += 1;
        now.most = now.most.max(now.running);
        drop(now);
        Self(books)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().running -= 1;
    }
}

impl Books {
    fn answer(&mut self, operation: Operation, asked: &Asked, url: &str) -> Scripted {
        match operation {
            Operation::Register => self.register(&asked.json(), url),
            Operation::Token => self.token(asked),
            Operation::Introspect => Scripted::json(200, &self.introspect(asked, url)),
            Operation::Read | Operation::Update | Operation::Delete => self.manage(operation, asked, url),
        }
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn register(&mut self, metadata: &Value, url: &str) -> Scripted {
        let number = self.next();
        let client = Registered {
            name: metadata["client_name"].as_str().unwrap().to_owned(),
            secret: format!("secret-{number}"),
            token: format!("registration-{number}"),
            former: None,
            metadata: metadata.clone(),
        };
        let id = format!("client-{number}");
        let answer = shown(&client, &id, url);
        self.clients.insert(id, client);
        Scripted::json(201, &answer)
    }

    /// With a token that is good from now on, in the place of the one that was shown.
    fn manage(&mut self, operation: Operation, asked: &Asked, url: &str) -> Scripted {
        let id = asked.path.trim_start_matches("/reg/").to_owned();
        let number = self.next();
        let Some(client) = self.clients.get_mut(&id) else { return Scripted::text(401, "") };
        let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if token != Some(client.token.as_str()) {
            if token.is_some() && token == client.former.as_deref() {
                self.lost.insert(id);
            } else {
                self.wrong.push(format!("{operation:?} of {id} with another token"));
            }
            return Scripted::text(401, "");
        }
        if operation == Operation::Delete {
            self.clients.remove(&id);
            self.deleted.insert(id);
            return Scripted::text(204, "");
        }
        client.former = Some(std::mem::replace(&mut client.token, format!("registration-{number}")));
        if operation == Operation::Update {
            client.metadata = asked.json();
        }
        Scripted::json(200, &shown(client, &id, url))
    }

    fn token(&mut self, asked: &Asked) -> Scripted {
        let refused = || Scripted::json(401, &json!({"error": "invalid_client"}));
        let basic = asked.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let pair = basic.and_then(|basic| String::from_utf8(STANDARD.decode(basic).ok()?).ok());
        let Some((id, secret)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else { return refused() };
        if self.clients.get(id).is_none_or(|client| client.secret != secret) {
            self.wrong.push(format!("a token for {id} with {secret}"));
            return refused();
        }
        let token = format!("access-{}", self.next());
        self.tokens.insert(token.clone(), id.to_owned());
        Scripted::json(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": 600}))
    }

    fn introspect(&self, asked: &Asked, url: &str) -> Value {
        let id = asked.field("token").and_then(|token| self.tokens.get(&token).cloned());
        match id.and_then(|id| Some((self.clients.get(&id)?, id))) {
            Some((client, id)) => {
                json!({"active": true, "iss": url, "client_id": id, "scope": client.metadata["scope"]})
            }
            None => json!({"active": false}),
        }
    }
}

fn shown(client: &Registered, id: &str, url: &str) -> Value {
    let mut answer = client.metadata.clone();
    answer["client_id"] = json!(id);
    answer["client_secret"] = json!(client.secret);
    answer["client_secret_expires_at"] = json!(0);
    answer["registration_client_uri"] = json!(format!("{url}/reg/{id}"));
    answer["registration_access_token"] = json!(client.token);
    answer
}
