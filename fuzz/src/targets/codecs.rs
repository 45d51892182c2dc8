//! What workers write for one another: whatever is read is written back to the same.

use super::super::Target;
use std::rc::Rc;
use std::time::Duration;
use tessera_core::base::headers::HeaderMap;
use tessera_core::base::time::Timestamp;
use tessera_core::base::wire::Reader;
use tessera_core::cache::codec::{self, EntryHead};
use tessera_core::cache::{Lifetime, Remembered};
use tessera_core::engine::message::{self, Completion, Message};
use tessera_core::feed::state::FeedState;
use tessera_core::token::facts::{Facts, TokenState};

pub const TARGET: Target = Target {
    name: "codecs",
    seeds,
    words: &["\0", "\u{1}", "\u{2}", "\u{7f}", "\0\0\0\0", "a", "\u{6}"],
    run,
    rounds: 60_000,
    reaches: &["message", "entry", "feed", "headers", "nothing"],
};

const DIGEST: [u8; 32] = [7; 32];
/// A thousand years.
const AGES: Duration = Duration::from_secs(1000 * 365 * 86_400);

fn seeds() -> Vec<Vec<u8>> {
    let at = Timestamp::from_secs(1_767_225_600);
    let lifetime = Lifetime {
        asked_at: at,
        fresh_until: at.plus(Duration::from_secs(60)),
        stale_until: at.plus(Duration::from_secs(90)),
    };
    let facts = Facts {
        client_id: Some("portal".into()),
        subject: Some("u".into()),
        scope: vec!["a".into(), "b".into()],
        audience: vec!["x".into()],
        expires_at: Some(at.plus(Duration::from_secs(600))),
        claims: vec![("role".into(), "staff".into())],
        said: vec![("/acr".into(), "\"1\"".into())],
        ..Facts::default()
    };
    let good = Remembered { state: TokenState::Active(Rc::new(facts)), lifetime };
    let bad = Remembered { state: TokenState::Inactive, lifetime };
    let mut feed = FeedState::default();
    (feed.checked_at, feed.polled_at, feed.wait, feed.failures) = (at, at, Duration::from_secs(9), 2);
    feed.record(5, true);
    let mut written = Vec::new();
    feed.write(&mut written);
    let headers: HeaderMap = [(":path", "/"), ("a", "")].into_iter().collect();
    vec![
        codec::encode(&good, &DIGEST),
        codec::encode(&bad, &DIGEST),
        message::answered(&DIGEST, &good),
        message::unavailable(&DIGEST, Some(Duration::from_secs(3))),
        message::unusable(&DIGEST, [1, 2, 3, 4]),
        message::ask_yourself(&DIGEST),
        message::YIELDED.to_vec(),
        written,
        headers.as_bytes().to_vec(),
    ]
}

fn run(input: &[u8]) -> String {
    let mut seen = "nothing";
    if let Some(Message::Completed(digest, completion)) = message::read(input) {
        let again = match &completion {
            Completion::Answered(remembered) => message::answered(&digest, remembered),
            Completion::Unavailable(wait) => message::unavailable(&digest, *wait),
            Completion::Unusable(mark) => message::unusable(&digest, *mark),
            Completion::AskYourself => message::ask_yourself(&digest),
        };
        assert_eq!(message::read(&again), Some(Message::Completed(digest, completion)));
        seen = "message";
    }
    let digest = EntryHead::read(input).map_or(DIGEST, |head| *head.digest);
    if let Ok(Some(remembered)) = codec::decode(input, &digest) {
        let again = codec::encode(&remembered, &digest);
        assert_eq!(codec::decode(&again, &digest), Ok(Some(remembered)));
        seen = "entry";
    }
    let mut reader = Reader::new(input);
    if let Ok(feed) = FeedState::read(&mut reader) {
        let mut again = Vec::new();
        feed.write(&mut again);
        // A wait of ages is a wait of ages.
        let mut read = FeedState::read(&mut Reader::new(&again)).expect("what was written");
        if feed.wait > AGES {
            read.wait = feed.wait;
        }
        assert_eq!(read, feed);
        seen = "feed";
    }
    if let Ok(map) = HeaderMap::new(input.to_vec()) {
        let again: HeaderMap = map.iter().collect();
        assert!(map.iter().eq(again.iter()));
        seen = if map.iter().next().is_some() { "headers" } else { seen };
    }
    seen.into()
}
