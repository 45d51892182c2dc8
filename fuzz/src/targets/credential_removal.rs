//! Taking tokens out of a request: nobody finds one in what is left, and what is left is as it was.

use super::super::Target;
use super::super::message::{Lines, Message};
use super::super::reading::credentials;
use std::cell::RefCell;
use tessera_core::base::headers::HeaderMap;
use tessera_core::port::{HeaderEdits, HostFailure, RequestHead};
use tessera_core::token::extract::{TokenError, TokenSettings, TokenSource, extract};
use tessera_core::upstream::remove_credential;

pub const TARGET: Target = Target {
    name: "credential_removal",
    seeds,
    words: &[
        "at=",
        "; at=x",
        ";",
        ",",
        "\"",
        "=",
        " ",
        "\t",
        "%61t=",
        "at[]=1",
        "access_token=t",
        "access%5Ftoken=t",
        "&",
        "?",
        ";access_token=t",
        "Bearer t",
        "Basic x, Bearer t",
        "authorization: ",
        "cookie: ",
        "x-access-token: ",
        "x_access_token: ",
        "Access_Token=1",
        "a=\"x; at=1; b=y\"",
        "\u{a0}",
        "%00",
    ],
    run,
    rounds: 40_000,
    reaches: &["unchanged", "cookie cut", "cookies gone", "query cut", "header gone"],
};

fn seeds() -> Vec<Vec<u8>> {
    [
        "/a?x=%41+b&access_token=t&y\ncookie: a=1; at=x; b=2\nauthorization: Bearer t",
        "/a?%61ccess_token=1&tt=2&x;access_token=4&access_token[]=5",
        "/a\ncookie: a=\"x;y,z=1\";at=x;b=2\ncookie: at=y",
        "/a\ncookie: theme=x at=1\nauthorization: Basic Zm9v",
        "/a?a=1&b\nx-access-token: t\nx_access_token: t",
        "/?access.token=1&+access_token=1&access_token%00x=1\ncookie: at",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

struct Request(RefCell<Lines>);

impl HeaderEdits for Request {
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        self.0.borrow_mut().retain(|(other, _)| other != name);
        Ok(())
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.remove(name.as_bytes())?;
        self.0.borrow_mut().push((name.as_bytes().to_vec(), value.to_vec()));
        Ok(())
    }
}

fn sources() -> Vec<TokenSource> {
    let header = |name: &str, schemes: &[&str]| TokenSource::Header {
        name: name.into(),
        schemes: schemes.iter().map(|scheme| (*scheme).into()).collect(),
    };
    vec![
        header("authorization", &["Bearer"]),
        header("x-access-token", &[]),
        TokenSource::Query("access_token".into()),
        TokenSource::Cookie("at".into()),
    ]
}

fn without_credential(lines: &Lines) -> Lines {
    let head: HeaderMap = lines.iter().map(|(name, value)| (name, value)).collect();
    let request = Request(RefCell::new(lines.clone()));
    remove_credential(&sources(), &head, &request).unwrap();
    request.0.into_inner()
}

fn run(input: &[u8]) -> String {
    let message = Message::read(input);
    let is_value = |value: &[u8]| !value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'));
    if !is_value(message.first) || !message.lines.iter().all(|(name, value)| is_value(name) && is_value(value)) {
        return "unsendable".into();
    }
    let mut before = message.lines;
    before.retain(|(name, _)| !name.starts_with(b":"));
    before.push((b":path".to_vec(), message.first.to_vec()));
    let after = without_credential(&before);
    let head: HeaderMap = after.iter().map(|(name, value)| (name, value)).collect();
    let found = credentials(&String::from_utf8_lossy(head.first(":path").unwrap_or_default()), head.iter());
    assert!(found.is_empty(), "{found:?} are left in {after:?}");
    let settings = TokenSettings { sources: sources(), max_length: 8192 };
    let extracted = extract(&settings, &head).map(|found| found.token.into_owned());
    assert!(matches!(extracted, Err(TokenError::Missing | TokenError::Doubtful)), "{extracted:?} in {after:?}");
    assert_eq!(sorted(&without_credential(&after)), sorted(&after), "what is left is changed once more");
    check_query(&all(&before, b":path").concat(), &all(&after, b":path").concat());
    check_cookies(&all(&before, b"cookie"), &all(&after, b"cookie"));
    check_headers(&before, &after);
    match () {
        () if sorted(&before) == sorted(&after) => "unchanged".into(),
        () if all(&before, b"cookie") != all(&after, b"cookie") => {
            if all(&after, b"cookie").is_empty() {
                "cookies gone".into()
            } else {
                "cookie cut".into()
            }
        }
        () if all(&before, b":path") != all(&after, b":path") => "query cut".into(),
        () => "header gone".into(),
    }
}

fn sorted(lines: &Lines) -> Lines {
    let mut lines = lines.clone();
    lines.sort();
    lines
}

fn all(lines: &Lines, name: &[u8]) -> Vec<Vec<u8>> {
    lines.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
}

/// `left` without some of its elements, in order; those that are missing.
fn missing<'a>(whole: &[&'a [u8]], left: &[&[u8]]) -> Vec<&'a [u8]> {
    let mut left = left.iter().peekable();
    let gone = whole.iter().filter(|part| left.next_if(|next| next == part).is_none());
    let gone = gone.copied().collect();
    assert!(left.peek().is_none(), "something is new or in another place");
    gone
}

/// Letters that could be of the name, however they are escaped.
fn could_be(part: &[u8], word: &[u8]) -> bool {
    let decoded: Vec<u8> = percent_encoding::percent_decode(part).map(|byte| byte.to_ascii_lowercase()).collect();
    decoded.windows(word.len()).any(|window| window == word)
}

fn check_query(before: &[u8], after: &[u8]) {
    if before == after {
        return;
    }
    let split = |target: &'_ [u8]| -> (Vec<u8>, Vec<Vec<u8>>) {
        let at = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
        let query = target.get(at + 1..).unwrap_or_default();
        let pairs = query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        (target[..at].to_vec(), pairs.map(<[u8]>::to_vec).collect())
    };
    let ((path, pairs), (path_left, left)) = (split(before), split(after));
    assert_eq!(path, path_left, "the path is another");
    let refs = |pairs: &'_ [Vec<u8>]| -> Vec<Vec<u8>> { pairs.to_vec() };
    let (pairs, left) = (refs(&pairs), refs(&left));
    let (pairs, left): (Vec<&[u8]>, Vec<&[u8]>) =
        (pairs.iter().map(Vec::as_slice).collect(), left.iter().map(Vec::as_slice).collect());
    let gone = missing(&pairs, &left);
    assert!(!gone.is_empty(), "no parameter was taken out, and the query is another");
    gone.iter().for_each(|pair| assert!(could_be(pair, b"token"), "{} was taken out", pair.escape_ascii()));
}

fn check_cookies(before: &[Vec<u8>], after: &[Vec<u8>]) {
    if before == after {
        return;
    }
    let pieces = |lines: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let all = lines.iter().flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
        all.filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let (whole, left) = (pieces(before), pieces(after));
    let (whole, left): (Vec<&[u8]>, Vec<&[u8]>) =
        (whole.iter().map(Vec::as_slice).collect(), left.iter().map(Vec::as_slice).collect());
    let gone = missing(&whole, &left);
    if left.is_empty() {
        assert!(gone.iter().any(|piece| could_be(piece, b"at")), "cookies were taken out, and none was the token");
    } else {
        gone.iter().for_each(|piece| assert!(piece.starts_with(b"at="), "{} was taken out", piece.escape_ascii()));
    }
}

fn check_headers(before: &Lines, after: &Lines) {
    let folded = |name: &[u8]| -> Vec<u8> {
        name.iter().map(|byte| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }).collect()
    };
    let has_nothing_to_do = |name: &[u8]| {
        !matches!(name, b":path" | b"cookie")
            && ![&b"authorization"[..], b"x-access-token", b"dpop"].contains(&&*folded(name))
    };
    let others =
        |lines: &Lines| -> Lines { lines.iter().filter(|(name, _)| has_nothing_to_do(name)).cloned().collect() };
    assert_eq!(others(before), others(after), "another header is another");
    let basic =
        |lines: &Lines| lines.iter().filter(|(name, value)| name == b"authorization" && value == b"Basic Zm9v").count();
    let alone = before.iter().filter(|(name, _)| folded(name) == b"authorization").count() == 1;
    assert!(!alone || basic(before) == basic(after), "credentials of another scheme were taken out");
}
