//! Single header fields and texts: `Link`, `Cache-Control`, `Prefer`, entity tags, URLs, dates, base64url, durations,
//! header texts.

use super::super::Target;
use std::str;
use tessera_core::base::http::HttpUrl;
use tessera_core::base::{date, fields, header_text};
use tessera_core::cache::CacheControl;
use tessera_core::config::parse_duration;
use tessera_core::feed::link::{MAX_PATH, Origin, next_page};
use tessera_core::feed::preference;
use tessera_core::jose::base64url;
use tessera_core::proof::certificate;

pub const TARGET: Target = Target {
    name: "fields",
    seeds,
    words: &[
        "<",
        ">",
        "; rel=next",
        "; rel=\"next\"",
        "https://",
        "//",
        "..",
        "/./",
        "?",
        "#",
        ",",
        ";",
        "=",
        "\"",
        "\\",
        "no-store",
        "max-age=",
        "wait=",
        "@",
        ":443",
        "T00:00:00Z",
        "+00:00",
        ".5",
        "Hash=",
        "Cert=\"",
        "[::1]",
        "%2e",
        "\u{a0}",
    ],
    run,
    rounds: 60_000,
    reaches: &["link", "url", "date", "base64url", "duration", "nothing"],
};

fn seeds() -> Vec<Vec<u8>> {
    [
        "</v1?page=2>; rel=\"next\", </p>; rel=prev; title=\"x, <y>\"",
        "<https://api.example.com:443/a/../b?c>; rel=next; anchor=\"/x\"",
        "max-age=60, no-cache=\"set-cookie, x\", must-revalidate",
        "wait=30; a=b, respond-async",
        "https://idp.example.com:8443/oauth2/introspect?x=1",
        "http://[::1]:80/",
        "2026-01-01T00:00:00Z",
        "2026-12-31T23:59:60.5+01:30",
        "Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;Cert=\"a\",By=x",
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "250ms",
        "Jos\u{e9} 100%\r\nx: 1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn run(input: &[u8]) -> String {
    let mut seen = "nothing";
    let origin = Origin { scheme: "https", authority: "api.example.com" };
    if let Ok(Some(page)) = next_page([input].into_iter(), origin, "/v1/contracts?page=1") {
        assert!(page.starts_with('/') && page.len() <= MAX_PATH && page.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(
            HttpUrl::parse(&format!("https://api.example.com{page}")).is_ok_and(|url| url.host() == "api.example.com")
        );
        seen = "link";
    }
    let one = CacheControl::from_lines([input]);
    let two = CacheControl::from_lines([input, input]);
    assert_eq!(one, two, "said twice it means something else");
    assert_eq!(preference::wait([input]), preference::wait([input, input]), "said twice it means something else");
    let _ = certificate::digest(input);
    let _ = certificate::forwarded([input].into_iter());
    let _ = fields::delta_seconds(input);
    let Ok(text) = str::from_utf8(input) else { return seen.into() };
    if let Ok(url) = HttpUrl::parse(text) {
        let whole = format!("{}://{}{}", url.scheme(), url.authority(), url.path());
        assert_eq!(HttpUrl::parse(&whole), Ok(url.clone()), "{whole}");
        assert!(!url.host().is_empty() && !url.authority().contains('@'), "{whole}");
        assert!(!whole.contains(['#', ' ', '\r', '\n']), "{whole}");
        seen = "url";
    }
    if let Some(time) = date::parse(text) {
        if let Some(written) = date::written(time) {
            assert_eq!(date::parse(&written), Some(time), "{text} {written}");
        }
        seen = "date";
    }
    if let Some(bytes) = base64url::decode(text) {
        assert_eq!(base64url::encode(&bytes), text, "two texts for the same bytes");
        seen = "base64url";
    }
    assert_eq!(base64url::decode(&base64url::encode(input)).as_deref(), Some(input));
    if parse_duration(text).is_some() {
        seen = "duration";
    }
    let value = header_text::value(text);
    let back: Vec<u8> = percent_encoding::percent_decode_str(&value).collect();
    assert_eq!(back, input, "two texts become one header");
    assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
    let part = header_text::name_part(text);
    assert!(part.bytes().all(|byte| fields::is_tchar(byte) && !byte.is_ascii_uppercase()), "{part}");
    seen.into()
}
