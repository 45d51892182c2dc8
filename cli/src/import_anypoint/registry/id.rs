//! What identifiers and texts of the registry may be.

/// What an identifier must be that [`is_slug`] takes.
pub const SLUG: &str = "1 to 63 of a-z, 0-9 and -, not beginning or ending with -";

/// `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`: of a tier, a group, an environment or a provider.
pub fn is_slug(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// What is a slug of this name; `None` where it has neither letters of ASCII nor digits.
pub fn slug_of(name: &str) -> Option<String> {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let slug = joined.get(..63).unwrap_or(&joined).trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`: of an API.
pub fn is_api_id(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.len() <= 128 && text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(inner)
}

/// `*VSCHAR` (RFC 6749, appendix A.1) of 1 to 1024 bytes.
pub fn is_client_id(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// A title or a name: 1 to 200 characters, none of them a control character.
pub fn is_title(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.contains(char::is_control)
}

/// A description: at most 4000 characters, of control characters line feeds alone.
pub fn is_description(text: &str) -> bool {
    text.chars().count() <= 4000 && !text.contains(|letter: char| letter.is_control() && letter != '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug_where_it_can() {
        for (name, slug) in [
            ("Gold", Some("gold")),
            ("  Gold  Plus (new)! ", Some("gold-plus-new")),
            ("<b>9</b>", Some("b-9-b")),
            ("Ünlimited", Some("nlimited")),
            ("金", None),
            ("--", None),
        ] {
            assert_eq!(slug_of(name).as_deref(), slug, "{name}");
        }
        let long = slug_of(&format!("{} x", "a".repeat(62))).unwrap();
        assert!(is_slug(&long) && long.len() == 62, "{long}");
    }

    #[test]
    fn identifiers_are_those_of_the_registry() {
        for (text, slug, api) in
            [("a", true, true), ("-a", false, false), ("a-", false, true), ("A.b_c-1", false, true), ("", false, false)]
        {
            assert_eq!((is_slug(text), is_api_id(text)), (slug, api), "{text}");
        }
        assert!(!is_slug(&"a".repeat(64)) && is_api_id(&"a".repeat(128)) && !is_api_id(&"a".repeat(129)));
        assert!(is_client_id("a b~") && !is_client_id("\u{e9}") && !is_client_id(""));
        assert!(is_title("<b>") && !is_title("a\nb") && is_description("a\nb") && !is_description("a\rb"));
    }
}
