//! Where calls go: the endpoints of a provider, and the addresses of its clients.

use reqwest::Url;

use crate::domain::provider::DcrSettings;
use crate::domain::text::is_safe_url;
use crate::remote::issuer::Issuer;

/// # Errors
/// Why none is known, for admins.
pub async fn registration(settings: &DcrSettings, issuer: &Issuer) -> Result<Url, String> {
    named(settings.endpoint.as_ref(), issuer, "registration_endpoint").await
}

/// # Errors
/// As [`registration`].
pub async fn token(settings: &DcrSettings, issuer: &Issuer) -> Result<Url, String> {
    named(settings.token_endpoint.as_ref(), issuer, "token_endpoint").await
}

async fn named(given: Option<&String>, issuer: &Issuer, member: &str) -> Result<Url, String> {
    let text = match given {
        Some(given) => given.clone(),
        None => issuer.endpoint(member).await?,
    };
    Url::parse(&text).map_err(|_| format!("{member} is no URL"))
}

/// A client's own address, where its registration token may be sent: at the origin of the registration endpoint, whatever
/// else it is.
pub fn own(text: &str, endpoint: &Url) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| is_safe_url(text))?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (is_bare && url.origin() == endpoint.origin()).then_some(url)
}

/// `{endpoint}/{client_id}`. Not of a client whose id would be a step to another folder.
pub fn below(endpoint: &Url, client_id: &str) -> Option<Url> {
    if matches!(client_id, "." | "..") {
        return None;
    }
    let mut url = endpoint.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(client_id);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_token_goes_to_the_origin_of_the_endpoint_only() {
        let here = endpoint("https://idp.example/reg");
        for right in ["https://idp.example/other/7?x=1", "https://idp.example:443/reg/7", "https://IDP.example/reg/7"] {
            assert!(own(right, &here).is_some(), "{right}");
        }
        for wrong in [
            "",
            "/reg/7",
            "//idp.example/reg/7",
            "http://idp.example/reg/7",
            "https://idp.example:8443/reg/7",
            "https://idp.example.evil/reg/7",
            "https://evil.example/https://idp.example/reg",
            "https://idp.example@evil.example/reg/7",
            "https://evil.example\\@idp.example/reg/7",
            "https://user:x@idp.example/reg/7",
            "https://idp.example/reg/7#part",
            "https://idp.example\t.evil/reg/7",
            "https:idp.example/reg/7",
            "javascript:alert(1)",
        ] {
            assert!(own(wrong, &here).is_none(), "{wrong}");
        }
        let local = endpoint("http://127.0.0.1:4000/reg");
        assert!(own("http://127.0.0.1:4000/reg/7", &local).is_some());
        assert!(own("http://localhost:4000/reg/7", &local).is_none() && own("http://127.0.0.1/reg", &local).is_none());
    }

    #[test]
    fn a_client_is_below_the_endpoint_whatever_its_id_is() {
        for (id, path) in [
            ("a b", "/reg/a%20b"),
            ("../x", "/reg/..%2Fx"),
            ("a/b?c#d", "/reg/a%2Fb%3Fc%23d"),
            ("%2e%2e", "/reg/%252e%252e"),
            ("\\..\\x", "/reg/%5C..%5Cx"),
        ] {
            for base in ["https://idp.example/reg", "https://idp.example/reg/"] {
                let url = below(&endpoint(base), id).unwrap();
                assert_eq!((url.path(), url.query(), url.fragment()), (path, None, None), "{id}");
            }
        }
        assert!(below(&endpoint("https://idp.example/reg"), "..").is_none());
        assert!(below(&endpoint("https://idp.example/reg"), ".").is_none());
    }
}
