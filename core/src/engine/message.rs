//! What workers send one another through their queues. Untrusted, like everything shared.

use crate::base::time::millis;
use crate::base::wire::Reader;
use crate::cache::{Remembered, codec};
use crate::provider::client_auth::ClientAuth;
use crate::token::digest::Digest;
use std::time::Duration;

/// A message as it was read from a queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// The worker has given way to the event loop: a note to itself.
    Yielded,
    /// A question that this worker follows has been asked.
    Completed(Digest, Completion),
}

/// The result of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Completion {
    Answered(Remembered),
    /// There was no answer. How long the server wants to be left alone, if it said so.
    Unavailable(Option<Duration>),
    /// The answer was of no use to who asked with this [`mark`].
    Unusable(Mark),
    /// The answer is more than fits a message, or its own host kept who leads from asking: ask yourself.
    AskYourself,
}

/// Distinguishes workers that use the same client with different secrets. Too short to guess a secret from.
pub type Mark = [u8; 4];

pub const YIELDED: &[u8] = &[0];

/// Largest message.
const MAX_MESSAGE: usize = codec::MAX_ENTRY;

const ANSWERED: u8 = 1;
const UNAVAILABLE: u8 = 2;
const UNUSABLE: u8 = 3;
const ASK_YOURSELF: u8 = 4;

/// To the followers of `digest`: the answer.
pub fn answered(digest: &Digest, remembered: &Remembered) -> Vec<u8> {
    match codec::encode(remembered, digest) {
        bytes if bytes.len() <= MAX_MESSAGE => message(ANSWERED, digest, &bytes),
        _ => ask_yourself(digest),
    }
}

/// To them: there was no answer. See [`Completion::Unavailable`].
pub fn unavailable(digest: &Digest, retry_after: Option<Duration>) -> Vec<u8> {
    let wait = u16::try_from(millis(retry_after.unwrap_or_default())).unwrap_or(u16::MAX);
    message(UNAVAILABLE, digest, &wait.to_le_bytes())
}

/// To them: the answer was of no use. See [`Completion::Unusable`].
pub fn unusable(digest: &Digest, mark: Mark) -> Vec<u8> {
    message(UNUSABLE, digest, &mark)
}

/// To them: see [`Completion::AskYourself`].
pub fn ask_yourself(digest: &Digest) -> Vec<u8> {
    message(ASK_YOURSELF, digest, &[])
}

/// The mark of this client when it asks about the token.
pub fn mark(client: &ClientAuth, digest: &Digest) -> Mark {
    let hash = hmac_sha256::Hash::hash(&[digest, client.expose()].concat());
    hash.first_chunk().copied().unwrap_or_default()
}

fn message(kind: u8, digest: &Digest, rest: &[u8]) -> Vec<u8> {
    [&[kind], digest.as_slice(), rest].concat()
}

/// Reads a message; `None` when it is none of ours.
pub fn read(bytes: &[u8]) -> Option<Message> {
    if bytes == YIELDED {
        return Some(Message::Yielded);
    }
    let mut reader = Reader::new(bytes);
    let kind = reader.u8().ok()?;
    let digest = reader.array().ok()?;
    let completion = match kind {
        ANSWERED => Completion::Answered(codec::decode(reader.rest(), digest).ok()??),
        UNAVAILABLE => {
            let wait = Duration::from_millis(reader.u16().ok()?.into());
            Completion::Unavailable((!wait.is_zero()).then_some(wait))
        }
        UNUSABLE => Completion::Unusable(*reader.array().ok()?),
        ASK_YOURSELF => Completion::AskYourself,
        _ => return None,
    };
    Some(Message::Completed(*digest, completion))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::base::time::Timestamp;
    use crate::cache::Lifetime;
    use crate::jose::sign::{JwsSigner, PrivateKey, SigningAlgorithm, samples};
    use crate::provider::client_auth::ClientAssertion;
    use crate::token::facts::{Facts, TokenState};
    use proptest::prelude::*;
    use std::rc::Rc;

    fn remembered(scopes: usize) -> Remembered {
        let scope = (0..scopes).map(|number| format!("scope-{number:08}").into()).collect();
        let at = Timestamp::from_millis(5);
        Remembered {
            state: TokenState::Active(Rc::new(Facts { scope, ..Facts::default() })),
            lifetime: Lifetime::none(at),
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let digest = [9; 32];
        let (small, large) = (remembered(1), remembered(10_000));
        assert_eq!(
            read(&answered(&digest, &small)),
            Some(Message::Completed(digest, Completion::Answered(small.clone())))
        );
        assert_eq!(read(&answered(&digest, &large)), Some(Message::Completed(digest, Completion::AskYourself)));
        for wait in [None, Some(Duration::from_millis(1)), Some(Duration::from_secs(10))] {
            assert_eq!(
                read(&unavailable(&digest, wait)),
                Some(Message::Completed(digest, Completion::Unavailable(wait)))
            );
        }
        assert_eq!(
            read(&unusable(&digest, [1, 2, 3, 4])),
            Some(Message::Completed(digest, Completion::Unusable([1, 2, 3, 4])))
        );
        assert_eq!(super::read(YIELDED), Some(Message::Yielded));
    }

    #[test]
    fn a_mark_is_the_secrets_and_the_tokens() {
        let post = |secret: &str| ClientAuth::Post { id: "gateway".into(), secret: Secret::new(secret) };
        let marked = mark(&post("s3cret"), &[9; 32]);
        assert_eq!(mark(&post("s3cret"), &[9; 32]), marked);
        assert_ne!(mark(&post("other"), &[9; 32]), marked);
        assert_ne!(mark(&post("s3cret"), &[8; 32]), marked);
        let key = |text: &str| {
            let algorithm = SigningAlgorithm::EdDsa;
            let key = PrivateKey::read(text, algorithm).unwrap();
            let signer = JwsSigner::with_key(algorithm, &key, None).unwrap();
            ClientAuth::Assertion(ClientAssertion { id: "gateway".into(), audience: None, signer }.into())
        };
        let other = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
                        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let marked_by_key = mark(&key(samples::ED25519[1]), &[9; 32]);
        assert_eq!(mark(&key(samples::ED25519[1]), &[9; 32]), marked_by_key);
        assert_ne!(mark(&key(other), &[9; 32]), marked_by_key);
        assert_ne!(mark(&ClientAuth::None { id: None }, &[9; 32]), marked);
    }

    #[test]
    fn an_answer_past_the_tokens_end_is_sent_too() {
        let (digest, now) = ([9; 32], Timestamp::from_secs(100));
        let expired = Facts { expires_at: Some(Timestamp::from_secs(90)), ..Facts::default() };
        let expired = Remembered { state: TokenState::Active(Rc::new(expired)), lifetime: Lifetime::none(now) };
        assert_eq!(read(&answered(&digest, &expired)), Some(Message::Completed(digest, Completion::Answered(expired))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
