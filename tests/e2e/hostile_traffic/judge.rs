//! The second opinion: slow, strict, and written from the documents alone. It sees what was sent and what the upstream
//! received, and says what must not have been.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::generator::{NAMES, PREFIX};
use super::reading::{credentials, is_ambiguous, is_doubtful, plain_host, unescaped};
use super::request::Sent;
use super::scene::{MAIN, Policy, SECOND, Token};
use crate::harness::recorder::Arrival;

/// Under which rule a request may have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passed {
    Public(Api),
    Unmatched,
    Anonymous,
    Allowed(Api),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    Orders,
    Users,
    Files,
    Open,
}

pub struct Judge<'a> {
    pub policy: Policy,
    pub tokens: &'a [Token],
}

/// What is asked of a token.
enum Rule {
    Public(Api),
    Unmatched,
    /// A token of the API that asks for none.
    Optional,
    /// One that says who its holder is.
    Staff,
    Token {
        api: Api,
        all: &'static [&'static str],
        any: &'static [&'static str],
    },
}

type Lines = Vec<(String, String)>;

impl Judge<'_> {
    /// # Errors
    /// Why this should not have arrived, or not so.
    pub fn judge(&self, sent: &Sent, arrived: &Arrival) -> Result<Passed, String> {
        let host = arrived.headers.all("host").first().map(|host| String::from_utf8_lossy(host).into_owned());
        let path = arrived.target.split('?').next().unwrap_or_default();
        if path != String::from_utf8_lossy(&sent.target).split('?').next().unwrap_or_default() {
            return Err("another path than the one sent".into());
        }
        let rule = self.rule(&arrived.method, &plain_host(&host.unwrap_or_default())?, path)?;
        let (passed, expected, token) = match rule {
            Rule::Public(api) => (Passed::Public(api), Lines::new(), None),
            Rule::Unmatched => (Passed::Unmatched, Lines::new(), None),
            Rule::Optional if credentials_of(sent).is_empty() => (Passed::Anonymous, Lines::new(), None),
            Rule::Optional => self.with_token(sent, Api::Open, &[], &[])?,
            Rule::Staff => {
                let role = &self.only_token(sent)?.facts.as_ref().ok_or("no facts")?["role"];
                if role != "reader" && role != 1 {
                    return Err(format!("not the claims that are asked for: {role}"));
                }
                self.with_token(sent, Api::Open, &[], &[])?
            }
            Rule::Token { api, all, any } => self.with_token(sent, api, all, any)?,
        };
        check_identity(arrived, expected)?;
        check_credentials(passed, arrived, token)?;
        let (body, trailers) = (sent.body.clone().unwrap_or_default(), sent.trailers.iter());
        if arrived.body != body {
            return Err("another body".into());
        }
        let plain = trailers.filter(|(name, _)| name == b"x-checksum").count();
        if arrived.trailers.all("x-checksum").len() != plain {
            return Err("other trailers".into());
        }
        Ok(passed)
    }

    fn rule(&self, method: &str, host: &str, path: &str) -> Result<Rule, String> {
        const NAMED: [&str; 5] = ["GET", "POST", "DELETE", "PUT", "PATCH"];
        if !NAMED.contains(&method) && NAMED.contains(&&*method.to_ascii_uppercase()) {
            return Err("a method in another case".into());
        }
        let ambiguous = is_ambiguous(path);
        if ambiguous && !self.policy.ambiguous_are_literal {
            return Err("an ambiguous path".into());
        }
        let doubtful = ambiguous || is_doubtful(path);
        let path = if ambiguous { path.to_owned() } else { unescaped(path) };
        let at_api = host == "api.example.com";
        let token = |api, all, any| Rule::Token { api, all, any };
        if at_api && path.starts_with("/orders/") {
            return Ok(match method {
                "GET" if path == "/orders/health" && !doubtful => Rule::Public(Api::Orders),
                "POST" | "DELETE" => token(Api::Orders, &["orders.write"], &[]),
                _ if path.starts_with("/orders/admin/") => token(Api::Orders, &[], &["admin", "root"]),
                _ => token(Api::Orders, &["orders.read"], &[]),
            });
        }
        if (at_api || host.ends_with(".example.org")) && path.starts_with("/users/") {
            let public = path.starts_with("/users/public/") && !doubtful;
            return Ok(if public { Rule::Public(Api::Users) } else { token(Api::Users, &[], &[]) });
        }
        if path.starts_with("/files/") || path.starts_with("/~files/") {
            let any: &[&str] = if matches!(method, "PUT" | "PATCH") { &["orders.write"] } else { &[] };
            return Ok(token(Api::Files, &[], any));
        }
        if path.starts_with("/open/staff/") {
            return Ok(Rule::Staff);
        }
        if path.starts_with("/open/") {
            return Ok(if doubtful { token(Api::Open, &[], &[]) } else { Rule::Optional });
        }
        match self.policy.unmatched_pass && !doubtful {
            true => Ok(Rule::Unmatched),
            false => Err("no API".into()),
        }
    }

    fn with_token(
        &self,
        sent: &Sent,
        api: Api,
        all: &[&str],
        any: &[&str],
    ) -> Result<(Passed, Lines, Option<&str>), String> {
        let token = self.only_token(sent)?;
        let facts = self.facts(api, token, all, any)?;
        Ok((Passed::Allowed(api), identity(api, provider(api, token), facts), Some(token.text.as_str())))
    }

    /// The only thing in the request that anybody could take for a token.
    fn only_token(&self, sent: &Sent) -> Result<&Token, String> {
        let found = credentials_of(sent);
        let [only] = &found[..] else { return Err(format!("{} credentials: {found:?}", found.len())) };
        self.tokens.iter().find(|token| token.text == *only).ok_or_else(|| format!("an unknown token {only:?}"))
    }

    fn facts<'t>(&self, api: Api, token: &'t Token, all: &[&str], any: &[&str]) -> Result<&'t Value, String> {
        let facts = token.facts.as_ref().ok_or("the server has not vouched for it")?;
        let main = provider(api, token) == "main";
        let issuer = if main { MAIN } else { SECOND };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
        let mut wrong = Vec::new();
        let mut no = |holds: bool, what: &'static str| wrong.extend((!holds).then_some(what));
        no(facts["active"] == true, "active");
        no(facts["exp"].is_null() || facts["exp"].as_u64() > Some(now - 10), "exp");
        no(facts["nbf"].is_null() || facts["nbf"].as_u64() <= Some(now + 10), "nbf");
        no(facts["iss"].is_null() || facts["iss"] == issuer, "iss");
        no(!main || has(&facts["aud"], "api"), "aud");
        no(facts["cnf"].is_null(), "cnf");
        no(facts["token_use"].is_null(), "token_use");
        let scopes: Vec<_> = facts["scope"].as_str().unwrap_or_default().split(' ').collect();
        no(all.iter().all(|scope| scopes.contains(scope)), "scope");
        no(any.is_empty() || any.iter().any(|scope| scopes.contains(scope)), "scope");
        no(api != Api::Orders || tier(api, facts, main).is_some(), "contract");
        if wrong.is_empty() { Ok(facts) } else { Err(format!("a token that is not good: {wrong:?}")) }
    }
}

fn credentials_of(sent: &Sent) -> Vec<String> {
    let fields = sent.fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
    credentials(&String::from_utf8_lossy(&sent.target), fields)
}

fn has(value: &Value, text: &str) -> bool {
    value == text || value.as_array().is_some_and(|values| values.iter().any(|value| value == text))
}

/// Who is asked: for a JWT its issuer where the API takes it, else the first provider of the API.
fn provider(api: Api, token: &Token) -> &'static str {
    let is_jwt = token.text.split('.').count() == 3;
    if is_jwt || api == Api::Users { "second" } else { "main" }
}

fn tier(api: Api, facts: &Value, main: bool) -> Option<&'static str> {
    match (api, facts["client_id"].as_str()?) {
        (Api::Orders, "portal") => Some("gold"),
        (Api::Orders, "partner") if !main => Some("silver"),
        (Api::Files, "portal") => Some("50 %25"),
        _ => None,
    }
}

/// Exactly these identity headers are to arrive.
fn identity(api: Api, provider: &str, facts: &Value) -> Lines {
    let text = |pointer: &str| facts.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let tier = tier(api, facts, provider == "main").unwrap_or_default().to_owned();
    let mut lines = Lines::new();
    let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
    match api {
        Api::Orders => {
            line("x-client-id", encoded(text("/client_id")));
            line("x-sla-tier", tier);
            line("x-scope", encoded(text("/scope")));
        }
        Api::Files => {
            line("x-files-client", encoded(text("/client_id")));
            line("x-files-tier", tier);
        }
        Api::Open => line("x-open-client", encoded(text("/client_id"))),
        Api::Users => {
            line("x-user", encoded(text("/sub")));
            line("x-tenant", encoded(text("/ext/tenant")));
            line("x-provider", provider.to_owned());
            for (member, value) in facts.as_object().expect("an object") {
                let value = match value {
                    Value::String(value) => encoded(value),
                    Value::Bool(_) | Value::Number(_) => value.to_string(),
                    _ => continue,
                };
                let name = |member: &str| PREFIX.to_owned() + &member.to_lowercase().replace([' ', '?'], "-");
                let rivals = facts.as_object().expect("an object").iter();
                let rivals = rivals.filter(|(rival, value)| name(rival) == name(member) && is_scalar(value)).count();
                if rivals == 1 || name(member) == format!("{PREFIX}{member}") {
                    line(&name(member), value);
                }
            }
        }
    }
    lines.retain(|(_, value)| !value.is_empty());
    lines
}

fn is_scalar(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'%';
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn check_identity(arrived: &Arrival, mut expected: Lines) -> Result<(), String> {
    let is_identity = |name: &str| {
        let name = name.to_ascii_lowercase().replace('_', "-");
        NAMES.contains(&&*name) || name.starts_with(PREFIX)
    };
    let lines = arrived.headers.0.iter().filter(|(name, _)| is_identity(name));
    let mut found: Lines =
        lines.map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned())).collect();
    found.sort();
    expected.sort();
    if found != expected {
        return Err(format!("identity headers {found:?} instead of {expected:?}"));
    }
    match arrived.trailers.0.iter().find(|(name, _)| is_identity(name)) {
        Some((name, _)) => Err(format!("an identity in the trailer {name}")),
        None => Ok(()),
    }
}

fn check_credentials(passed: Passed, arrived: &Arrival, token: Option<&str>) -> Result<(), String> {
    let fields = arrived.headers.0.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
    let found = credentials(&arrived.target, fields);
    match (passed, token) {
        (Passed::Allowed(Api::Users), _) if !found.is_empty() => Err(format!("credentials are left: {found:?}")),
        (Passed::Allowed(Api::Orders | Api::Files | Api::Open), Some(token)) if found != [token] => {
            Err(format!("other credentials than the one that was checked: {found:?}"))
        }
        _ => Ok(()),
    }
}
