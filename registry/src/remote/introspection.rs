//! Asking an authorization server what a token is (RFC 7662).

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::domain::provider::EndpointAuth;
use crate::http::json;
use crate::remote::fetch::answer;
use crate::remote::form::{basic, post};

/// Where and as whom it is asked.
pub struct Introspector<'a> {
    pub client: &'a Client,
    pub endpoint: &'a str,
    pub id: &'a str,
    pub secret: &'a SecretString,
    pub auth: EndpointAuth,
}

impl Introspector<'_> {
    /// The request about a token.
    pub fn request(&self, token: &str) -> RequestBuilder {
        let mut fields = vec![("token", token), ("token_type_hint", "access_token")];
        if self.auth == EndpointAuth::ClientSecretPost {
            fields.extend([("client_id", self.id), ("client_secret", self.secret.expose_secret())]);
        }
        let request = post(self.client, self.endpoint, fields);
        match self.auth {
            EndpointAuth::ClientSecretBasic => basic(request, self.id, self.secret),
            EndpointAuth::ClientSecretPost => request,
        }
    }

    /// What the server says of a token; `None` of one that is not active.
    ///
    /// # Errors
    /// It did not say; the text is for the log.
    pub async fn ask(&self, token: &str) -> Result<Option<Map<String, Value>>, String> {
        let url = self.endpoint;
        match answer(self.request(token)).await? {
            (200, body) => match json::read(&body) {
                Ok(Value::Object(claims)) => Ok(active(claims)),
                _ => Err(format!("{url}: not a JSON object")),
            },
            (status, _) => Err(format!("{url}: status {status}")),
        }
    }
}

/// An answer that says that the token is active, and nothing else does.
pub fn active(claims: Map<String, Value>) -> Option<Map<String, Value>> {
    (claims.get("active") == Some(&Value::Bool(true))).then_some(claims)
}
