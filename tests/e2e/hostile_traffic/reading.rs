//! How an upstream might read a request: every place where it could see a token, every way to understand a path.

/// Whatever some upstream might take for a token, place by place.
pub fn credentials<'a>(target: &str, fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<String> {
    let mut found = Vec::new();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split(['&', ';']) {
        found.extend(
            form_urlencoded::parse(pair.as_bytes()).filter(|(name, _)| name == "access_token").map(|(_, v)| v.into()),
        );
    }
    for (name, value) in fields {
        let value = String::from_utf8_lossy(value);
        match String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-").as_str() {
            "authorization" => {
                for part in value.split(',').map(str::trim) {
                    let (scheme, token) = part.split_once([' ', '\t']).unwrap_or((part, ""));
                    found.extend(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned()));
                }
            }
            "x-access-token" => found.extend(value.split(',').map(|value| value.trim().to_owned())),
            "cookie" => {
                for pair in value.split(';') {
                    for part in pair.split(',') {
                        let Some((_, value)) = part.split_once('=').filter(|(name, _)| name.trim() == "at") else {
                            continue;
                        };
                        // What stands alone between semicolons, and as it is usual, is a cookie for everybody, with space
                        // around it or none.
                        let value = value.trim_end_matches([' ', '\t']);
                        let plain = pair.trim_matches([' ', '\t']) == format!("at={value}");
                        let plain = plain && !value.contains(['"', ' ', '\t']);
                        found.push(if plain { value.to_owned() } else { format!("odd {value}") });
                    }
                }
            }
            _ => {}
        }
    }
    found
}

pub fn plain_host(host: &str) -> Result<String, String> {
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let plain =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if name.split('.').all(plain) { Ok(name) } else { Err(format!("an ambiguous host {host:?}")) }
}

/// What each escape stands for.
fn escapes(path: &str) -> Vec<Result<u8, ()>> {
    let bytes = path.as_bytes();
    (0..bytes.len())
        .filter(|at| bytes[*at] == b'%')
        .map(|at| {
            let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
            digits
                .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|d| u8::from_str_radix(d, 16).ok())
                .ok_or(())
        })
        .collect()
}

/// A path that an upstream could read differently.
pub fn is_ambiguous(path: &str) -> bool {
    let literally = path.contains("//")
        || path.split('/').any(|segment| segment == "." || segment == "..")
        || path.bytes().any(|byte| matches!(byte, b'\\' | b';' | b'#') || !(0x21..0x7f).contains(&byte));
    let dangerous = |byte: &u8| b"./\\".contains(byte) || byte.is_ascii_control();
    let nested = |path: &str| {
        path.match_indices("%25").any(|(at, _)| {
            let rest = path[at + 3..].trim_start_matches("25");
            let stands_for = escapes(&format!("%{rest}")).first().copied();
            matches!(stands_for, Some(Ok(byte)) if dangerous(&byte) || byte == b';')
        })
    };
    let once = escapes(path);
    literally
        || nested(path)
        || nested(&unescaped(path))
        || once.iter().any(|byte| byte.as_ref().map_or(true, dangerous))
}

/// One that is compared, but that makes nothing public.
pub fn is_doubtful(path: &str) -> bool {
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    let fullwidth = |letter: char| ('\u{ff00}'..='\u{ffef}').contains(&letter);
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_~".contains(byte);
    String::from_utf8(decoded).map_or(true, |text| text.contains(fullwidth))
        || escapes(path).iter().flatten().any(|byte| unreserved(byte) || *byte == b';')
}

/// Escapes of letters, digits, `-`, `_` and `~` replaced by what they stand for.
pub fn unescaped(path: &str) -> String {
    let mut text = path.to_owned();
    for byte in (b'0'..=b'z').chain([b'-', b'~']).filter(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(byte)) {
        for escape in [format!("%{byte:02x}"), format!("%{byte:02X}")] {
            text = text.replace(&escape, &char::from(byte).to_string());
        }
    }
    text
}

#[test]
fn paths_are_read_as_the_documents_say() {
    let plain = ["/orders/1", "/a%20b", "/%C3%A9", "/%25", "/%2541", "/a:b@c", "/%2525"];
    let ambiguous = [
        "//",
        "/a/..",
        "/./a",
        "/a/.",
        "/%2e",
        "/%2F",
        "/%5c",
        "/a;b",
        "/a\\b",
        "/\u{e9}",
        "/%",
        "/%zz",
        "/%00",
        "/%252e",
        "/%25252f",
        "/%25%32%65",
        "/%253b",
        "/%250a",
    ];
    let doubtful = ["/%61", "/%7E", "/%2d", "/%3b", "/%c0%ae", "/%ff", "/%ef%bc%8f"];
    for path in plain {
        assert!(!is_ambiguous(path) && !is_doubtful(path), "{path}");
    }
    ambiguous.iter().for_each(|path| assert!(is_ambiguous(path), "{path}"));
    for path in doubtful {
        assert!(!is_ambiguous(path) && is_doubtful(path), "{path}");
    }
    assert_eq!(unescaped("/%6F%72ders/%7E%2e%5f"), "/orders/~%2e_");
}

#[test]
fn credentials_are_found_wherever_somebody_would_look() {
    let found =
        |target: &str, name: &str, value: &str| credentials(target, [(name.as_bytes(), value.as_bytes())].into_iter());
    for (name, value) in [
        ("Authorization", "Basic x, bEARER  t"),
        ("authorization", "Bearer\tt"),
        ("x_access-Token", "t"),
        ("cookie", "a=1; at=t"),
        ("cookie", "a=1;\tat=t ; b=2"),
    ] {
        assert_eq!(found("/", name, value), ["t"], "{name}: {value}");
    }
    for value in ["a=1,at=t", "at =t", "a=1;\tat=\"t\"", "at=t,"] {
        assert_ne!(found("/", "cookie", value), ["t"], "{value}");
        assert_eq!(found("/", "cookie", value).len(), 1, "{value}");
    }
    for target in ["/?access_token=t", "/?a=1;access%5Ftoken=t", "/?&access_token=t&a"] {
        assert_eq!(found(target, "accept", "at=t"), ["t"], "{target}");
    }
    assert!(found("/access_token=t", "accept", "").is_empty());
}
