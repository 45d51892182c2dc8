//! An authorization server that knows all its clients, and answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tessera_registry::domain::registration::name_marker;
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

    fn make(&self, metadata: &Map<String, Value>) -> Issued {
        let number = {
            let mut made = self.made.lock().unwrap();
            *made += 1;
            *made
        };
        let client_id = format!("client-{number}");
        self.clients.lock().unwrap().insert(client_id.clone(), metadata.clone());
        Issued {
            managed: Managed {
                uri: Some(format!("https://idp.example/register/{client_id}")),
                token: Some(SecretString::from(format!("token-of-{client_id}"))),
                client_id: client_id.clone(),
            },
            secret: Some(SecretString::from(format!("secret-of-{client_id}"))),
            secret_expires_at: None,
            metadata: metadata.clone(),
        }
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

    async fn read(&self, _: &OpenProvider, _: &Managed) -> Called<Issued> {
        Called::Refused(failure(Some(405), "not_allowed"))
    }

    async fn update(&self, _: &OpenProvider, _: &Managed, _: &Map<String, Value>) -> Called<Issued> {
        Called::Refused(failure(Some(405), "not_allowed"))
    }

    async fn delete(&self, _: &OpenProvider, managed: &Managed) -> Called<()> {
        match self.next() {
            End::Refused => return Called::Refused(failure(Some(400), "invalid_request")),
            End::NotDone(after) => return Called::NotDone(failure(Some(503), "away"), after.map(Duration::from_secs)),
            End::LostBefore => return Called::Unknown(failure(None, "timeout")),
            _ => {}
        }
        if let Some(token) = &managed.token {
            assert_eq!(token.expose_secret(), format!("token-of-{}", managed.client_id), "another client's token");
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
        if *self.is_deaf.lock().unwrap() || !is_known || *secret != format!("secret-of-{}", of.client_id) {
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
