//! Why a request is judged as it is, ready to be shown.

use super::check::{Check, Passing};
use super::request::Request;
use super::secrecy::Secrets;
use super::trace::Trace;
use super::upstream::Upstream;
use serde_json::{Map, Value, json};
use tessera_core::engine::about;
use tessera_core::engine::effect::Verdict;
use tessera_core::engine::settings::Settings;
use tessera_core::outcome::Outcome;
use tessera_core::reply::Reply;

/// The verdict on a request, and how it came about. Nothing secret is in it.
#[derive(Debug)]
pub struct Explanation {
    /// `None`: what decides is not known.
    pub outcome: Option<Outcome>,
    pub checks: Vec<Check>,
    pub api: Option<String>,
    pub operation: Option<usize>,
    pub provider: Option<String>,
    pub client_id: Option<String>,
    /// The digits that name the token.
    pub token: Option<String>,
    pub reply: Option<Reply>,
    pub upstream: Option<Upstream>,
    /// What was asked for.
    pub request: String,
}

impl Explanation {
    /// What is to be told of a trace that has come to this end.
    pub fn of(trace: &Trace<'_, '_>, outcome: Option<Outcome>, token: Option<&[u8]>) -> Self {
        let verdict = trace.drive.ending.as_ref().map(|ending| &ending.verdict).filter(|_| outcome.is_some());
        let settings: &Settings = &trace.settings;
        let reply = verdict.and_then(|verdict| match verdict {
            Verdict::Describe(reply) => Some(reply.clone()),
            Verdict::Refuse(refusal, _) => Some(settings.replies.reply(refusal)),
            Verdict::Admit(_) | Verdict::AdmitWithout(..) | Verdict::AdmitUnmatched => None,
        });
        let upstream = verdict.and_then(|verdict| Upstream::of(verdict, settings, trace.request, &trace.secrets));
        Self {
            outcome,
            checks: trace.checks.clone(),
            api: trace.api.clone(),
            operation: trace.place.1,
            provider: trace.provider.as_ref().map(|provider| provider.name.to_string()),
            client_id: trace.client_id.as_deref().map(|client| trace.secrets.without(client).into_owned()),
            token: token.map(about::named),
            reply,
            upstream,
            request: shown(trace.request, &trace.secrets),
        }
    }

    pub fn passes(&self) -> Option<bool> {
        self.outcome.map(|_| self.reply.is_none())
    }

    /// The status that the client sees, as far as it is the filter's; 200 where the request passes.
    pub fn status(&self) -> Option<u16> {
        self.outcome.map(|_| self.reply.as_ref().map_or(200, |reply| reply.status))
    }

    pub fn to_json(&self) -> Value {
        let checks = self.checks.iter().map(|Check { name, verdict, path, detail }| {
            json!({"check": name, "verdict": verdict.word(), "path": path, "detail": detail})
        });
        let reply = self.reply.as_ref().map(|Reply { status, headers, body }| {
            let headers: Map<String, Value> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
            json!({"status": status, "headers": headers, "body": serde_json::from_str::<Value>(body).ok()})
        });
        let upstream = self.upstream.as_ref().map(|Upstream { path, set, removed, credential }| {
            json!({"path": path, "set": set, "removed": removed, "credential": credential.word()})
        });
        json!({
            "version": 1,
            "outcome": self.outcome.map(Outcome::name),
            "passes": self.passes(),
            "api": self.api,
            "operation": self.operation,
            "provider": self.provider,
            "client_id": self.client_id,
            "token": self.token,
            "checks": checks.collect::<Vec<_>>(),
            "reply": reply,
            "upstream": upstream,
        })
    }

    /// The lines for people; `paint` colours a text.
    pub fn to_text(&self, paint: &dyn Fn(Passing, &str) -> String) -> String {
        let mut text = format!("request {}", self.request);
        if let Some(token) = &self.token {
            text.push_str(&format!(", token {token}"));
        }
        text.push('\n');
        for Check { name, verdict, detail, .. } in &self.checks {
            let word = paint(*verdict, &format!("{:<7}", verdict.word()));
            text.push_str(&format!("  {word} {name}: {detail}\n"));
        }
        let end = match (self.outcome, &self.reply) {
            (None, _) => return text + &paint(Passing::Unknown, "=> undetermined") + "\n",
            (Some(outcome), Some(reply)) => format!("=> {}: {}", outcome.name(), reply.status),
            (Some(outcome), None) => format!("=> {}: passes", outcome.name()),
        };
        let verdict = if self.passes() == Some(true) { Passing::Ok } else { Passing::Failed };
        text.push_str(&format!("{}\n", paint(verdict, &end)));
        let shown = |text: &str| Secrets::default().shown(text);
        if let Some(reply) = &self.reply {
            for (name, value) in &reply.headers {
                text.push_str(&format!("   {name}: {}\n", shown(value)));
            }
            if !reply.body.is_empty() {
                text.push_str(&format!("   {}\n", shown(&reply.body)));
            }
        }
        if let Some(Upstream { path, set, removed, credential }) = &self.upstream {
            text.push_str(&format!("   path {}\n", shown(path)));
            for (name, value) in set {
                text.push_str(&format!("   {name}: {}\n", shown(value)));
            }
            for name in removed {
                text.push_str(&format!("   removed {}\n", shown(name)));
            }
            text.push_str(&format!("   credential {}\n", credential.word()));
        }
        text
    }
}

/// Method, host and path.
fn shown(request: &Request, secrets: &Secrets) -> String {
    let (method, authority) = (String::from_utf8_lossy(&request.method), secrets.authority(&request.authority));
    let text = format!("{method} {authority}{}", secrets.path(&request.path));
    secrets.shown(&text)
}
