//! The introspection request (RFC 7662 §2.1).

use super::response::MAX_ANSWER_BYTES;
use super::signed::MEDIA_TYPE;
use crate::base::http::{AnswerHeaders, HttpCall, HttpUrl};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::port::{HostFailure, Random, Signatures};
use crate::provider::client_auth::{ASSERTION, ClientAuth};
use crate::token::bearer::Bearer;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// How the form begins.
const TOKEN: &str = "token=";

/// The headers of an answer without which it cannot be read.
pub const LOOKED_AT: AnswerHeaders = AnswerHeaders::Only(&["content-encoding", "retry-after"]);

/// How one authorization server is asked.
#[derive(Clone, Debug)]
pub struct Introspection {
    /// Where; `None`: where its metadata says.
    pub url: Option<HttpUrl>,
    /// The cluster that reaches it; `None`: the one that reaches the metadata, or that configured for the origin.
    pub cluster: Option<Rc<str>>,
    /// Limit of one attempt.
    pub timeout: Duration,
    /// Further attempts after the first, when that got no answer.
    pub retries: u32,
    pub client: ClientAuth,
    pub parameters: Vec<(Box<str>, Box<str>)>,
    /// Further request headers, names in lower case.
    pub headers: Vec<(Box<str>, Secret)>,
    /// Headers of an answer that somebody looks at: [`LOOKED_AT`], or all where `Cache-Control` is respected, which may
    /// come in several lines.
    pub answer_headers: AnswerHeaders,
    /// What `aud` of an answer must hold, where answers are signed (RFC 9701).
    pub signed_for: Option<Box<str>>,
}

/// Where one authorization server is asked, and how.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: HttpUrl,
    pub cluster: Rc<str>,
    pub introspection: Rc<Introspection>,
    /// Filled in with the first call.
    written: Written,
}

/// What all requests to one endpoint have in common, encoded once. It contains credentials, so `Debug` hides it.
#[derive(Clone, Default)]
struct Written(OnceCell<Parts>);

#[derive(Clone)]
struct Parts {
    headers: Rc<[(String, String)]>,
    /// The form behind the token; begins with `&` unless it is empty.
    form: Box<str>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written(…)")
    }
}

impl Endpoint {
    pub fn new(url: HttpUrl, cluster: Rc<str>, introspection: Rc<Introspection>) -> Self {
        Self { url, cluster, introspection, written: Written::default() }
    }

    /// What the next call authenticates the gateway with, if that differs from call to call.
    ///
    /// # Errors
    /// [`HostFailure`] when the host did not do its part.
    pub fn assertion(
        &self,
        signatures: &dyn Signatures,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<Option<String>, HostFailure> {
        match &self.introspection.client {
            ClientAuth::Assertion(assertion) => assertion.make(&self.url, signatures, random, now).map(Some),
            _ => Ok(None),
        }
    }

    /// The call that asks about `token` and waits `timeout` at most; see [`Self::assertion`].
    pub fn call(&self, token: &Bearer, timeout: Duration, assertion: Option<&str>) -> HttpCall {
        let parts = self.written.0.get_or_init(|| self.parts());
        let token = token.expose();
        // Room for a token without characters to encode, which most are.
        let length = assertion.map_or(0, |assertion| ASSERTION.len() + assertion.len() + 2);
        let mut body = String::with_capacity(TOKEN.len() + token.len() + parts.form.len() + length);
        body.push_str(TOKEN);
        body.extend(form_urlencoded::byte_serialize(token.as_bytes()));
        body.push_str(&parts.form);
        if let Some(assertion) = assertion {
            // The characters of base64url and its dots stand for themselves.
            body.extend(["&", ASSERTION, "=", assertion]);
        }
        HttpCall {
            cluster: self.cluster.clone(),
            headers: Rc::clone(&parts.headers),
            body: body.into_bytes(),
            timeout,
            answer_headers: self.introspection.answer_headers,
            max_answer_bytes: MAX_ANSWER_BYTES,
        }
    }

    fn parts(&self) -> Parts {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let Introspection { client, parameters, headers: further, signed_for, .. } = &*self.introspection;
        form.extend_pairs(parameters.iter());
        form.extend_pairs(client.form_fields());
        let form = form.finish();

        let mut headers = self.url.pseudo_headers("POST");
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        // Without this the server may compress the answer, and nothing here decompresses.
        let accept = if signed_for.is_some() { MEDIA_TYPE } else { "application/json" };
        for (name, value) in [("accept", accept), ("accept-encoding", "identity")] {
            if !further.iter().any(|(given, _)| &**given == name) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        headers.extend(client.authorization().map(|value| ("authorization".to_owned(), value)));
        headers.extend(further.iter().map(|(name, value)| (name.to_string(), value.expose().to_owned())));
        let form = if form.is_empty() { form } else { format!("&{form}") };
        Parts { headers: headers.into(), form: form.into() }
    }
}

impl Introspection {
    /// The endpoint, where the configuration says all of it.
    pub fn endpoint(self: &Rc<Self>) -> Option<Endpoint> {
        Some(Endpoint::new(self.url.clone()?, self.cluster.clone()?, Rc::clone(self)))
    }

    /// Whether the gateway shows an access token of its own, so that `invalid_token` may be about that.
    pub fn sends_own_token(&self) -> bool {
        let is_bearer = |value: &str| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        matches!(self.client, ClientAuth::Bearer(_))
            || self.headers.iter().any(|(name, value)| &**name == "authorization" && is_bearer(value.expose()))
    }

    /// The longest that an answer can take: every attempt running into its limit.
    pub fn total_timeout(&self) -> Duration {
        self.timeout.saturating_mul(self.retries.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::sign::{JwsSigner, SigningAlgorithm};
    use crate::port::SignatureHash;
    use crate::port::memory::{FixedRandom, NoSignatures};
    use crate::provider::client_auth::ClientAssertion;
    use proptest::prelude::*;

    fn introspection() -> Introspection {
        Introspection {
            url: None,
            cluster: None,
            timeout: Duration::from_secs(2),
            retries: 1,
            client: ClientAuth::Post { id: "g".into(), secret: Secret::new("s&t") },
            parameters: vec![("token_type_hint".into(), "access_token".into())],
            headers: vec![("x-key".into(), Secret::new("k"))],
            answer_headers: LOOKED_AT,
            signed_for: None,
        }
    }

    fn endpoint(introspection: Introspection) -> Endpoint {
        let url = HttpUrl::parse("https://idp.example.com:8443/introspect?tenant=7").unwrap();
        Endpoint::new(url, "idp".into(), introspection.into())
    }

    #[test]
    fn asks_by_post_with_the_endpoints_own_authority() {
        let call = endpoint(introspection()).call(&Bearer::parse(b"a+b/c==").unwrap(), Duration::from_millis(5), None);
        assert_eq!(
            String::from_utf8(call.body).unwrap(),
            "token=a%2Bb%2Fc%3D%3D&token_type_hint=access_token&client_id=g&client_secret=s%26t"
        );
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "idp.example.com:8443"),
            (":path", "/introspect?tenant=7"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
            ("accept-encoding", "identity"),
            ("x-key", "k"),
        ] {
            assert!(call.headers.iter().any(|(key, found)| key == name && found == value), "{name}");
        }
        assert_eq!(call.timeout, Duration::from_millis(5));
        assert_eq!(introspection().total_timeout(), Duration::from_secs(4));
    }

    #[test]
    fn an_assertion_is_made_for_each_call_and_stands_in_the_form() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let algorithm = SigningAlgorithm::Hmac(SignatureHash::Sha256);
        let signer = JwsSigner::with_secret(algorithm, &secret).unwrap();
        let client = ClientAuth::Assertion(ClientAssertion { id: "g".into(), audience: None, signer }.into());
        let endpoint = endpoint(Introspection { client, ..introspection() });
        let made = [1, 2].map(|byte| {
            let made = endpoint.assertion(&NoSignatures, &FixedRandom(byte), Timestamp::default()).unwrap().unwrap();
            let call = endpoint.call(&Bearer::parse(b"t").unwrap(), Duration::ZERO, Some(&made));
            assert!(call.headers.iter().all(|(name, _)| name != "authorization"));
            let form: Vec<_> = form_urlencoded::parse(&call.body).into_owned().collect();
            let expected = [
                ("token", "t"),
                ("token_type_hint", "access_token"),
                ("client_id", "g"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &made),
            ];
            assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
            made
        });
        assert_ne!(made[0], made[1]);
        assert!(!format!("{endpoint:?}").contains(&made[1]));
        let plain = super::tests::endpoint(introspection());
        assert_eq!(plain.assertion(&NoSignatures, &FixedRandom(1), Timestamp::default()), Ok(None));
    }

    #[test]
    fn an_endpoint_shows_no_credential_once_it_has_been_asked() {
        let endpoint = endpoint(introspection());
        endpoint.call(&Bearer::parse(b"t").unwrap(), Duration::ZERO, None);
        let shown = format!("{endpoint:?}");
        assert!(!shown.contains("s&t") && !shown.contains("s%26t"), "{shown}");
    }

    #[test]
    fn a_configured_accept_header_takes_the_place_of_ours() {
        let headers = vec![
            ("accept".into(), Secret::new("application/token-introspection+jwt")),
            ("accept-encoding".into(), Secret::new("gzip;q=0")),
        ];
        let client = ClientAuth::None { id: None };
        let endpoint = endpoint(Introspection { headers, parameters: Vec::new(), client, ..introspection() });
        let call = endpoint.call(&Bearer::parse(b"t").unwrap(), Duration::ZERO, None);
        for name in ["accept", "accept-encoding"] {
            assert_eq!(call.headers.iter().filter(|(given, _)| given == name).count(), 1);
        }
        assert_eq!(call.body, b"token=t");
    }

    #[test]
    fn a_token_of_the_gateways_own_is_a_bearer_wherever_it_is_configured() {
        let none = || ClientAuth::None { id: None };
        assert!(!introspection().sends_own_token());
        assert!(Introspection { client: ClientAuth::Bearer(Secret::new("t")), ..introspection() }.sends_own_token());
        for (value, sends) in [("Bearer t", true), ("bearer t", true), ("Basic eDp5", false), ("é", false)] {
            let headers = vec![("authorization".into(), Secret::new(value))];
            assert_eq!(
                Introspection { client: none(), headers, ..introspection() }.sends_own_token(),
                sends,
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_token_arrives_as_it_was_sent(token in "[A-Za-z0-9._~+/-]{1,80}={0,3}") {
            let call = endpoint(introspection()).call(&Bearer::parse(token.as_bytes()).unwrap(), Duration::ZERO, None);
            let sent = form_urlencoded::parse(&call.body).find(|(name, _)| name == "token").unwrap().1.into_owned();
            prop_assert_eq!(sent, token);
        }
    }
}
