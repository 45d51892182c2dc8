//! Cursors and page tokens of the feed: what they say about where a gateway stands, and for which scope.
//!
//! A cursor is `<epoch>.<position>.<scope>`. A page token adds where the next page begins; it is opaque to callers, and
//! one that nobody made reads as nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Where a gateway stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub epoch: String,
    pub position: i64,
    /// Of [`scope_of`].
    pub scope: String,
}

impl Cursor {
    /// `None` for what is no cursor.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (epoch, position, scope) = (parts.next()?, parts.next()?, parts.next()?);
        let is_word = |part: &str| {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=48).contains(&part.len()) && part.bytes().all(legal)
        };
        let read = Self { epoch: epoch.to_owned(), position: position.parse().ok()?, scope: scope.to_owned() };
        let is_whole = parts.next().is_none() && is_word(epoch) && is_word(scope) && read.position >= 0;
        // Only as it was written: no signs, no leading zeros.
        (is_whole && read.to_string() == text).then_some(read)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.epoch, self.position, self.scope)
    }
}

/// The name of a scope in cursors: the same for every gateway that sees the same.
pub fn scope_of(organisation: &str, environment: &str, apis: Option<&[String]>) -> String {
    let mut hash = Sha256::new();
    // None of the parts can hold a line feed.
    hash.update(format!("{organisation}\n{environment}\n"));
    if let Some(apis) = apis {
        let mut sorted: Vec<_> = apis.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        for api in sorted {
            hash.update(api);
            hash.update("\n");
        }
    }
    URL_SAFE_NO_PAD.encode(hash.finalize()).chars().take(22).collect()
}

/// Where a page begins. `at` is the cursor that every page of the answer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageToken {
    /// Of a whole set, beyond this key.
    Snapshot { at: Cursor, after: [String; 3] },
    /// Of the changes since `since`, beyond position `after`.
    Changes { at: Cursor, since: i64, after: i64 },
}

impl PageToken {
    pub fn at(&self) -> &Cursor {
        match self {
            Self::Snapshot { at, .. } | Self::Changes { at, .. } => at,
        }
    }

    /// `None` for what is no page token.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let parts: Vec<String> = serde_json::from_slice(&bytes).ok()?;
        match parts.as_slice() {
            [at, api, provider, client_id] => {
                let after = [api.clone(), provider.clone(), client_id.clone()];
                Some(Self::Snapshot { at: Cursor::parse(at)?, after })
            }
            [at, since, after] => {
                Some(Self::Changes { at: Cursor::parse(at)?, since: since.parse().ok()?, after: after.parse().ok()? })
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for PageToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = match self {
            Self::Snapshot { at, after: [api, provider, client_id] } => {
                vec![at.to_string(), api.clone(), provider.clone(), client_id.clone()]
            }
            Self::Changes { at, since, after } => vec![at.to_string(), since.to_string(), after.to_string()],
        };
        f.write_str(&URL_SAFE_NO_PAD.encode(serde_json::Value::from(parts).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_was_written_is_a_cursor() {
        for wrong in [
            "",
            ".",
            "a.b.c",
            "e.1",
            "e.1.s.t",
            "e.01.s",
            "e.+1.s",
            "e.-1.s",
            ".1.s",
            "e.1.",
            "e/.1.s",
            "e.99999999999999999999.s",
        ] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
        assert!(Cursor::parse("e-_.0.s").is_some());
    }

    #[test]
    fn a_scope_is_what_is_seen() {
        let apis = |list: &[&str]| Some(list.iter().map(|api| (*api).to_owned()).collect::<Vec<_>>());
        let scope =
            |organisation, environment, list: Option<Vec<String>>| scope_of(organisation, environment, list.as_deref());
        assert_eq!(scope("o", "e", apis(&["a", "b"])), scope("o", "e", apis(&["b", "a", "b"])));
        let different = [
            scope("o", "e", None),
            scope("o", "e2", None),
            scope("o2", "e", None),
            scope("o", "e", apis(&["a"])),
            scope("o", "e", apis(&["a", "b"])),
            scope("o", "e", apis(&["ab"])),
        ];
        assert_eq!(different.iter().collect::<std::collections::BTreeSet<_>>().len(), different.len());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(position in 0..i64::MAX, since in 0..i64::MAX, key in proptest::array::uniform3("[!-~]{1,40}")) {
            let at = Cursor { epoch: "abcDEF-_0123".into(), position, scope: scope_of("o", "e", None) };
            prop_assert_eq!(Cursor::parse(&at.to_string()), Some(at.clone()));
            prop_assert!(at.to_string().len() <= 128);
            for token in [
                PageToken::Snapshot { at: at.clone(), after: key },
                PageToken::Changes { at, since, after: position },
            ] {
                prop_assert_eq!(PageToken::parse(&token.to_string()), Some(token));
            }
        }

        #[test]
        fn nonsense_is_nothing(text in "\\PC{0,80}") {
            let _ = PageToken::parse(&text);
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
