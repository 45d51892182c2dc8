//! No token and no secret may show in what Envoy or the module write. Every one used in a test is registered here, and
//! each Envoy's log is searched for all of them when it ends.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Every secret is at least this long.
const PREFIX: usize = 8;

static SECRETS: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());

/// A token or secret nobody else has, registered. `what` is part of it, so that a log line that shows it explains itself.
pub fn secret(what: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // Mixed, so that neighbours share no long prefix.
    let number = (NEXT.fetch_add(1, Ordering::Relaxed) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let secret = format!("{number:016x}-{what}");
    register(&secret);
    secret
}

/// Registers a secret as it stands, percent-encoded, and in base64.
pub fn register(secret: &str) {
    assert!(secret.len() >= 16, "too short to be told from other text: {secret:?}");
    let mut secrets = SECRETS.lock().unwrap();
    secrets.insert(secret.into());
    secrets.insert(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string().into());
    secrets.insert(form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into());
    secrets.insert(STANDARD.encode(secret).into());
}

/// Registers a client's secret, also as it is sent in HTTP Basic.
pub fn register_client(id: &str, secret: &str) {
    register(secret);
    register(&STANDARD.encode(format!("{id}:{secret}")));
}

/// The lines that show a registered secret.
pub fn leaks(text: &[u8]) -> Vec<String> {
    let secrets = SECRETS.lock().unwrap();
    // One pass over a long log, however many secrets there are; almost every place is ruled out by its first bytes.
    let mut beginnings = vec![false; 1 << 16];
    let mut by_prefix: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
    for secret in secrets.iter() {
        beginnings[beginning(secret[0], secret[1], secret[2])] = true;
        by_prefix.entry(&secret[..PREFIX]).or_default().push(secret);
    }
    let shows = |at: usize| {
        let found = text.get(at..at + PREFIX).and_then(|prefix| by_prefix.get(prefix));
        found.is_some_and(|secrets| secrets.iter().any(|secret| text[at..].starts_with(secret)))
    };
    let mut places = Vec::new();
    let (mut one, mut two) = (0, 0);
    for (end, &three) in text.iter().enumerate() {
        if beginnings[beginning(one, two, three)] && end >= 2 && shows(end - 2) {
            places.push(end);
        }
        (one, two) = (two, three);
    }
    let mut lines: Vec<_> = places.into_iter().map(|at| line_around(text, at)).collect();
    lines.dedup();
    lines.into_iter().map(|line| String::from_utf8_lossy(&text[line]).into_owned()).collect()
}

/// Three bytes mixed into an index.
fn beginning(one: u8, two: u8, three: u8) -> usize {
    usize::from(one) << 8 ^ usize::from(two) << 4 ^ usize::from(three)
}

fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let start = text[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let end = text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| at + end);
    start..end
}
