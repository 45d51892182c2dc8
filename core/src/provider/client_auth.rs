//! How the gateway authenticates to the introspection endpoint (RFC 7662 §2.1, RFC 6749 §2.3).

use crate::base::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Credentials of the gateway at the authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
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
            Self::Post { .. } | Self::None { .. } => None,
        }
    }

    pub fn form_fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let (id, secret) = match self {
            Self::Post { id, secret } => (Some(&**id), Some(secret.expose())),
            Self::None { id } => (id.as_deref(), None),
            Self::Basic { .. } | Self::Bearer(_) => (None, None),
        };
        id.map(|id| ("client_id", id)).into_iter().chain(secret.map(|secret| ("client_secret", secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
