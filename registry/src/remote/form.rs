//! Requests with a form, as the endpoints of OAuth take them (RFC 6749, appendix B), and how a client authenticates there.

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};

/// A POST of these fields, for an answer in JSON.
pub fn post<'a>(client: &Client, url: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> RequestBuilder {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    client
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(form.finish())
}

/// `client_secret_basic` (RFC 6749, 2.3.1): id and secret are encoded as fields of a form are.
pub fn basic(request: RequestBuilder, id: &str, secret: &SecretString) -> RequestBuilder {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    request.basic_auth(encoded(id), Some(encoded(secret.expose_secret())))
}
