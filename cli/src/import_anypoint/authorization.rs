//! How the gateway authenticates to the authorization server.

use crate::yaml_text::Yaml;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What an `authorizationValue` becomes. The secret in it goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// `Basic`, with the id that it holds.
    Basic {
        id: String,
    },
    Bearer,
    /// Any other value, sent as it is.
    Verbatim,
    /// There is none.
    None,
    /// The policy has none of its own: the id is given on the command line.
    Given {
        id: String,
    },
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl Client {
    /// Of the value of a request's `authorization` header.
    pub fn of(value: &str) -> Self {
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            return basic_id(rest).map_or(Self::Verbatim, |id| Self::Basic { id });
        }
        if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() { Self::Bearer } else { Self::Verbatim }
    }

    /// The `client` of the configuration, and the additional `headers`, with a secret from this variable.
    pub fn to_yaml(&self, variable: &str) -> (Yaml, Option<Yaml>) {
        let secret = || Yaml::object([("env", Yaml::text(variable))]);
        let client = match self {
            Self::Basic { id } => Yaml::object([
                ("auth", Yaml::text("client_secret_basic")),
                ("id", Yaml::text(id)),
                ("secret", secret()),
                ("basic_encoding", Yaml::text("raw")),
            ]),
            Self::Given { id } => Yaml::object([
                ("auth", Yaml::text("client_secret_basic")),
                ("id", Yaml::text(id)),
                ("secret", secret()),
            ]),
            Self::Bearer => Yaml::object([("auth", Yaml::text("bearer")), ("secret", secret())]),
            Self::Verbatim | Self::None => Yaml::object([("auth", Yaml::text("none"))]),
        };
        let headers = (*self == Self::Verbatim).then(|| Yaml::object([("authorization", secret())]));
        (client, headers)
    }

    /// What becomes of the secret, which must be in this variable.
    pub fn says(&self, variable: &str) -> String {
        let copied = "is not copied: the environment variable";
        match self {
            Self::Basic { .. } => format!("the client secret {copied} {variable} must have it"),
            Self::Bearer => format!("the token {copied} {variable} must have it"),
            Self::Verbatim => format!("the value {copied} {variable} must have it, as a whole; it is sent as it is"),
            Self::None => "is missing, so nothing is sent: if the server wants it, configure client".into(),
            Self::Given { .. } => format!("the environment variable {variable} must have the client secret"),
        }
    }
}

/// The user id of Basic credentials (RFC 7617), unless something is odd: then it might be the secret.
fn basic_id(credentials: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64.decode(credentials).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let is_text = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    (is_text(id) && is_text(secret) && id != secret).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_taken_from_basic_credentials_only_if_they_are_sound() {
        let basic = |text: &str| Client::of(&format!("Basic {}", BASE64.encode(text)));
        assert_eq!(basic("gateway:s3cret"), Client::Basic { id: "gateway".into() });
        assert_eq!(basic("gateway:a:b"), Client::Basic { id: "gateway".into() });
        assert_eq!(Client::of("basic  Z3c6c2VjcmV0\n"), Client::Basic { id: "gw".into() });
        for odd in ["gateway", ":secret", "gateway:", "same:same", "a\nb:secret", "gateway:a\0b"] {
            assert_eq!(basic(odd), Client::Verbatim, "{odd:?}");
        }
        for odd in
            ["Basic gateway:secret", "Basic", "Basic %%%", "Basic /w==", "Digest x", "abc", "", "Bearer", "Bearer "]
        {
            assert_eq!(Client::of(odd), Client::Verbatim, "{odd:?}");
        }
        assert_eq!(Client::of("bearer  abc"), Client::Bearer);
    }
}
