//! What is kept of a client that a provider has made: its token and its secret, sealed.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use crate::domain::client::AppClient;
use crate::domain::registered::{Registered, digest_place, secret_place, token_place};
use crate::domain::token_text::hexadecimal;
use crate::use_case::context::Context;
use crate::use_case::open_provider::sealed_place;
use crate::use_case::ports::Sealing;
use crate::use_case::registrar::{Issued, Managed};

/// What was sealed for that place.
pub(super) fn open(sealing: &dyn Sealing, sealed: &str, place: &str) -> Option<SecretString> {
    Some(SecretString::from(String::from_utf8(sealing.open(sealed, place)?).ok()?))
}

fn seal(cx: &Context<'_>, text: &str, place: &str) -> String {
    cx.sealing.seal(text.as_bytes(), &sealed_place(&cx.caller.organisation, place), cx.randomness)
}

/// How it is managed at its provider.
pub(super) fn managed(cx: &Context<'_>, client: &str, registered: &Registered) -> Managed {
    let place = sealed_place(&cx.caller.organisation, &token_place(client));
    let token = registered.token.as_ref().and_then(|sealed| open(cx.sealing, sealed, &place));
    Managed { client_id: registered.client_id.clone(), uri: registered.uri.clone(), token }
}

/// Keeps the token of an answer.
pub(super) fn keep_token(cx: &Context<'_>, client: &str, registered: &mut Registered, managed: &Managed) {
    let token = managed.token.as_ref();
    registered.token = token.map(|token| seal(cx, token.expose_secret(), &token_place(client)));
    registered.uri.clone_from(&managed.uri);
}

/// Keeps the secret of an answer until somebody has seen it, and says whether it is another than before: some servers
/// repeat the secret with each answer, and nobody is shown it twice.
pub(super) fn keep_secret(cx: &Context<'_>, client: &mut AppClient, issued: &Issued) -> bool {
    let Some(registered) = &mut client.registered else { return false };
    let Some(secret) = &issued.secret else {
        client.secret_expires_at = issued.secret_expires_at.or(client.secret_expires_at);
        return false;
    };
    client.secret_expires_at = issued.secret_expires_at;
    let digest = hexadecimal(&Sha256::digest(secret.expose_secret().as_bytes()));
    let place = digest_place(&client.id);
    let known = registered.secret_digest.as_ref();
    let known = known.and_then(|sealed| open(cx.sealing, sealed, &sealed_place(&cx.caller.organisation, &place)));
    if known.is_some_and(|known| known.expose_secret() == digest) {
        return false;
    }
    registered.secret_digest = Some(seal(cx, &digest, &place));
    registered.secret = Some(seal(cx, secret.expose_secret(), &secret_place(&client.id)));
    registered.given_at = cx.now;
    true
}
