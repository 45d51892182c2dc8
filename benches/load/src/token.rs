//! Distinct tokens made from a number, so that a set of known tokens can be asked for again without being stored.

use serde::Deserialize;

/// What the benchmark's authorization server shall say about a token.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Active, issued to the client `portal`.
    Good,
    /// Not active.
    Bad,
    /// Active, issued to the client `client-NNNNNNN` that the token's own number names.
    Client,
}

/// The length of 32 random bytes in unpadded base64url: what many servers issue.
const LENGTH: usize = 43;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The marker between what a token says to the benchmark's authorization server and its random-looking rest.
pub const MARK: char = '~';

/// The `number`th token of `form`: always the same 43 characters.
pub fn token(form: Form, number: u64) -> String {
    let mut text = match form {
        Form::Good => String::new(),
        Form::Bad => format!("bad{MARK}"),
        Form::Client => format!("{}{MARK}", client(number)),
    };
    // The number itself goes in first: two tokens never meet by chance, as far as 2^60 numbers.
    let mut bits = number;
    for _ in 0..10 {
        push(&mut text, bits);
        bits >>= 6;
    }
    let mut state = number;
    while text.len() < LENGTH {
        state = scramble(state);
        push(&mut text, state >> 58);
    }
    text
}

/// The client application that holds contract number `number`.
pub fn client(number: u64) -> String {
    format!("client-{number:07}")
}

fn push(text: &mut String, bits: u64) {
    let at = usize::try_from(bits & 63).unwrap_or_default();
    text.push(char::from(ALPHABET.get(at).copied().unwrap_or(b'A')));
}

/// One step of SplitMix64.
pub fn scramble(state: u64) -> u64 {
    let mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn tokens_are_43_characters_and_distinct() {
        let forms = [Form::Good, Form::Bad, Form::Client];
        let tokens: HashSet<String> =
            forms.into_iter().flat_map(|form| (0..1000).map(move |number| token(form, number))).collect();
        assert_eq!(tokens.len(), 3000);
        assert!(tokens.iter().all(|token| token.len() == LENGTH));
    }

    #[test]
    fn a_client_token_names_its_client() {
        assert!(token(Form::Client, 42).starts_with("client-0000042~"));
    }
}
