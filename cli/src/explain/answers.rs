//! What servers answer: as it was given, or as they are asked now.

use super::request::split_once;
use serde_json::json;
use tessera_core::base::http::{Body, HttpAnswer, HttpCall, HttpResult, NoAnswer};
use tessera_core::engine::calls::Subject;
use tessera_core::engine::settings::Settings;
use tessera_core::provider::introspection::signed::MEDIA_TYPE;

/// Asks a real server.
pub type Ask<'a> = dyn Fn(&HttpCall) -> Result<HttpResult, String> + 'a;

/// What is known of the servers' answers.
#[derive(Default)]
pub struct Answers<'a> {
    /// About the token.
    pub token: Option<TokenAnswer>,
    /// The JWK Set.
    pub keys: Option<Vec<u8>>,
    /// The document of contracts.
    pub contracts: Option<Vec<u8>>,
    /// Who is asked about what is not given.
    pub live: Option<Box<Ask<'a>>>,
}

/// The answer about the token.
#[derive(Clone, Debug)]
pub enum TokenAnswer {
    /// The JSON of a 200.
    Facts(Vec<u8>),
    Whole(HttpAnswer),
    Unavailable,
}

/// What becomes of a call.
pub enum Answered {
    With(HttpResult),
    /// By nobody, and why.
    NotGiven(String),
}

impl Answers<'_> {
    /// The answer to a call about this.
    pub fn answer(&mut self, subject: Subject, call: &HttpCall, settings: &Settings) -> Answered {
        let given = match subject {
            Subject::Token => match &self.token {
                Some(TokenAnswer::Facts(_)) if header(call, "accept") == Some(MEDIA_TYPE) => {
                    let reason = "answers of this provider are signed: give the whole of one with --answer";
                    return Answered::NotGiven(reason.to_owned());
                }
                Some(TokenAnswer::Facts(json)) => Some(json_answer(json.clone())),
                Some(TokenAnswer::Whole(answer)) => Some(HttpResult::Answered(answer.clone())),
                Some(TokenAnswer::Unavailable) => Some(HttpResult::Failed(NoAnswer::Unconnected)),
                None => None,
            },
            Subject::Keys => self.keys.clone().map(json_answer).or_else(|| self.outage()),
            Subject::Metadata if self.live.is_some() => None,
            Subject::Metadata if self.keys.is_some() || self.token.is_some() && self.outage().is_none() => {
                metadata(call, settings)
            }
            Subject::Metadata => self.outage(),
            Subject::Contracts => self.contracts.take().map(json_answer),
        };
        match (given, &self.live) {
            (Some(given), _) => Answered::With(given),
            (None, Some(ask)) => ask(call).map_or_else(Answered::NotGiven, Answered::With),
            (None, None) => Answered::NotGiven(not_given(subject).to_owned()),
        }
    }

    fn outage(&self) -> Option<HttpResult> {
        matches!(self.token, Some(TokenAnswer::Unavailable)).then_some(HttpResult::Failed(NoAnswer::Unconnected))
    }
}

fn not_given(subject: Subject) -> &'static str {
    match subject {
        Subject::Token => "no answer about the token is given: --facts, --answer, --unavailable or --live",
        Subject::Keys => "the keys are not given: --keys or --live",
        Subject::Metadata => "the metadata of the server is not given: --facts, --answer, --keys or --live",
        Subject::Contracts => "the contracts are not given: --contracts or --live",
    }
}

fn json_answer(json: Vec<u8>) -> HttpResult {
    let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    HttpResult::Answered(HttpAnswer { status: 200, headers, body: Body::Whole(json) })
}

fn header<'c>(call: &'c HttpCall, name: &str) -> Option<&'c str> {
    call.headers.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
}

/// Metadata that says where the endpoints are whose answers are given: anywhere at its own origin.
fn metadata(call: &HttpCall, settings: &Settings) -> Option<HttpResult> {
    let [authority, path] = [":authority", ":path"].map(|name| header(call, name).unwrap_or_default());
    let provider = settings.providers.iter().find(|provider| {
        let urls = provider.discovery.iter().flat_map(|discovery| &discovery.urls);
        urls.into_iter().any(|url| url.authority() == authority && url.path() == path)
    })?;
    let origin = format!("{}://{authority}", header(call, ":scheme")?);
    let document = json!({
        "issuer": provider.checks.issuer.as_deref()?,
        "introspection_endpoint": format!("{origin}/introspect"),
        "jwks_uri": format!("{origin}/keys"),
    });
    Some(json_answer(document.to_string().into_bytes()))
}

/// Reads an answer: status line, header lines, an empty line, body.
///
/// # Errors
/// What is wrong with it, as a sentence that shows nothing of it.
pub fn read_answer(bytes: &[u8]) -> Result<HttpAnswer, String> {
    let mut rest = bytes;
    let mut line = || {
        let (line, behind) = split_once(rest, b'\n').unwrap_or((rest, &[]));
        rest = behind;
        line.strip_suffix(b"\r").unwrap_or(line)
    };
    let first = String::from_utf8_lossy(line()).into_owned();
    let status = first.strip_prefix("HTTP/").and_then(|first| first.split(' ').nth(1)?.parse::<u16>().ok());
    let status = status
        .filter(|status| (100..600).contains(status))
        .ok_or("the first line must be a status line, such as \"HTTP/1.1 200 OK\"")?;
    let mut headers = Vec::new();
    loop {
        let line = line();
        if line.is_empty() {
            break;
        }
        let (name, value) = split_once(line, b':').ok_or("a header line has no \":\"")?;
        headers.push((String::from_utf8_lossy(name).to_ascii_lowercase(), value.trim_ascii().to_vec()));
    }
    Ok(HttpAnswer { status, headers, body: Body::Whole(rest.to_vec()) })
}
