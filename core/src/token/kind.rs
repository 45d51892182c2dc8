//! Whether claims are about another kind of token than an access token: servers report those as active too.

use crate::base::json::{Json, Object};

/// Where servers say what a token is: Hydra, OpenIddict, Keycloak and others.
pub(super) const SAYING: [&str; 5] = ["token_use", "token_usage", "purpose", "typ", "token_type"];

/// Whether a member says that the token is a refresh, ID, offline or logout token. One that says nothing, or
/// something unknown, does not.
pub(super) fn is_another(claims: &Object<'_>) -> bool {
    SAYING.into_iter().filter_map(|name| claims.get(name)).any(says_another)
}

/// Wherever a list or an object says so: what it says beside that must not hide it.
fn says_another(value: &Json<'_>) -> bool {
    match value {
        Json::Text(text) => names_another(text),
        Json::Array(list) => list.iter().any(says_another),
        Json::Object(members) => members.iter().any(|(_, value)| says_another(value)),
        Json::Null | Json::Boolean(_) | Json::Number(_) => false,
    }
}

/// In any case and spelling: `refresh_token`, `Refresh`, `RefreshToken`, `urn:ietf:params:oauth:token-type:id_token`,
/// `logout+jwt`.
fn names_another(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    if ["refresh", "offline", "logout"].iter().any(|kind| text.contains(kind)) {
        return true;
    }
    // Many words contain these two letters, and `client_id` is not an ID token.
    let words = || text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let pairs = words().zip(words().skip(1));
    words().any(|word| matches!(word, "idtoken" | "idtokens" | "idtokenjwt" | "idjwt"))
        || pairs.into_iter().any(|(word, next)| word == "id" && next.starts_with("token"))
        || words().any(|word| word == "id") && words().all(says_little)
}

/// What stands around the `id` of an ID token where no `token` follows it.
fn says_little(word: &str) -> bool {
    matches!(word, "id" | "jwt" | "urn" | "oauth" | "oidc" | "openid" | "type" | "application" | "serialized")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn other_kinds_are_known_in_any_case_and_spelling() {
        for text in [
            "refresh_token",
            "Refresh",
            "refresh-token",
            "RefreshToken",
            "REFRESH_TOKEN",
            "refreshtoken",
            "refresh token",
            "refresh_tokens",
            "urn:ietf:params:oauth:token-type:refresh_token",
            "jwt_refresh_token",
            "refresh+jwt",
            "ID",
            "Id",
            "id_token",
            "idToken",
            "IDToken",
            "IdToken",
            "id-token",
            "id+jwt",
            "application/id+jwt",
            "urn:ietf:params:oauth:token-type:id_token",
            "openid_id_token",
            "oidc:id_token",
            "http://example.com/id_token",
            "Serialized-ID",
            "Offline",
            "offline_token",
            "OFFLINE",
            "Logout",
            "logout+jwt",
            "application/logout+jwt",
            "logout_token",
            "LogoutTokenJwt",
            "\trefresh_token\n",
        ] {
            assert!(names_another(text), "{text}");
        }
    }

    #[test]
    fn access_tokens_and_what_is_unknown_are_not() {
        for text in [
            "",
            "Bearer",
            "bearer",
            "DPoP",
            "N_A",
            "mac",
            "PoP",
            "JWT",
            "access",
            "access_token",
            "AccessToken",
            "at+jwt",
            "application/at+jwt",
            "urn:ietf:params:oauth:token-type:access_token",
            "urn:ietf:params:oauth:token-type:jwt",
            "valid_token",
            "validToken",
            "uuid",
            "client_id",
            "client id",
            "identity",
            "device",
            "something new",
            "bid",
            "tokens",
        ] {
            assert!(!names_another(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn neither_case_nor_what_parts_the_words_matters(
            kind in "refresh|id|offline|logout", part in "[-_ .+:/]{0,2}",
            before in "|urn:ietf:params:oauth:token-type:|application/|jwt ",
            capitals in prop::collection::vec(any::<bool>(), 60),
        ) {
            let text: String = format!("{before}{kind}{part}token")
                .chars()
                .zip(capitals)
                .map(|(letter, capital)| if capital { letter.to_ascii_uppercase() } else { letter })
                .collect();
            prop_assert!(names_another(&text), "{}", text);
        }

        #[test]
        fn any_text_is_read(text: String) {
            names_another(&text);
        }
    }
}
