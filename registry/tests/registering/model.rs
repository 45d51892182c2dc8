//! An authorization server that knows all its clients, and answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tessera_registry::domain::provider::Management;
use tessera_registry::domain::registration::name_marker;
use tessera_registry::domain::time::Time;
use tessera_registry::use_case::open_provider::OpenProvider;
use tessera_registry::use_case::ports::{Proof, ProofJudge};
use tessera_registry::use_case::registrar::{Called, ClientCredentials, Failure, Issued, Managed, Registrar};

/// How the next call ends; as it should when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Usual,
    Refused,
    NotDone(Option<u64>),
    /// What authorizes the registration is good for nothing.
    Denied,
    /// The answer is lost; what was asked is done.
    LostAfter,
    /// The request is lost.
    LostBefore,
    /// The client has a scope more, or one less.
    Wider,
    Fewer,
}

#[derive(Default)]
pub struct Model {
    pub clients: Mutex<BTreeMap<String, Map<String, Value>>>,
    ends: Mutex<VecDeque<End>>,
    made: Mutex<u64>,
    /// One-time tokens, in their order.
    shown: Mutex<Vec<String>>,
    /// How often the registration token of a client was exchanged, and its secret.
    exchanged: Mutex<BTreeMap<String, (u64, u64)>>,
    /// Whether a change exchanges the secret, too.
    pub new_secrets: Mutex<bool>,
    /// When the secrets that it gives expire.
    pub expires_at: Mutex<Option<Time>>,
    /// Calls about clients that are there.
    pub calls: Mutex<Vec<&'static str>>,
    /// Whether tokens are given to nobody.
    pub is_deaf: Mutex<bool>,
}

impl Model {
    pub fn ends(&self, ends: &[End]) {
        self.ends.lock().unwrap().extend(ends);
    }

    fn next(&self) -> End {
        self.ends.lock().unwrap().pop_front().unwrap_or(End::Usual)
    }

    pub fn ids(&self) -> Vec<String> {
        self.clients.lock().unwrap().keys().cloned().collect()
    }

    pub fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap().clone()
    }

    /// Ids, with the names under which they were registered.
    pub fn names(&self) -> Vec<(String, String)> {
        let name = |metadata: &Map<String, Value>| metadata["client_name"].as_str().unwrap().to_owned();
        self.clients.lock().unwrap().iter().map(|(id, metadata)| (id.clone(), name(metadata))).collect()
    }

    fn make(&self, metadata: &Map<String, Value>) -> Issued {
        let number = {
            let mut made = self.made.lock().unwrap();
            *made += 1;
            *made
        };
        let client_id = format!("client-{number}");
        self.clients.lock().unwrap().insert(client_id.clone(), metadata.clone());
        self.issued(&client_id)
    }

    /// What is said of a client, with its token and its secret as they are now.
    fn issued(&self, client_id: &str) -> Issued {
        Issued {
            managed: Managed {
                uri: Some(format!("https://idp.example/register/{client_id}")),
                token: Some(SecretString::from(self.token_of(client_id))),
                client_id: client_id.to_owned(),
            },
            secret: Some(SecretString::from(self.secret_of(client_id))),
            secret_expires_at: *self.expires_at.lock().unwrap(),
            metadata: self.clients.lock().unwrap()[client_id].clone(),
        }
    }

    fn numbered(text: &str, client_id: &str, number: u64) -> String {
        if number == 0 { format!("{text}-of-{client_id}") } else { format!("{text}-of-{client_id}-{number}") }
    }

    pub fn token_of(&self, client_id: &str) -> String {
        let number = self.exchanged.lock().unwrap().get(client_id).map_or(0, |(tokens, _)| *tokens);
        Self::numbered("token", client_id, number)
    }

    pub fn secret_of(&self, client_id: &str) -> String {
        let number = self.exchanged.lock().unwrap().get(client_id).map_or(0, |(_, secrets)| *secrets);
        Self::numbered("secret", client_id, number)
    }

    /// Whether whoever calls may: the registry by its own credential, else by the client's token.
    fn lets(&self, provider: &OpenProvider, managed: &Managed) -> bool {
        let by = provider.provider.registration.as_ref().unwrap().management;
        let token = managed.token.as_ref().map(|token| token.expose_secret().to_owned());
        by == Management::Credential
            || self.ids().contains(&managed.client_id) && token == Some(self.token_of(&managed.client_id))
    }

    /// The registrar does not call without a token where it takes one.
    fn lacks(provider: &OpenProvider, managed: &Managed) -> bool {
        let by = provider.provider.registration.as_ref().unwrap().management;
        by == Management::RegistrationToken && managed.token.is_none()
    }

    /// A change as a server of RFC 7592 does it that exchanges tokens.
    fn change(&self, managed: &Managed, metadata: &Map<String, Value>) {
        let mut metadata = metadata.clone();
        metadata.remove("client_id");
        self.clients.lock().unwrap().insert(managed.client_id.clone(), metadata);
        let mut exchanged = self.exchanged.lock().unwrap();
        let (tokens, secrets) = exchanged.entry(managed.client_id.clone()).or_default();
        *tokens += 1;
        *secrets += u64::from(*self.new_secrets.lock().unwrap());
    }
}

pub fn failure(status: Option<u16>, error: &str) -> Failure {
    let (error, description) = (Some(error.to_owned()), Some("so it says".to_owned()));
    Failure { status, error, description, client_id: None }
}

#[async_trait]
impl Registrar for Model {
    async fn register(
        &self,
        _: &OpenProvider,
        one_time: Option<SecretString>,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        self.shown.lock().unwrap().extend(one_time.map(|token| token.expose_secret().to_owned()));
        match self.next() {
            End::Denied => Called::NotDone(failure(Some(401), "invalid_token"), None),
            End::Refused => Called::Refused(failure(Some(400), "invalid_client_metadata")),
            End::NotDone(after) => Called::NotDone(failure(Some(503), "away"), after.map(Duration::from_secs)),
            End::LostBefore => Called::Unknown(failure(None, "timeout")),
            End::LostAfter => {
                self.make(metadata);
                Called::Unknown(failure(None, "timeout"))
            }
            end => {
                let mut issued = self.make(metadata);
                let scope = match end {
                    End::Wider => "a b c",
                    End::Fewer => "a",
                    _ => return Called::Done(issued),
                };
                issued.metadata.insert("scope".into(), json!(scope));
                Called::Done(issued)
            }
        }
    }

    async fn read(&self, provider: &OpenProvider, managed: &Managed) -> Called<Issued> {
        if Self::lacks(provider, managed) {
            return Called::Refused(failure(None, "no_credential"));
        }
        self.calls.lock().unwrap().push("read");
        match self.next() {
            End::Refused => return Called::Refused(failure(Some(405), "not_allowed")),
            End::NotDone(after) => return Called::NotDone(failure(Some(503), "away"), after.map(Duration::from_secs)),
            End::LostBefore | End::LostAfter => return Called::Unknown(failure(None, "timeout")),
            _ => {}
        }
        if !self.lets(provider, managed) {
            return Called::NotDone(failure(Some(401), "invalid_token"), None);
        }
        Called::Done(self.issued(&managed.client_id))
    }

    async fn update(
        &self,
        provider: &OpenProvider,
        managed: &Managed,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        if Self::lacks(provider, managed) {
            return Called::Refused(failure(None, "no_credential"));
        }
        self.calls.lock().unwrap().push("update");
        let end = self.next();
        match end {
            End::Refused => return Called::Refused(failure(Some(400), "invalid_client_metadata")),
            End::NotDone(after) => return Called::NotDone(failure(Some(503), "away"), after.map(Duration::from_secs)),
            End::LostBefore => return Called::Unknown(failure(None, "timeout")),
            _ => {}
        }
        if !self.lets(provider, managed) {
            return Called::NotDone(failure(Some(401), "invalid_token"), None);
        }
        if !self.ids().contains(&managed.client_id) {
            return Called::Refused(failure(Some(404), "not_found"));
        }
        let mut metadata = metadata.clone();
        match end {
            End::Wider => drop(metadata.insert("scope".into(), json!("a b c"))),
            End::Fewer => drop(metadata.insert("scope".into(), json!(""))),
            _ => {}
        }
        self.change(managed, &metadata);
        if end == End::LostAfter {
            return Called::Unknown(failure(None, "timeout"));
        }
        Called::Done(self.issued(&managed.client_id))
    }

    async fn delete(&self, provider: &OpenProvider, managed: &Managed) -> Called<()> {
        if Self::lacks(provider, managed) {
            return Called::Refused(failure(None, "no_credential"));
        }
        self.calls.lock().unwrap().push("delete");
        match self.next() {
            End::Refused => return Called::Refused(failure(Some(400), "invalid_request")),
            End::NotDone(after) => return Called::NotDone(failure(Some(503), "away"), after.map(Duration::from_secs)),
            End::LostBefore => return Called::Unknown(failure(None, "timeout")),
            _ => {}
        }
        // What is nobody's is gone, as the registry takes it (RFC 7592, 2.3).
        if !self.lets(provider, managed) {
            return Called::Done(());
        }
        self.clients.lock().unwrap().remove(&managed.client_id);
        Called::Done(())
    }

    async fn find(&self, _: &OpenProvider, marker: &str) -> Called<Vec<String>> {
        let end = name_marker(marker);
        let clients = self.clients.lock().unwrap();
        let is_so = |metadata: &Map<String, Value>| metadata["client_name"].as_str().unwrap().ends_with(&end);
        Called::Done(clients.iter().filter(|(_, metadata)| is_so(metadata)).map(|(id, _)| id.clone()).collect())
    }

    async fn token(&self, _: &OpenProvider, of: &ClientCredentials, _: &[String]) -> Called<SecretString> {
        let secret = of.secret.as_ref().unwrap().expose_secret();
        let is_known = self.clients.lock().unwrap().contains_key(&of.client_id);
        if *self.is_deaf.lock().unwrap() || !is_known || *secret != self.secret_of(&of.client_id) {
            return Called::NotDone(failure(Some(401), "invalid_client"), None);
        }
        Called::Done(SecretString::from(format!("access-{}", of.client_id)))
    }
}

#[async_trait]
impl ProofJudge for Model {
    async fn judge(&self, _: &OpenProvider, access_token: &str) -> Proof {
        let client_id = access_token.strip_prefix("access-").unwrap().to_owned();
        Proof::Of { client_id, scopes: Some(vec!["a".to_owned()]) }
    }
}
