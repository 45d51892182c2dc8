//! What tests say to a worker again and again: requests with a bearer token, answers about it, what was counted.

use crate::host::{Callout, Outcome, StreamId, Worker};
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than any time to the next tick, at which counts go to the host.
pub const A_TICK: Duration = Duration::from_millis(300);

/// How long a token whose question failed is not asked about again.
pub const A_PAUSE: Duration = Duration::from_secs(1);

/// The answer about an active token with these further members.
pub fn active(members: Value) -> String {
    let mut answer = json!({"active": true});
    if let (Some(answer), Value::Object(members)) = (answer.as_object_mut(), members) {
        answer.extend(members);
    }
    answer.to_string()
}

/// The answer about an inactive token.
pub const INACTIVE: &str = r#"{"active":false}"#;

impl Worker {
    /// A request with this bearer token.
    pub fn bearer(&self, token: &str) -> StreamId {
        self.request(&[("authorization", format!("Bearer {token}"))])
    }

    /// A request whose token is answered for without a callout.
    #[track_caller]
    pub fn known(&self, token: &str) -> Outcome {
        let sent = self.sent_callouts().len();
        let outcome = self.exchange(&[("authorization", format!("Bearer {token}"))]);
        assert_ne!(outcome, Outcome::Paused, "{token} is asked about");
        assert!(self.callouts().is_empty() && self.sent_callouts().len() == sent, "{token} is asked about");
        outcome
    }

    /// A request whose token has to be asked about; the answer is this one.
    #[track_caller]
    pub fn asked(&self, token: &str, answer: &str) -> Outcome {
        let stream = self.bearer(token);
        assert_eq!(self.outcome(stream), Outcome::Paused, "{token} is not asked about");
        self.answer_json(self.callout().id, answer);
        let outcome = self.outcome(stream);
        self.hang_up(stream);
        outcome
    }

    /// The outcome that access logs see.
    pub fn outcome_property(&self, stream: StreamId) -> Option<String> {
        self.property(stream, "tessera.outcome").map(|name| String::from_utf8_lossy(&name).into_owned())
    }
}

impl Callout {
    /// The token that it asks about.
    pub fn token(&self) -> String {
        self.field("token").unwrap_or_default()
    }

    /// A field of the form that it sends, decoded.
    pub fn field(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(&self.body).find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
    }
}

impl Outcome {
    /// Whether the request went on to the upstream.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Continued(_))
    }

    /// The status of the filter's reply, if it replied.
    pub fn status(&self) -> Option<u32> {
        match self {
            Self::Replied(reply) => Some(reply.status),
            _ => None,
        }
    }

    /// A member of the reply's JSON body.
    #[track_caller]
    pub fn error(&self) -> String {
        let body: Value = serde_json::from_slice(&self.reply().body).expect("a JSON body");
        body["error"].as_str().expect("an error code").to_owned()
    }
}
