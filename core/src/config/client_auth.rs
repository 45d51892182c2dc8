//! `client`: how the gateway authenticates to the authorization server.

use super::field::Field;
use super::key::{Maybe, keys};
use super::kind::{Kind, Of, TEXT, Word};
use super::pattern;
use super::problem::Code;
use super::secret::SECRET;
use super::section::Section;
use super::shape::Shape;
use crate::base::secret::Secret;
use crate::jose::sign::{JwsSigner, PrivateKey, SigningAlgorithm};
use crate::provider::client_auth::{BasicEncoding, ClientAssertion, ClientAuth};

keys! {
    /// How the gateway authenticates.
    CLIENT: ClientKeys at "providers[].introspection.client";
    /// The method. With `bearer`, `secret` is a token.
    auth: Word<AuthMethod> = or(Word(&[
        ("client_secret_basic", AuthMethod::Basic),
        ("client_secret_post", AuthMethod::Post),
        ("private_key_jwt", AuthMethod::PrivateKeyJwt),
        ("client_secret_jwt", AuthMethod::ClientSecretJwt),
        ("bearer", AuthMethod::Bearer),
        ("none", AuthMethod::None),
    ]), "\"client_secret_basic\"");
    /// Client id of the gateway. Optional with `none`, unknown with `bearer`.
    id: Of<Box<str>> = required(TEXT);
    /// Client secret, or the bearer token. Unknown with `none` and `private_key_jwt`.
    secret: Of<Secret> = required(SECRET);
    /// Whether id and secret are form-encoded before they are joined (RFC 6749 §2.3.1). Known with
    /// `client_secret_basic` only.
    basic_encoding: Word<BasicEncoding> =
        or(Word(&[("form", BasicEncoding::Form), ("raw", BasicEncoding::Raw)]), "\"form\"");
    /// Private key: PEM (PKCS #8) or a JWK. Known with `private_key_jwt` only.
    key: Of<Secret> = required(Of(|field| field.secret_lines())) as Shape::Secret(pattern::FILLED);
    /// The `kid` of assertions, if not that of a JWK. Known with `private_key_jwt` only.
    key_id: Maybe<Of<Box<str>>> = optional(TEXT);
    /// What assertions are signed with. Known with `private_key_jwt` and `client_secret_jwt` only.
    algorithm: Word<SigningAlgorithm> = required(Word(&SigningAlgorithm::NAMED));
    /// The `aud` of assertions, if neither the provider's `issuer` nor the URL of the endpoint. Known as `algorithm` is.
    audience: Maybe<Of<Box<str>>> = optional(TEXT);
}

/// What `auth` names.
#[derive(Clone, Copy)]
pub(super) enum AuthMethod {
    Basic,
    Post,
    PrivateKeyJwt,
    ClientSecretJwt,
    Bearer,
    None,
}

pub(super) const CLIENT_AUTH: Of<ClientAuth> = Of(|field| field.section(read));

fn read(section: &Section<'_>) -> Option<ClientAuth> {
    let Some(method) = section.get(&CLIENT.auth) else {
        pass_over_all(section);
        return None;
    };
    match method {
        AuthMethod::Basic => basic(section),
        AuthMethod::Post => {
            let id = section.get(&CLIENT.id);
            let secret = section.get(&CLIENT.secret);
            Some(ClientAuth::Post { id: id?, secret: secret? })
        }
        AuthMethod::PrivateKeyJwt => assertion(section, private_key(section)),
        AuthMethod::ClientSecretJwt => assertion(section, client_secret(section)),
        AuthMethod::Bearer => section.read(&CLIENT.secret, |field| field.header_secret()).map(ClientAuth::Bearer),
        AuthMethod::None if section.has(&CLIENT.id) => Some(ClientAuth::None { id: Some(section.get(&CLIENT.id)?) }),
        AuthMethod::None => Some(ClientAuth::None { id: None }),
    }
}

fn pass_over_all(section: &Section<'_>) {
    section.pass_over(&CLIENT.id);
    section.pass_over(&CLIENT.secret);
    section.pass_over(&CLIENT.basic_encoding);
    section.pass_over(&CLIENT.key);
    section.pass_over(&CLIENT.key_id);
    section.pass_over(&CLIENT.algorithm);
    section.pass_over(&CLIENT.audience);
}

fn basic(section: &Section<'_>) -> Option<ClientAuth> {
    let id = section.get(&CLIENT.id);
    let secret = section.get(&CLIENT.secret);
    let encoding = section.get(&CLIENT.basic_encoding);
    let (id, secret, encoding) = (id?, secret?, encoding?);
    if encoding == BasicEncoding::Raw && id.contains(':') {
        section.refuse(Code::Conflict, "\"id\" must not hold \":\" with basic_encoding \"raw\" (RFC 7617 §2)");
        return None;
    }
    Some(ClientAuth::Basic { id, secret, encoding })
}

fn assertion(section: &Section<'_>, signer: Option<JwsSigner>) -> Option<ClientAuth> {
    let id = section.get(&CLIENT.id);
    let audience = section.get(&CLIENT.audience);
    let assertion = ClientAssertion { id: id?, audience: audience?, signer: signer? };
    Some(ClientAuth::Assertion(assertion.into()))
}

fn private_key(section: &Section<'_>) -> Option<JwsSigner> {
    let key_id = section.get(&CLIENT.key_id);
    let algorithm = section.read(&CLIENT.algorithm, |field| {
        algorithm(
            field,
            |algorithm| algorithm.key_kind().is_some(),
            "needs a secret: with it \"auth\" is client_secret_jwt",
        )
    });
    section.read(&CLIENT.key, |field| {
        let text = field.secret_lines()?;
        let (algorithm, key_id) = (algorithm?, key_id?);
        let key = PrivateKey::read(text.expose(), algorithm);
        let signer = key.and_then(|key| JwsSigner::with_key(algorithm, &key, key_id.as_deref()));
        signer.map_err(|error| field.refuse(Code::BadSecret, error.to_string())).ok()
    })
}

fn client_secret(section: &Section<'_>) -> Option<JwsSigner> {
    let algorithm = section.read(&CLIENT.algorithm, |field| {
        algorithm(field, |algorithm| algorithm.key_kind().is_none(), "needs a key: with it \"auth\" is private_key_jwt")
    });
    section.read(&CLIENT.secret, |field| {
        let secret = field.secret()?;
        let algorithm = algorithm?;
        let signer = JwsSigner::with_secret(algorithm, &secret);
        if signer.is_none() {
            let (least, name) = (algorithm.secret_bytes(), algorithm.name());
            field.refuse(Code::BadSecret, format!("must have at least {least} bytes for {name} (RFC 7518 §3.2)"));
        }
        signer
    })
}

fn algorithm(field: &Field<'_>, fits: fn(SigningAlgorithm) -> bool, fault: &str) -> Option<SigningAlgorithm> {
    let algorithm = CLIENT.algorithm.kind.read(field)?;
    if !fits(algorithm) {
        field.refuse(Code::Conflict, format!("{} {fault}", algorithm.name()));
        return None;
    }
    Some(algorithm)
}
