//! What is asked of a provider for one client (RFC 7591, 2), and whether the answer is that.

use serde_json::{Map, Value, json};

use crate::domain::client::{AUTH_METHODS, AppClient, AuthMethod, Difference};
use crate::domain::provider::Template;
use crate::domain::tier::{GRANTS, Grant};
use crate::domain::words::word_of;

/// What names a client at its provider.
#[derive(Clone, Copy, Debug)]
pub struct ClientNames<'a> {
    /// The application's name.
    pub application: &'a str,
    pub group: &'a str,
    pub organisation: &'a str,
    /// By which this registration is told from others of the client.
    pub marker: &'a str,
}

/// One client as it is to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub auth_method: AuthMethod,
    pub grants: Vec<Grant>,
    pub scopes: Vec<String>,
    pub redirect_uris: Vec<String>,
    metadata: Map<String, Value>,
}

const METHOD: &str = "token_endpoint_auth_method";
/// What says what a client may do.
const TERMS: [&str; 5] = ["grant_types", "response_types", "redirect_uris", "scope", "jwks"];

/// What an answer makes of what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Whatever is less than asked, or more.
    pub differences: Vec<Difference>,
    /// Why the client cannot be taken: it may do more than was asked, or otherwise.
    pub wider: Option<String>,
}

/// The end of the name of a client that was registered with this marker.
pub fn name_marker(marker: &str) -> String {
    format!(" \u{b7} t-{marker}")
}

impl Registration {
    /// A client without a method authenticates with a secret in the header, as RFC 7591 has it.
    pub fn of(client: &AppClient, names: &ClientNames<'_>, template: &Template) -> Self {
        let mut registration = Self::blank(client);
        registration.fill(client, names, template);
        registration
    }

    /// A client that is registered, with what it may do by now: all else stays as it was registered last (RFC 7592, 2.2).
    pub fn changed(client: &AppClient, registered: &Map<String, Value>, template: &Template) -> Self {
        let mut registration = Self::blank(client);
        let mut metadata = registered.clone();
        metadata.retain(|name, _| !TERMS.contains(&name.as_str()));
        metadata.extend(registration.terms(client));
        metadata.retain(|name, _| !template.omit.contains(name));
        registration.metadata = metadata;
        registration
    }

    fn blank(client: &AppClient) -> Self {
        Self {
            auth_method: client.auth_method.unwrap_or(AuthMethod::ClientSecretBasic),
            grants: client.grants.clone(),
            scopes: client.scopes.clone(),
            redirect_uris: client.redirect_uris.clone(),
            metadata: Map::new(),
        }
    }

    /// The body of the request (RFC 7591, 3.1).
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    fn fill(&mut self, client: &AppClient, names: &ClientNames<'_>, template: &Template) {
        let texts = [
            ("{application}", names.application),
            ("{group}", names.group),
            ("{organisation}", names.organisation),
            ("{client}", client.id.as_str()),
        ];
        let mut metadata = Map::new();
        metadata.insert("client_name".into(), names.application.into());
        metadata.insert("software_id".into(), client.id.as_str().into());
        metadata.extend(template.set.iter().map(|(name, value)| (name.clone(), replaced(value, &texts))));
        if let Some(Value::String(name)) = metadata.get_mut("client_name") {
            name.push_str(&name_marker(names.marker));
        }
        metadata.extend(self.terms(client));
        metadata.insert(METHOD.into(), word_of(AUTH_METHODS, self.auth_method).into());
        metadata.retain(|name, _| !template.omit.contains(name));
        self.metadata = metadata;
    }

    fn terms(&self, client: &AppClient) -> Map<String, Value> {
        let mut terms = Map::new();
        terms.insert("grant_types".into(), self.grants.iter().map(|grant| grant_word(*grant)).collect());
        let has_code = self.grants.contains(&Grant::AuthorizationCode);
        terms.insert("response_types".into(), if has_code { json!(["code"]) } else { json!([]) });
        if !self.redirect_uris.is_empty() {
            terms.insert("redirect_uris".into(), json!(self.redirect_uris));
        }
        if !self.scopes.is_empty() {
            terms.insert("scope".into(), self.scopes.join(" ").into());
        }
        if let Some(jwks) = &client.jwks {
            terms.insert("jwks".into(), jwks.clone());
        }
        terms
    }

    /// Members that the answer lacks count as asked (RFC 7591, 3.2.1: it has all that was registered, but not all
    /// servers do so). Fewer grants, scopes or redirect URIs than asked are differences.
    pub fn compare(&self, answer: &Map<String, Value>) -> Judged {
        let grants: Vec<String> = self.grants.iter().map(|grant| grant_word(*grant).to_owned()).collect();
        let mut judged = Judged::default();
        judged.judge("grant_types", &grants, answer);
        judged.judge("scope", &self.scopes, answer);
        judged.judge("redirect_uris", &self.redirect_uris, answer);
        judged.judge(METHOD, &[word_of(AUTH_METHODS, self.auth_method).to_owned()], answer);
        judged
    }

    /// Whether a token that says these scopes is no wider than what was asked.
    pub fn covers(&self, scopes: &[String]) -> bool {
        scopes.iter().all(|scope| self.scopes.contains(scope))
    }
}

impl Judged {
    fn judge(&mut self, member: &str, asked: &[String], answer: &Map<String, Value>) {
        let got = match answer.get(member) {
            None | Some(Value::Null) => return,
            Some(value) => words(member, value),
        };
        let Some(got) = got else {
            return self.refuse(format!("{member} cannot be read"));
        };
        let is_fewer = asked.iter().any(|word| !got.contains(word));
        let more: Vec<String> = got.iter().filter(|word| !asked.contains(word)).cloned().collect();
        if is_fewer || !more.is_empty() {
            let difference = Difference { member: member.to_owned(), asked: shown(asked), got: shown(&got) };
            self.differences.push(difference);
        }
        if !more.is_empty() {
            self.refuse(format!("{member} has what was not asked for: {}", shown(&more)));
        }
    }

    fn refuse(&mut self, why: String) {
        self.wider.get_or_insert(why);
    }
}

fn grant_word(grant: Grant) -> &'static str {
    word_of(GRANTS, grant)
}

/// The words of a member; `None` where it has none. Scopes stand in one text, at some servers in an array.
fn words(member: &str, value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) if member != METHOD => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Value::String(text) if member == "scope" => {
            Some(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        Value::String(text) if member == METHOD => Some(vec![text.clone()]),
        _ => None,
    }
}

/// What a server says is shown within bounds.
fn shown(words: &[String]) -> String {
    words.join(" ").chars().filter(|c| !c.is_control()).take(1000).collect()
}

/// A value of the template with the names of this client in its texts. What a name brings along is no place for another.
fn replaced(value: &Value, texts: &[(&str, &str)]) -> Value {
    match value {
        Value::String(text) => Value::String(filled(text, texts)),
        Value::Array(items) => items.iter().map(|item| replaced(item, texts)).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), replaced(value, texts))).collect(),
        other => other.clone(),
    }
}

fn filled(mut rest: &str, texts: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place = texts.iter().find_map(|(place, text)| Some((after.strip_prefix(place.get(1..)?)?, text)));
        rest = match place {
            Some((left, text)) => {
                filled.push_str(text);
                left
            }
            None => {
                filled.push('{');
                after
            }
        };
    }
    filled + rest
}

#[cfg(test)]
mod tests;
