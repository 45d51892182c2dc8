use super::*;
use crate::base::headers::HeaderMap;
use proptest::prelude::*;

fn bearer() -> TokenSource {
    TokenSource::Header { name: "authorization".into(), schemes: vec!["Bearer".into()] }
}

fn take(sources: &[TokenSource], headers: &[(&'static str, &[u8])]) -> Result<Vec<u8>, TokenError> {
    let settings = TokenSettings { sources: sources.to_vec(), max_length: 64 };
    let head: HeaderMap = headers.iter().copied().collect();
    extract(&settings, &head).map(|found| found.token.into_owned())
}

#[test]
fn the_scheme_has_no_case_and_any_number_of_spaces_after_it() {
    for value in ["Bearer abc", "bearer abc", "BEARER    abc", "Bearer abc  "] {
        assert_eq!(take(&[bearer()], &[("authorization", value.as_bytes())]).unwrap(), b"abc", "{value:?}");
    }
}

#[test]
fn another_scheme_is_not_a_token() {
    for value in [
        "Basic abc",
        "Bearerabc",
        "Bear",
        "",
        "DPoP abc",
        "Basic xBearer",
        "Basic Bearers",
        "Basic Bearers abc",
        "Bearer:abc",
    ] {
        assert_eq!(take(&[bearer()], &[("authorization", value.as_bytes())]), Err(TokenError::Missing), "{value:?}");
    }
    assert_eq!(take(&[bearer()], &[("authorization", b"Bearer\tabc")]), Err(TokenError::Doubtful));
    for value in [
        &b"Basic abc,Bearer abc"[..],
        b"Basic abc, BEARER",
        b", Bearer abc",
        b"DPoP Bearer\tabc",
        b"Bearer,abc",
        b"Bearer\xa0abc",
        b"Bearer\x0babc",
        b"Basic x, Bearer\x0b ",
        b"Bearer\xc2\xa0abc",
        b"Bearer\x85abc",
        b"Digest x=\"Bearer abc\"",
        b"Basic x=Bearer abc",
        b"Basic xBearer abc",
    ] {
        let shown = value.escape_ascii();
        assert_eq!(take(&[bearer()], &[("authorization", value)]), Err(TokenError::Misplaced), "{shown}");
    }
}

#[test]
fn a_second_scheme_is_taken_and_told() {
    let sources = [TokenSource::Header { name: "authorization".into(), schemes: vec!["Bearer".into(), DPOP.into()] }];
    let settings = TokenSettings { sources: sources.to_vec(), max_length: 64 };
    let taken = |value: &str| {
        let head: HeaderMap = [("authorization", value)].into_iter().collect();
        let found = extract(&settings, &head).map(|found| (found.token.into_owned(), found.by_dpop));
        (found, is_by_dpop(&sources, &head))
    };
    assert_eq!(taken("Bearer abc"), (Ok((b"abc".to_vec(), false)), false));
    assert_eq!(taken("DPoP abc"), (Ok((b"abc".to_vec(), true)), true));
    assert_eq!(taken("dpop  abc "), (Ok((b"abc".to_vec(), true)), true));
    assert_eq!(taken("DPoP"), (Err(TokenError::Empty), true));
    assert_eq!(taken("Basic abc"), (Err(TokenError::Missing), false));
    assert_eq!(taken("DPoPabc"), (Err(TokenError::Missing), false));
    assert_eq!(taken("DPoP abc,Bearer abc"), (Err(TokenError::Misplaced), false));
    assert_eq!(taken("Basic abc,DPoP abc"), (Err(TokenError::Misplaced), true));
    let one = [TokenSource::Header { name: "authorization".into(), schemes: vec!["dpop".into()] }];
    assert_eq!(take(&one, &[("authorization", b"DPoP abc")]).unwrap(), b"abc");
    assert_eq!(take(&one, &[("authorization", b"Bearer abc")]), Err(TokenError::Missing));
}

#[test]
fn a_scheme_without_a_token_is_empty() {
    for value in ["Bearer", "Bearer ", "bearer    "] {
        assert_eq!(take(&[bearer()], &[("authorization", value.as_bytes())]), Err(TokenError::Empty), "{value:?}");
    }
}

#[test]
fn two_places_are_refused_even_with_the_same_token() {
    let sources = [bearer(), TokenSource::Header { name: "x-access-token".into(), schemes: Vec::new() }];
    let both: [(&str, &[u8]); 2] = [("authorization", b"Bearer abc"), ("x-access-token", b"abc")];
    assert_eq!(take(&sources, &both), Err(TokenError::Repeated));
    assert_eq!(take(&sources, &both[..1]).unwrap(), b"abc");
    assert_eq!(take(&sources, &both[1..]).unwrap(), b"abc");
    assert_eq!(take(&sources, &[]), Err(TokenError::Missing));
}

#[test]
fn a_query_parameter_is_form_decoded_and_must_be_alone() {
    let query = [TokenSource::Query("access_token".into())];
    let take = |path: &str| super::tests::take(&query, &[(":path", path.as_bytes())]);
    assert_eq!(take("/x?access_token=a%2Bb%3D&z=1").unwrap(), b"a+b=");
    assert_eq!(take("/x?z=1&access%5Ftoken=abc").unwrap(), b"abc");
    assert_eq!(take("/x?access_token=a&access_token=a"), Err(TokenError::Repeated));
    assert_eq!(take("/x?access_token="), Err(TokenError::Empty));
    assert_eq!(take("/x?access_token"), Err(TokenError::Empty));
    assert_eq!(take("/access_token=abc"), Err(TokenError::Missing));
}

#[test]
fn a_cookie_must_be_alone_over_all_lines() {
    let cookie = [TokenSource::Cookie("at".into())];
    let take = |lines: &[(&'static str, &[u8])]| super::tests::take(&cookie, lines);
    assert_eq!(take(&[("cookie", b"a=1; at=abc==; b=2")]).unwrap(), b"abc==");
    assert_eq!(take(&[("cookie", b"at=a; at=a")]), Err(TokenError::Repeated));
    assert_eq!(take(&[("cookie", b"at=a"), ("cookie", b"x=1"), ("cookie", b"at=b")]), Err(TokenError::Repeated));
    assert_eq!(take(&[("cookie", b"cat=abc; AT=abc")]), Err(TokenError::Missing));
}

#[test]
fn a_header_that_differs_in_its_separators_is_refused() {
    let sources = [TokenSource::Header { name: "x-access-token".into(), schemes: Vec::new() }];
    for twin in ["x_access_token", "x-access_token", "x.access-token"] {
        assert_eq!(take(&sources, &[(twin, b"abc")]), Err(TokenError::Misplaced), "{twin}");
        assert_eq!(take(&sources, &[("x-access-token", b"abc"), (twin, b"")]), Err(TokenError::Misplaced), "{twin}");
    }
    assert_eq!(take(&sources, &[("x-access-token", b"abc"), ("x-access-tokens", b"")]).unwrap(), b"abc");
}

#[test]
fn a_token_beside_what_a_few_upstreams_take_for_one_is_refused() {
    let key = TokenSource::Header { name: "x-access-token".into(), schemes: Vec::new() };
    let all = [bearer(), key, TokenSource::Query("at".into())];
    let token = ("x-access-token", &b"abc"[..]);
    for doubtful in [("authorization", &b"Bearer\tabc"[..]), (":path", b"/?AT=abc")] {
        assert_eq!(take(&all, &[doubtful]), Err(TokenError::Doubtful), "{doubtful:?}");
        assert_eq!(take(&all, &[token, doubtful]), Err(TokenError::Repeated), "{doubtful:?}");
    }
    assert_eq!(take(&all, &[token, ("authorization", b"Basic abc"), (":path", b"/?a=abc")]).unwrap(), b"abc");
}

#[test]
fn each_error_says_what_was_found() {
    for (error, text) in [
        (TokenError::Missing, "no access token"),
        (TokenError::Doubtful, "what an upstream could take for another access token"),
        (TokenError::Misplaced, "what an upstream could take for another access token"),
        (TokenError::Repeated, "an access token in two places"),
        (TokenError::Empty, "an empty access token"),
        (TokenError::TooLong, "an access token that is too long"),
    ] {
        assert_eq!((error.text(), error.to_string().as_str()), (text, text));
    }
}

#[test]
fn length_is_bounded() {
    assert_eq!(
        take(&[bearer()], &[("authorization", &[b"Bearer ".as_slice(), &[b'a'; 65]].concat())]),
        Err(TokenError::TooLong)
    );
    assert_eq!(
        take(&[bearer()], &[("authorization", &[b"Bearer ".as_slice(), &[b'a'; 64]].concat())]).unwrap().len(),
        64
    );
}

proptest! {
    #[test]
    fn any_bytes_in_any_place_are_judged_without_a_panic(value: Vec<u8>) {
        let sources = [bearer(), TokenSource::Query("t".into()), TokenSource::Cookie("t".into()), TokenSource::Header { name: "x".into(), schemes: Vec::new() }];
        for name in ["authorization", ":path", "cookie", "x"] {
            let _ = take(&sources, &[(name, &value)]);
        }
    }
}
