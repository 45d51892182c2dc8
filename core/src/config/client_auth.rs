//! `client`: how the gateway authenticates to the authorization server.

use super::key::{Shape, keys};
use super::kind::{Of, TEXT, Word};
use super::secret::SECRET;
use super::section::Section;
use crate::base::secret::Secret;
use crate::provider::client_auth::{BasicEncoding, ClientAuth};

keys! {
    /// How the gateway authenticates.
    CLIENT: ClientKeys at "providers[].introspection.client";
    /// The method. With `bearer`, `secret` is a token.
    auth: Word<AuthMethod> = or(Word(&[
        ("client_secret_basic", AuthMethod::Basic),
        ("client_secret_post", AuthMethod::Post),
        ("bearer", AuthMethod::Bearer),
        ("none", AuthMethod::None),
    ]), "\"client_secret_basic\"");
    /// Client id of the gateway. Optional with `none`, unknown with `bearer`.
    id: Of<Box<str>> = required(TEXT);
    /// Client secret, or the bearer token. Unknown with `none`.
    secret: Of<Secret> = required(SECRET);
    /// Whether id and secret are form-encoded before they are joined (RFC 6749 §2.3.1). Known with
    /// `client_secret_basic` only.
    basic_encoding: Word<BasicEncoding> =
        or(Word(&[("form", BasicEncoding::Form), ("raw", BasicEncoding::Raw)]), "\"form\"");
}

/// What `auth` names.
#[derive(Clone, Copy)]
pub(super) enum AuthMethod {
    Basic,
    Post,
    Bearer,
    None,
}

pub(super) const CLIENT_AUTH: Of<ClientAuth> = Of(Shape::Object, |field| field.section(read));

fn read(section: &Section<'_>) -> Option<ClientAuth> {
    let Some(method) = section.get(&CLIENT.auth) else {
        section.pass_over(&CLIENT.id);
        section.pass_over(&CLIENT.secret);
        section.pass_over(&CLIENT.basic_encoding);
        return None;
    };
    match method {
        AuthMethod::Basic => {
            let id = section.get(&CLIENT.id);
            let secret = section.get(&CLIENT.secret);
            let encoding = section.get(&CLIENT.basic_encoding);
            let (id, secret, encoding) = (id?, secret?, encoding?);
            if encoding == BasicEncoding::Raw && id.contains(':') {
                section.refuse("\"id\" must not hold \":\" with basic_encoding \"raw\" (RFC 7617 §2)");
                return None;
            }
            Some(ClientAuth::Basic { id, secret, encoding })
        }
        AuthMethod::Post => {
            let id = section.get(&CLIENT.id);
            let secret = section.get(&CLIENT.secret);
            Some(ClientAuth::Post { id: id?, secret: secret? })
        }
        AuthMethod::Bearer => section.read(&CLIENT.secret, |field| field.header_secret()).map(ClientAuth::Bearer),
        AuthMethod::None if section.has(&CLIENT.id) => Some(ClientAuth::None { id: Some(section.get(&CLIENT.id)?) }),
        AuthMethod::None => Some(ClientAuth::None { id: None }),
    }
}
