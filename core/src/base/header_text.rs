//! Foreign text as header names and values: legal (RFC 9110 §5), and never the same value for two texts.

use super::fields::{is_header_value, is_tchar};
use super::headers::is_twin;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::borrow::Cow;

/// The text as a header value. Every byte outside printable ASCII, `%`, and spaces at either end are percent-encoded,
/// so that each value decodes to one text only.
pub fn value(text: &str) -> Cow<'_, str> {
    if is_header_value(text) && !text.contains('%') {
        return Cow::Borrowed(text);
    }
    const ENCODED: AsciiSet = CONTROLS.add(b'%');
    let inner = text.trim_matches(' ');
    let lead = text.len() - text.trim_start_matches(' ').len();
    let trail = text.len() - lead - inner.len();
    let encoded = utf8_percent_encode(inner, &ENCODED);
    format!("{}{encoded}{}", "%20".repeat(lead), "%20".repeat(trail)).into()
}

/// Texts as one header value, each encoded as by [`value`], joined by a space or a comma. Such a separator within a
/// text is percent-encoded.
pub fn list(texts: &[Box<str>], joint: char) -> String {
    let escaped = if joint == ' ' { "%20" } else { "%2C" };
    let mut list = String::new();
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            list.push(joint);
        }
        for (index, part) in value(text).split(joint).enumerate() {
            list.push_str(if index > 0 { escaped } else { "" });
            list.push_str(part);
        }
    }
    list
}

/// A member's name as part of a header name: in lower case, with `-` for what no name may contain.
pub fn name_part(member: &str) -> String {
    let legal = member.bytes().map(|byte| match byte.to_ascii_lowercase() {
        byte if is_tchar(byte) => char::from(byte),
        _ => '-',
    });
    legal.collect()
}

/// Whether the two are the same name, or become the same in CGI.
pub fn are_twins(one: &str, other: &str) -> bool {
    one == other || is_twin(one.as_bytes(), other.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::fields::is_header_name;
    use proptest::prelude::*;

    fn decoded(value: &str) -> Vec<u8> {
        percent_encoding::percent_decode(value.as_bytes()).collect()
    }

    fn texts(texts: &[&str]) -> Vec<Box<str>> {
        texts.iter().map(|text| (*text).into()).collect()
    }

    #[test]
    fn illegal_values_and_percent_signs_are_encoded_and_the_others_left_alone() {
        for (text, expected) in [
            ("portal", "portal"),
            ("a b", "a b"),
            ("50%", "50%25"),
            ("é", "%C3%A9"),
            ("%C3%A9", "%25C3%25A9"),
            ("a\n", "a%0A"),
            ("a%0A", "a%250A"),
            ("José 100%", "Jos%C3%A9 100%25"),
            (" a ", "%20a%20"),
            ("a\r\nx-admin: 1", "a%0D%0Ax-admin: 1"),
            ("  ", "%20%20"),
            ("\0", "%00"),
        ] {
            assert_eq!(value(text), expected);
        }
    }

    #[test]
    fn what_joins_a_list_is_encoded_within_its_texts() {
        assert_eq!(list(&texts(&["a", "b"]), ' '), "a b");
        assert_eq!(list(&texts(&["a b", "c"]), ' '), "a%20b c");
        assert_eq!(list(&texts(&["a,b", "c d", "100%"]), ','), "a%2Cb,c d,100%25");
        assert_eq!(list(&texts(&["", " ", ""]), ','), ",%20,");
        assert_eq!(list(&[], ','), "");
    }

    #[test]
    fn a_name_part_is_in_lower_case_and_legal() {
        assert_eq!(name_part("Client Id_é"), "client-id_--");
        assert!(are_twins("x-client_id", "x_client.id") && !are_twins("ab", "a-b") && !are_twins("a", "ab"));
    }

    proptest! {
        #[test]
        fn every_value_is_legal_and_decodes_to_its_text_only(text: String) {
            let value = value(&text);
            prop_assert!(is_header_value(&value));
            prop_assert_eq!(decoded(&value), text.into_bytes());
        }

        #[test]
        fn no_two_values_arrive_as_one(
            one in "[a%C3A9é\n 0]{0,6}", other in "[a%C3A9é\n 0]{0,6}", joint in prop::sample::select(vec![' ', ',']),
        ) {
            prop_assert_eq!(value(&one) == value(&other), one == other);
            // A list of one text equals that text, unless it contains the separator.
            let parted = [one.clone(), other.clone()].map(String::into_boxed_str);
            let joined = [format!("{one}{joint}{other}").into_boxed_str()];
            prop_assert_ne!(list(&parted, joint), list(&joined, joint));
        }

        #[test]
        fn every_list_is_legal_and_decodes_to_its_texts(
            texts in prop::collection::vec("[a,% é]{1,4}", 1..5), joint in prop::sample::select(vec![' ', ',']),
        ) {
            let boxed: Vec<Box<str>> = texts.iter().map(|text| text.as_str().into()).collect();
            let list = list(&boxed, joint);
            prop_assert!(is_header_value(&list));
            let found: Vec<_> = list.split(joint).map(decoded).collect();
            prop_assert_eq!(found, texts.into_iter().map(String::into_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn any_member_becomes_a_legal_name(member: String) {
            let name = ["x-", &name_part(&member)].concat();
            prop_assert!(is_header_name(&name));
        }
    }
}
