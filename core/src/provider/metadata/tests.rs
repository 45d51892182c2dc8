use super::*;
use proptest::prelude::*;

const ISSUER_URL: &str = "https://idp.example.com/tenant";

fn url(text: &str) -> HttpUrl {
    HttpUrl::parse(text).unwrap()
}

fn read(json: &str) -> Result<Metadata, MetadataError> {
    Metadata::read(json.as_bytes(), ISSUER_URL)
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table of cases")]
fn the_metadata_is_looked_for_where_the_standards_have_it() {
    let cases: [(&str, &[&str]); 7] = [
        // RFC 8414 §3.1.
        (
            "https://example.com",
            &[
                "https://example.com/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/openid-configuration",
            ],
        ),
        (
            "https://example.com/issuer1",
            &[
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration",
                "https://example.com/.well-known/openid-configuration/issuer1",
            ],
        ),
        // A slash at the end belongs to the issuer, not to these addresses.
        (
            "https://tenant.eu.auth0.com/",
            &[
                "https://tenant.eu.auth0.com/.well-known/oauth-authorization-server",
                "https://tenant.eu.auth0.com/.well-known/openid-configuration",
            ],
        ),
        (
            "https://login.example.com:8443/tenant/v2.0/",
            &[
                "https://login.example.com:8443/.well-known/oauth-authorization-server/tenant/v2.0",
                "https://login.example.com:8443/tenant/v2.0/.well-known/openid-configuration",
                "https://login.example.com:8443/.well-known/openid-configuration/tenant/v2.0",
            ],
        ),
        (
            "http://127.0.0.1:4000",
            &[
                "http://127.0.0.1:4000/.well-known/oauth-authorization-server",
                "http://127.0.0.1:4000/.well-known/openid-configuration",
            ],
        ),
        (
            "http://[::1]:8080/realms/a",
            &[
                "http://[::1]:8080/.well-known/oauth-authorization-server/realms/a",
                "http://[::1]:8080/realms/a/.well-known/openid-configuration",
                "http://[::1]:8080/.well-known/openid-configuration/realms/a",
            ],
        ),
        (
            "https://IDP.example.com/A%20b",
            &[
                "https://IDP.example.com/.well-known/oauth-authorization-server/A%20b",
                "https://IDP.example.com/A%20b/.well-known/openid-configuration",
                "https://IDP.example.com/.well-known/openid-configuration/A%20b",
            ],
        ),
    ];
    for (issuer, expected) in cases {
        let expected: Vec<HttpUrl> = expected.iter().copied().map(url).collect();
        assert_eq!(urls(issuer, None), Ok(expected), "{issuer}");
    }
}

#[test]
fn an_address_that_is_given_is_the_only_one() {
    let given = url("https://login.example.com/tenant/.well-known/openid-configuration?appid=7");
    for issuer in ["https://sts.example.net/tenant/", "accounts.example.com"] {
        assert_eq!(urls(issuer, Some(&given)), Ok(vec![given.clone()]), "{issuer}");
    }
}

#[test]
fn what_has_no_address_is_no_issuer_to_discover() {
    for issuer in ["", "accounts.google.com", "urn:issuer", "https://", "https://h/#f", "https://h/a?b", "https://h?b"]
    {
        assert!(urls(issuer, None).is_err(), "{issuer}");
    }
}

#[test]
fn what_is_used_is_read_and_everything_else_passed_over() {
    let all = format!(
        r#"{{"issuer":"{ISSUER_URL}","authorization_endpoint":7,"x":{{"a":1,"a":2}},"x":[],
            "jwks_uri":"https://idp.example.com/keys?v=2","introspection_endpoint":"https://idp.example.com/introspect"}}"#
    );
    let found = read(&all).unwrap();
    assert_eq!(found.jwks_uri, Some(url("https://idp.example.com/keys?v=2")));
    assert_eq!(found.introspection_endpoint, Some(url("https://idp.example.com/introspect")));
    for little in [
        format!(r#"{{"issuer":"{ISSUER_URL}"}}"#),
        format!(r#"{{"issuer":"{ISSUER_URL}","jwks_uri":null}}"#),
        format!(r#"{{"iss\u0075er":"{}"}}"#, ISSUER_URL.replace('/', "\\/")),
    ] {
        assert_eq!(read(&little), Ok(Metadata::default()), "{little}");
    }
}

#[test]
fn the_issuer_is_compared_byte_by_byte() {
    for other in [
        "https://idp.example.com/tenant/",
        "https://idp.example.com",
        "https://IDP.example.com/tenant",
        "https://idp.example.com:443/tenant",
        "https://idp.example.com/%74enant",
        "https://idp.example.com/{tenantid}",
        "",
    ] {
        let error = read(&format!(r#"{{"issuer":"{other}"}}"#)).unwrap_err();
        assert_eq!(error, MetadataError::OtherIssuer(other.into()));
        assert!(error.to_string().contains(&format!("\"{other}\"")), "{error}");
    }
}

#[test]
fn what_is_not_the_metadata_is_refused_with_the_reason() {
    let with = |member: &str| format!(r#"{{"issuer":"{ISSUER_URL}",{member}}}"#);
    for (json, error, shown) in [
        ("<html>".to_owned(), MetadataError::NotJson, "not a JSON object"),
        (format!(r#"[{{"issuer":"{ISSUER_URL}"}}]"#), MetadataError::NotJson, "not a JSON object"),
        ("{}".to_owned(), MetadataError::NoIssuer, "no \"issuer\""),
        (r#"{"issuer":null}"#.to_owned(), MetadataError::NoIssuer, "no \"issuer\""),
        (r#"{"issuer":["a"]}"#.to_owned(), MetadataError::WrongType("issuer"), "\"issuer\" is not a string"),
        (with(r#""jwks_uri":{}"#), MetadataError::WrongType("jwks_uri"), "\"jwks_uri\" is not a string"),
        (with(r#""issuer":"x""#), MetadataError::GivenTwice, "given twice"),
        (
            with(r#""introspection_endpoint":"/introspect""#),
            MetadataError::Unusable("introspection_endpoint", "must begin with \"https://\" or \"http://\""),
            "\"introspection_endpoint\" must begin with",
        ),
        (
            with(r#""jwks_uri":"https://u:p@h/""#),
            MetadataError::Unusable("jwks_uri", "must not hold credentials"),
            "\"jwks_uri\" must not hold credentials",
        ),
    ] {
        assert_eq!(read(&json), Err(error.clone()), "{json}");
        assert!(error.to_string().contains(shown), "{error}");
    }
}

#[test]
fn a_foreign_issuer_stays_one_short_line() {
    let error = read(&format!(r#"{{"issuer":"a\n\u001b[31m{}"}}"#, "b".repeat(100_000))).unwrap_err().to_string();
    assert!(error.len() < 400 && !error.contains(char::is_control), "{error}");
}

#[test]
fn depth_and_size_stop_nothing() {
    let nested = |open: &str, close: &str| {
        let depth = 256 * 1024 / (open.len() + close.len());
        format!(r#"{{"issuer":"{ISSUER_URL}","x":{}1{}}}"#, open.repeat(depth), close.repeat(depth))
    };
    for json in [nested("[", "]"), nested("{\"a\":", "}")] {
        assert_eq!(read(&json), Ok(Metadata::default()), "passed over, not entered");
        assert_eq!(read(&json.replace("\"x\"", "\"jwks_uri\"")), Err(MetadataError::NotJson));
    }
    let many = format!(r#"{{{}"issuer":"{ISSUER_URL}"}}"#, "\"x\":0,".repeat(40_000));
    assert_eq!(read(&many), Ok(Metadata::default()));
}

#[test]
fn an_endpoint_is_reached_by_the_cluster_of_its_origin() {
    let own: Rc<str> = "idp".into();
    let clusters =
        [("https://keys.example.com".into(), "keys".into()), ("http://idp.example.com:443".into(), "x".into())];
    for (endpoint, metadata, cluster) in [
        ("https://idp.example.com/keys", "https://idp.example.com/.well-known/x", Some("idp")),
        ("https://IDP.Example.Com:443/keys", "https://idp.example.com/", Some("idp")),
        ("https://idp.example.com/keys", "https://idp.example.com:0443", Some("idp")),
        ("http://idp.example.com:80/keys", "http://idp.example.com", Some("idp")),
        ("http://[2001:DB8::1]:8080/keys", "http://[2001:db8::1]:8080/", Some("idp")),
        ("https://keys.example.com:443/keys", "https://idp.example.com/", Some("keys")),
        ("https://keys.example.com:8443/keys", "https://idp.example.com/", None),
        ("http://keys.example.com/keys", "https://idp.example.com/", None),
        ("http://idp.example.com/keys", "https://idp.example.com/", None),
        ("http://idp.example.com:443/keys", "https://idp.example.com/", Some("x")),
        ("https://idp.example.com.evil.example/keys", "https://idp.example.com/", None),
        ("https://[::1]/", "https://[::1]:8443/", None),
    ] {
        let found = cluster_for(&url(endpoint), &url(metadata), &own, &clusters);
        assert_eq!(found.ok().as_deref(), cluster, "{endpoint} of {metadata}");
    }
    let foreign = cluster_for(&url("https://WWW.example.com:443/keys"), &url(ISSUER_URL), &own, &clusters);
    assert_eq!(foreign, Err(OutsideOrigin("https://www.example.com".into())));
    assert!(foreign.unwrap_err().to_string().starts_with("https://www.example.com is not"));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange_to_be_read(bytes: Vec<u8>) {
        let _ = Metadata::read(&bytes, ISSUER_URL);
    }

    #[test]
    fn nothing_of_another_issuer_is_taken(text in r#"\{("(issuer|jwks_uri|x)":("[a-z:/.\\]{0,9}"|null|\[\]|7|https://a),?){0,4}\}"#) {
        prop_assert!(Metadata::read(text.as_bytes(), ISSUER_URL).is_err());
    }

    #[test]
    fn any_text_is_an_issuer_or_none(issuer in r"https?://[a-z0-9.\[\]:/?%]{0,24}|.{0,24}") {
        for found in urls(&issuer, None).into_iter().flatten() {
            prop_assert_eq!(found.origin(), url(&issuer).origin());
            prop_assert!(found.path().contains("/.well-known/"));
            prop_assert_eq!(url(&format!("{}://{}{}", found.scheme(), found.authority(), found.path())), found);
        }
    }
}
