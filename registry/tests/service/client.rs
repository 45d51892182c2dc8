//! Who calls the service over HTTP.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

use crate::gateway::Known;
use crate::place::PATIENCE;

/// More than the longest poll.
const WITHIN: Duration = Duration::from_secs(90);

/// A caller of the administration API.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    pub token: String,
}

/// Status, headers and text.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

pub fn http() -> reqwest::Client {
    // Another one is installed already only if it is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(WITHIN).build().unwrap()
}

/// The answer to a request, if there is one.
pub async fn sent(request: reqwest::RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Some(Answer { status, headers, text: response.text().await.ok()? })
}

impl Client {
    pub fn new(url: &str, token: &str) -> Self {
        Self { http: http(), base: format!("{url}/api/v1"), token: token.to_owned() }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.base);
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token).header("if-match", "*");
        match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            None => request,
        }
    }

    /// The answer, where the service must give one.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        sent(self.request(method, path, body)).await.unwrap_or_else(|| panic!("{method} {path}: no answer"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// What there is, once the service can tell: on a machine that does much else that may take longer than it has patience.
    pub async fn there(&self, path: &str) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path).await;
            if answer.status == 200 {
                return answer;
            }
            assert!(answer.status == 503 && Instant::now() < deadline, "{path}: {answer:?}");
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    /// The id of what is made.
    pub async fn make(&self, path: &str, body: Value) -> String {
        self.post(path, &body).await.id()
    }

    /// All items of a list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let (mut items, mut next) = (Vec::new(), format!("{path}?limit=200"));
        loop {
            let answer = self.there(&next).await;
            items.extend(answer.json()["items"].as_array().unwrap().iter().cloned());
            let link = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
            let Some(link) = link else { return items };
            next = link.strip_prefix("</api/v1").unwrap().split_once('>').unwrap().0.to_owned();
        }
    }

    /// An environment with an API of two tiers, and a provider.
    pub async fn found(&self) {
        for (path, body) in [
            ("/groups", json!({"id": "team"})),
            ("/environments", json!({"id": "prod"})),
            ("/environments", json!({"id": "test"})),
            ("/providers", json!({"id": "main", "kind": "manual"})),
            ("/providers", json!({"id": "other", "kind": "manual"})),
            ("/apis", json!({"environment": "prod", "id": "orders", "group": "team", "title": "Orders"})),
            ("/apis/prod/orders/tiers", json!({"id": "gold", "approval": "automatic"})),
            ("/apis/prod/orders/tiers", json!({"id": "silver", "approval": "automatic"})),
        ] {
            self.make(path, body).await;
        }
    }

    /// An application with a live client and an active contract; its id and the contract's.
    pub async fn contract(&self, name: &str) -> (String, String) {
        let application = self.make("/applications", json!({"group": "team", "name": name})).await;
        let clients = format!("/applications/{application}/clients");
        self.make(&clients, json!({"provider": "main", "client_id": name})).await;
        let body = json!({"environment": "prod", "api": "orders", "application": application, "tier": "gold"});
        let contract = self.post("/contracts", &body).await;
        assert_eq!(contract.json()["status"], "active", "{contract:?}");
        (application, contract.id())
    }

    /// The token of a new gateway.
    pub async fn gateway(&self, title: &str) -> String {
        let gateway = self.make("/gateways", json!({"environment": "prod", "title": title})).await;
        let made = self.post(&format!("/gateways/{gateway}/tokens"), &json!({})).await;
        made.json()["token"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned()
    }

    /// What the feed has to tell, where each application has one client, with its name.
    pub async fn served(&self) -> Known {
        let contracts = self.list("/contracts").await;
        let text = |contract: &Value, member: &str| contract[member].as_str().unwrap().to_owned();
        let served =
            contracts.iter().filter(|contract| ["active", "suspended"].map(Value::from).contains(&contract["status"]));
        served.map(|contract| (text(contract, "name"), text(contract, "status"))).collect()
    }
}
