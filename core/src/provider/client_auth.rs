//! How the gateway authenticates to the introspection endpoint (RFC 7662 §2.1, RFC 6749 §2.3).

use crate::base::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

mod assertion;

pub use assertion::ClientAssertion;

/// The form field with the assertion (RFC 7521 §4.2).
pub const ASSERTION: &str = "client_assertion";
/// The form field that says what kind of assertion it is.
const ASSERTION_TYPE: &str = "client_assertion_type";
/// A JWT (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Credentials of the gateway at the authorization server.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// HTTP Basic with id and secret (RFC 6749 §2.3.1).
    Basic {
        id: Box<str>,
        secret: Secret,
        /// How both are encoded before they are joined.
        encoding: BasicEncoding,
    },
    /// Id and secret as form fields (RFC 6749 §2.3.1).
    Post { id: Box<str>, secret: Secret },
    /// A JWT made for each request, as a form field (RFC 7523 §2.2).
    Assertion(Box<ClientAssertion>),
    /// A bearer token of the gateway's own (RFC 7662 §2.1).
    Bearer(Secret),
    /// None; with an id, that is sent as a form field.
    None { id: Option<Box<str>> },
}

/// How id and secret are written into HTTP Basic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasicEncoding {
    /// Form-encoded, as RFC 6749 §2.3.1 asks.
    Form,
    /// As they are, for servers that do not decode.
    Raw,
}

impl ClientAuth {
    /// The gateway's client id, if it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Basic { id, .. } | Self::Post { id, .. } => Some(id),
            Self::Assertion(assertion) => Some(&assertion.id),
            Self::None { id } => id.as_deref(),
            Self::Bearer(_) => None,
        }
    }

    /// Value of the `authorization` header, if this method has one.
    pub fn authorization(&self) -> Option<String> {
        match self {
            Self::Basic { id, secret, encoding } => {
                let encode = |text: &str| match encoding {
                    BasicEncoding::Form => form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>(),
                    BasicEncoding::Raw => text.to_owned(),
                };
                Some(format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret.expose())))))
            }
            Self::Bearer(token) => Some(format!("Bearer {}", token.expose())),
            Self::Post { .. } | Self::Assertion(_) | Self::None { .. } => None,
        }
    }

    /// Its assertions are for this audience, if no other is given.
    pub fn address_to(&mut self, audience: &str) {
        if let Self::Assertion(assertion) = self {
            assertion.audience.get_or_insert_with(|| audience.into());
        }
    }

    /// The form fields that are the same in each request.
    pub fn form_fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let (id, further) = match self {
            Self::Post { id, secret } => (Some(&**id), Some(("client_secret", secret.expose()))),
            Self::Assertion(assertion) => (Some(&*assertion.id), Some((ASSERTION_TYPE, JWT_BEARER))),
            Self::None { id } => (id.as_deref(), None),
            Self::Basic { .. } | Self::Bearer(_) => (None, None),
        };
        id.map(|id| ("client_id", id)).into_iter().chain(further)
    }

    /// The names of all form fields that it sets.
    pub fn form_names(&self) -> impl Iterator<Item = &'static str> {
        let assertion = matches!(self, Self::Assertion(_)).then_some(ASSERTION);
        self.form_fields().map(|(name, _)| name).chain(assertion)
    }

    /// What is secret of it, for a hash and nothing else.
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Basic { secret, .. } | Self::Post { secret, .. } | Self::Bearer(secret) => secret.expose().as_bytes(),
            Self::Assertion(assertion) => assertion.signer.expose(),
            Self::None { .. } => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::sign::{JwsSigner, SigningAlgorithm};
    use crate::port::SignatureHash;

    fn basic(encoding: BasicEncoding) -> String {
        let auth = ClientAuth::Basic { id: "gate way".into(), secret: Secret::new("p:ss+%é"), encoding };
        let value = auth.authorization().unwrap();
        String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn basic_is_form_encoded_unless_told_otherwise() {
        assert_eq!(basic(BasicEncoding::Form), "gate+way:p%3Ass%2B%25%C3%A9");
        assert_eq!(basic(BasicEncoding::Raw), "gate way:p:ss+%é");
    }

    #[test]
    fn the_other_methods_put_their_credentials_where_the_rfcs_say() {
        let post = ClientAuth::Post { id: "g".into(), secret: Secret::new("s") };
        assert_eq!(post.authorization(), None);
        assert_eq!(post.form_fields().collect::<Vec<_>>(), [("client_id", "g"), ("client_secret", "s")]);
        let bearer = ClientAuth::Bearer(Secret::new("t"));
        assert_eq!(bearer.authorization().as_deref(), Some("Bearer t"));
        assert_eq!(bearer.form_fields().count(), 0);
        assert_eq!(ClientAuth::None { id: None }.form_fields().count(), 0);
        assert!(!format!("{post:?}{bearer:?}").contains("\"t\""));
    }

    #[test]
    fn what_is_hashed_of_it_is_its_secret() {
        let (id, secret) = (Box::<str>::from("g"), Secret::new("0123456789abcdef0123456789abcdef"));
        let algorithm = SigningAlgorithm::Hmac(SignatureHash::Sha256);
        let signer = JwsSigner::with_secret(algorithm, &secret).unwrap();
        let assertion = ClientAssertion { id: id.clone(), audience: None, signer };
        for auth in [
            ClientAuth::Basic { id: id.clone(), secret: secret.clone(), encoding: BasicEncoding::Raw },
            ClientAuth::Post { id: id.clone(), secret: secret.clone() },
            ClientAuth::Bearer(secret.clone()),
            ClientAuth::Assertion(assertion.into()),
        ] {
            assert_eq!(auth.expose(), secret.expose().as_bytes(), "{auth:?}");
        }
        assert!(ClientAuth::None { id: Some(id) }.expose().is_empty());
    }
}
