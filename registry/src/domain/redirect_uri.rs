//! Redirect URIs of clients (RFC 6749, 3.1.2; RFC 9700, 2.1).

use crate::domain::text::is_url;

pub const MAX_REDIRECT_URIS: usize = 10;
const MAX_BYTES: usize = 512;

/// What a redirect URI must be.
pub const REDIRECT_URI: &str = "must be an absolute https URI of at most 512 bytes, without user, fragment and *";

/// `https`, absolute, no fragment, no user, no `*`; nothing that RFC 3986 does not know, as some read that as something else.
pub fn is_redirect_uri(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()+,;=%".contains(&byte);
    text.len() <= MAX_BYTES && text.bytes().all(is_known) && is_url(text, &["https"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_server_reads_alike_is_taken() {
        let longest = format!("https://app.example/{}", "a".repeat(492));
        for right in [
            "https://app.example",
            "https://app.example/cb?x=1&y=%20",
            "https://app.example:8443/a@b",
            "https://[::1]/cb",
            &longest,
        ] {
            assert!(is_redirect_uri(right), "{right}");
        }
        for wrong in [
            "",
            "/cb",
            "https://",
            "https:///cb",
            "https:app.example",
            "HTTPS://app.example",
            "http://app.example/cb",
            "http://127.0.0.1/cb",
            "javascript:alert(1)",
            "javascript://app.example/%0aalert(1)",
            "data:text/html,x",
            "com.example.app:/cb",
            "https://user@app.example/cb",
            "https://user:password@app.example/cb",
            "https://app.example/cb#part",
            "https://*.app.example/cb",
            "https://app.example/*",
            "https://app.example\\@evil.example/",
            "https://app.example/ cb",
            "https://app.example/\u{e4}",
            "https://app.example/\n",
            "https://app.example/<b>",
            &format!("{longest}a"),
        ] {
            assert!(!is_redirect_uri(wrong), "{wrong}");
        }
    }
}
