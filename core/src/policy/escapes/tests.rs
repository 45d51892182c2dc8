use super::*;
use proptest::prelude::*;

fn compared(path: &str) -> Option<(String, bool)> {
    read(path.as_bytes()).map(|read| (String::from_utf8(read.compared).unwrap(), read.doubtful))
}

#[test]
fn an_escape_is_compared_as_the_character_that_may_stand_there() {
    for (path, expected, doubtful) in [
        ("/a%20b", "/a%20b", false),
        ("/%c3%a9", "/%C3%A9", false),
        ("/a%3ab%40%2c", "/a:b@,", false),
        ("/100%25", "/100%25", false),
        ("/100%25%20", "/100%25%20", false),
        ("/%3f%23", "/%3F%23", false),
        ("/%7Euser", "/~user", true),
        ("/%61dmin", "/admin", true),
        ("/a%2Db%5f", "/a-b_", true),
        ("/a%3bb", "/a%3Bb", true),
    ] {
        assert_eq!(compared(path), Some((expected.to_owned(), doubtful)), "{path}");
    }
}

#[test]
fn an_escape_of_an_escape_is_as_ambiguous_as_what_it_stands_for() {
    for path in [
        "/%252e%252e/",
        "/%252E",
        "/a%252fb",
        "/a%255Cb",
        "/a%253bb",
        "/a%2500",
        "/a%250d",
        "/a%257f",
        "/%25252e",
        "/%2525252525252f",
        "/%25%32%65",
        "/%25%32e",
        "/%252%65",
        "/%252%2565",
        "/%25%2532%2565",
    ] {
        assert_eq!(compared(path), None, "{path}");
    }
    for (path, doubtful) in [
        ("/a%2520b", false),
        ("/%25C3%25A9", false),
        ("/a%25zz", false),
        ("/a%25%25", false),
        ("/%2561dmin", true),
        ("/%252561dmin", true),
        ("/%25c0%25ae", true),
        ("/%c3%25a9", true),
        ("/%25ef%25bc%258f", true),
    ] {
        assert_eq!(compared(path).map(|(_, doubtful)| doubtful), Some(doubtful), "{path}");
    }
}

#[test]
fn what_lenient_readers_take_for_ascii_is_doubtful() {
    for path in [
        "/%c0%ae",
        "/%C0%AF",
        "/%e0%80%ae",
        "/%f0%80%80%af",
        "/%ff",
        "/%e9",
        "/%ed%a0%80",
        "/%c3",
        "/%ef%bc%8f",
        "/%ef%bc%8e%ef%bc%8e/",
        "/%ef%bd%81dmin",
        "/%e2%80%a4",
        "/%e2%88%95",
        "/%cd%be",
        "/%c5%bf",
        "/%e2%84%aa",
        "/%c2%85",
        "/%c2%a0",
        "/%f0%9d%90%9a",
        "/%c4%b3",
        "/%c7%86",
        "/%e3%8e%8f",
        "/%e3%80%80",
        "/%ea%9f%b2",
        "/%f0%9f%af%b0",
    ] {
        assert_eq!(compared(path).map(|(_, doubtful)| doubtful), Some(true), "{path}");
    }
    for path in ["/%C3%A9", "/%d0%96", "/%e4%b8%ad", "/%f0%9f%98%80", "/%cf%80"] {
        assert_eq!(compared(path).map(|(_, doubtful)| doubtful), Some(false), "{path}");
    }
}

#[test]
fn depth_costs_no_more_than_length() {
    assert_eq!(compared(&format!("/%{}2e", "25".repeat(500_000))), None);
    assert_eq!(compared(&format!("/%{}20", "25".repeat(500_000))).map(|(_, doubtful)| doubtful), Some(false));
}

/// Pass by pass, as a chain of servers would; `None` where a separator comes out of some escape.
fn slowly(path: &[u8]) -> Option<bool> {
    let specials = |bytes: &[u8], all: &[u8]| bytes.iter().filter(|byte| all.contains(byte) || **byte < 32).count();
    let hex = |at: Option<&u8>| at.is_some_and(u8::is_ascii_hexdigit);
    let broken = |(at, byte): (usize, &u8)| *byte == b'%' && !(hex(path.get(at + 1)) && hex(path.get(at + 2)));
    if path.iter().enumerate().any(broken) {
        return None;
    }
    let unreserved = |bytes: &[u8]| {
        let upper = String::from_utf8_lossy(bytes).to_ascii_uppercase();
        (b'A'..=b'Z')
            .chain(b'a'..=b'z')
            .chain(b'0'..=b'9')
            .chain(*b"-_~")
            .any(|byte| upper.contains(&format!("%{byte:02X}")))
    };
    let decode = |bytes: &[u8]| percent_encoding::percent_decode(bytes).collect::<Vec<u8>>();
    let mut now = path.to_vec();
    let mut doubtful = false;
    for pass in 0.. {
        let next = decode(&now);
        if next == now {
            break;
        }
        let separators: &[u8] = if pass == 0 { b"./\\\x7f" } else { b"./\\\x7f;" };
        if specials(&next, separators) > specials(&now, separators) {
            return None;
        }
        let odd = |bytes: &[u8]| {
            std::str::from_utf8(bytes).map_or(true, |text| text.chars().any(|letter| "／．\u{2024}".contains(letter)))
        };
        doubtful |= unreserved(&now) || odd(&next) || next.contains(&b';');
        now = next;
    }
    Some(doubtful)
}

proptest! {
    #[test]
    fn reading_agrees_with_decoding_pass_by_pass(
        parts in prop::collection::vec(prop_oneof![
            Just("%25"), Just("%"), Just("25"), Just("2"), Just("e"), Just("5"), Just("f"), Just("%2e"), Just("%32"),
            Just("%65"), Just("3b"), Just("%c0"), Just("%ae"), Just("%ef%bc%8f"), Just("%C3%a9"), Just("/"), Just("."),
            Just("a"), Just("%20"), Just("61"), Just("%40"), Just("00"),
        ], 0..12)
    ) {
        let path = format!("/{}", parts.concat());
        let found = read(path.as_bytes());
        prop_assert_eq!(found.as_ref().map(|read| read.doubtful), slowly(path.as_bytes()), "{}", path);
        if let Some(found) = found {
            let once = |bytes: &[u8]| percent_encoding::percent_decode(bytes).collect::<Vec<u8>>();
            prop_assert_eq!(once(&found.compared), once(path.as_bytes()));
            prop_assert_eq!(once(&found.written), once(path.as_bytes()));
            prop_assert!(found.written.eq_ignore_ascii_case(path.as_bytes()));
            // One reading, one form.
            prop_assert_eq!(read(&found.compared).unwrap().compared, found.compared);
        }
    }

    #[test]
    fn any_bytes_are_read(path: Vec<u8>) {
        let _ = read(&path);
    }
}
