use super::*;
use crate::base::http::{Body, HttpAnswer, NoAnswer};

const PACE: Freshening = Freshening { refresh: Duration::from_secs(600), timeout: Duration::from_secs(2) };
const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn location(path: &str) -> Location {
    Location { url: HttpUrl::parse(&format!("https://idp{path}")).unwrap(), cluster: "idp".into() }
}

fn document(paths: &[&str]) -> FreshDocument<String> {
    FreshDocument::new(paths.iter().map(|path| location(path)).collect(), PACE, 1)
}

fn answer(status: u16, body: &str, etag: Option<&str>) -> HttpResult {
    let headers = etag.map(|etag| ("etag".to_owned(), etag.into())).into_iter().collect();
    HttpResult::Answered(HttpAnswer { status, headers, body: Body::Whole(body.into()) })
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| "not text".to_owned())?;
    if text == "bad" { Err("it is bad".to_owned()) } else { Ok(text) }
}

fn path(call: &HttpCall) -> &str {
    &call.headers.iter().find(|(name, _)| name == ":path").unwrap().1
}

fn condition(call: &HttpCall) -> Option<&str> {
    call.headers.iter().find(|(name, _)| name == "if-none-match").map(|(_, value)| value.as_str())
}

/// A document whose first fetch brought `one` with the tag `"1"`.
fn known() -> FreshDocument<String> {
    let mut document = document(&["/jwks"]);
    document.poll(NOW).unwrap();
    let fetched = document.on_result(answer(200, "one", Some("\"1\"")), NOW, text);
    assert!(matches!(fetched, Fetched::Changed(None)), "{fetched:?}");
    document
}

#[test]
fn is_fetched_at_once_then_as_often_as_configured() {
    let mut document = document(&["/jwks"]);
    let call = document.poll(NOW).unwrap();
    assert_eq!((path(&call), condition(&call), call.timeout), ("/jwks", None, Duration::from_secs(2)));
    assert_eq!(document.poll(NOW.plus(Duration::from_secs(2))), None, "one call at a time");
    assert_eq!(document.content(), None);
    document.on_result(answer(200, "one", None), NOW, text);
    assert_eq!(document.content().map(|text| text.as_str()), Some("one"));
    assert_eq!(document.poll(NOW.plus(Duration::from_secs(539))), None);
    let later = NOW.plus(Duration::from_secs(601));
    assert!(document.poll(later).is_some());
    assert_eq!(document.age(later), Some(Duration::from_secs(601)));
}

#[test]
fn is_asked_for_conditionally_and_only_a_new_one_is_a_change() {
    let mut document = known();
    let mut now = NOW;
    for (status, body, expected) in [(304, "", "one"), (200, "one", "one"), (200, "two", "two")] {
        now = now.plus(Duration::from_secs(601));
        let call = document.poll(now).unwrap();
        assert_eq!(condition(&call), Some("\"1\""));
        let fetched = document.on_result(answer(status, body, Some("\"1\"")), now, text);
        assert_eq!(matches!(&fetched, Fetched::Changed(Some(older)) if **older == "one"), expected == "two");
        assert_eq!(matches!(fetched, Fetched::Unchanged), expected == "one");
        assert_eq!(document.age(now), Some(Duration::ZERO));
        assert_eq!(document.content().map(|text| text.as_str()), Some(expected));
    }
}

#[test]
fn nothing_but_a_good_one_takes_the_place_of_a_good_one() {
    let too_large = Body::TooLarge(10 << 20);
    let coded = [("content-encoding".to_owned(), b"gzip".to_vec())].into();
    for (result, reason) in [
        (
            HttpResult::Failed(NoAnswer::Unconnected),
            "no connection came about, or it was lost: check the cluster's address, its TLS and its CA",
        ),
        (answer(500, "two", None), "status 500 where 200 was expected"),
        (answer(204, "", None), "status 204 where 200 was expected"),
        (answer(302, "", None), "status 302: redirects are not followed; configure the address that it leads to"),
        (answer(200, "bad", None), "it is bad"),
        (answer(200, &"x".repeat(MAX_DOCUMENT_BYTES + 1), None), "the answer has more than 262144 bytes"),
        (
            HttpResult::Answered(HttpAnswer { status: 200, body: too_large, ..HttpAnswer::default() }),
            "the answer has more than 262144 bytes",
        ),
        (
            HttpResult::Answered(HttpAnswer { status: 200, headers: coded, ..HttpAnswer::default() }),
            "the answer has a content-encoding, though none was asked for",
        ),
    ] {
        let mut document = known();
        let now = NOW.plus(Duration::from_secs(700));
        document.poll(now).unwrap();
        match document.on_result(result, now, text) {
            Fetched::Failed(error) => assert_eq!(error.to_string(), reason),
            other => panic!("{reason}: {other:?}"),
        }
        assert!(document.has_failed());
        assert_eq!(document.content().map(|text| text.as_str()), Some("one"), "{reason}");
        assert_eq!(document.age(now), Some(Duration::from_secs(700)));
        assert_eq!(document.poll(now.plus(Duration::from_millis(700))), None, "it backs off");
        assert!(document.poll(now.plus(Duration::from_millis(1201))).is_some());
    }
}

#[test]
fn a_304_without_a_condition_is_no_document() {
    let mut document = document(&["/jwks"]);
    document.poll(NOW).unwrap();
    assert!(matches!(document.on_result(answer(304, "", None), NOW, text), Fetched::Failed(_)));
}

#[test]
fn requests_have_it_fetched_at_once_and_then_seldom() {
    let mut document = known();
    assert!(matches!(document.demand(NOW), Demand::UnderWay(Some(_))));
    assert!(matches!(document.demand(NOW), Demand::UnderWay(None)));
    document.on_result(answer(304, "", None), NOW, text);
    for millis in [0, 1, 9_999] {
        assert!(matches!(document.demand(NOW.plus(Duration::from_millis(millis))), Demand::TooSoon));
    }
    assert!(matches!(document.demand(NOW.plus(Duration::from_secs(10))), Demand::UnderWay(Some(_))));
}

/// 503, to be asked again after so many seconds.
fn busy(seconds: u64) -> HttpResult {
    let headers = vec![("retry-after".to_owned(), seconds.to_string().into())];
    HttpResult::Answered(HttpAnswer { status: 503, headers, ..HttpAnswer::default() })
}

#[test]
fn a_server_that_asks_for_a_pause_is_left_alone_by_requests_too() {
    for (asked, seconds) in [(60, 60), (4, 10), (86_400, LONGEST_BACKOFF.as_secs())] {
        let mut document = known();
        assert!(matches!(document.demand(NOW), Demand::UnderWay(Some(_))));
        assert!(matches!(document.on_result(busy(asked), NOW, text), Fetched::Failed(_)));
        let last = NOW.plus(Duration::from_millis(seconds * 1000 - 1));
        assert!(matches!(document.demand(last), Demand::TooSoon), "{asked}");
        assert_eq!(document.poll(last).is_none(), seconds > 10, "{asked}: for itself it tries again as it can");
        let again = NOW.plus(Duration::from_secs(seconds));
        assert!(matches!(document.demand(again), Demand::UnderWay(_)), "{asked}");
    }
    // It is another server, or the clock was set back.
    let mut document = known();
    document.demand(NOW);
    document.on_result(busy(86_400), NOW, text);
    let earlier = Timestamp::from_secs(1000);
    assert!(matches!(document.demand(earlier), Demand::TooSoon));
    assert!(matches!(document.demand(earlier.plus(LONGEST_BACKOFF)), Demand::UnderWay(Some(_))));
    document.on_result(busy(86_400), earlier, text);
    document.move_to(location("/new"));
    assert!(matches!(document.demand(earlier), Demand::UnderWay(Some(_))));
}

#[test]
fn the_pause_that_one_location_asks_for_is_not_lost_at_the_next() {
    let mut document = document(&["/a", "/b"]);
    document.poll(NOW).unwrap();
    assert!(matches!(document.on_result(busy(60), NOW, text), Fetched::Elsewhere(_)));
    assert!(matches!(document.on_result(answer(404, "", None), NOW, text), Fetched::Failed(_)));
    let last = NOW.plus(Duration::from_millis(59_999));
    assert!(document.poll(last).is_none() && matches!(document.demand(last), Demand::TooSoon));
    assert!(document.poll(NOW.plus(Duration::from_secs(60))).is_some());
}

#[test]
fn a_clock_that_is_set_back_puts_nothing_off_for_long() {
    let mut document = known();
    assert!(matches!(document.demand(NOW), Demand::UnderWay(Some(_))));
    document.on_result(answer(304, "", None), NOW, text);
    let earlier = Timestamp::from_secs(1000);
    assert!(document.poll(earlier).is_none());
    assert!(document.poll(earlier.plus(PACE.refresh + LONGEST_BACKOFF)).is_some());
    document.on_result(answer(304, "", None), earlier, text);
    assert!(matches!(document.demand(earlier), Demand::TooSoon));
    assert!(matches!(document.demand(earlier.plus(DEMAND_INTERVAL)), Demand::UnderWay(Some(_))));
}

#[test]
fn each_location_is_tried_until_one_has_it() {
    let mut document = document(&["/a", "/b", "/c"]);
    assert_eq!(document.total_timeout(), Duration::from_secs(6));
    assert_eq!(path(&document.poll(NOW).unwrap()), "/a");
    let Fetched::Elsewhere(call) = document.on_result(answer(404, "", None), NOW, text) else { panic!() };
    assert_eq!(path(&call), "/b");
    assert!(matches!(document.demand(NOW), Demand::UnderWay(None)));
    assert!(matches!(document.on_result(answer(200, "one", None), NOW, text), Fetched::Changed(None)));
    assert_eq!(document.location(), Some(&location("/b")));
    let call = document.poll(NOW.plus(Duration::from_secs(601))).unwrap();
    assert_eq!(path(&call), "/b", "it is fetched from where it was found");
    let failed = document.on_result(answer(404, "", None), NOW, text);
    assert!(matches!(failed, Fetched::Failed(FetchError::Status(404))), "and looked for nowhere else");
}

#[test]
fn when_no_location_has_it_the_first_is_tried_again_after_a_pause() {
    let mut document = document(&["/a", "/b"]);
    document.poll(NOW).unwrap();
    assert!(matches!(document.on_result(HttpResult::Failed(NoAnswer::TimedOut), NOW, text), Fetched::Elsewhere(_)));
    assert!(matches!(document.on_result(HttpResult::Failed(NoAnswer::TimedOut), NOW, text), Fetched::Failed(_)));
    assert_eq!(document.poll(NOW), None);
    assert_eq!(path(&document.poll(NOW.plus(Duration::from_secs(2))).unwrap()), "/a");
}

#[test]
fn it_may_move_and_what_is_known_stays() {
    let mut document = known();
    document.move_to(location("/jwks"));
    assert_eq!(document.poll(NOW), None, "it has not moved");
    document.move_to(location("/new"));
    let call = document.poll(NOW).unwrap();
    assert_eq!((path(&call), condition(&call)), ("/new", None));
    assert_eq!(document.content().map(|text| text.as_str()), Some("one"));
}

#[test]
fn an_answer_from_where_it_no_longer_is_counts_for_nothing() {
    let mut document = document(&["/old"]);
    document.poll(NOW).unwrap();
    document.move_to(location("/new"));
    assert_eq!(document.poll(NOW), None, "one call at a time");
    let Fetched::Elsewhere(call) = document.on_result(answer(200, "old", None), NOW, text) else { panic!() };
    assert_eq!((path(&call), document.content()), ("/new", None));
}

#[test]
fn a_document_without_a_location_is_not_fetched() {
    let mut document = document(&[]);
    assert_eq!(document.poll(NOW), None);
    assert!(matches!(document.demand(NOW), Demand::TooSoon));
    document.move_to(location("/jwks"));
    assert!(document.poll(NOW).is_some());
}

#[test]
fn a_fetch_that_the_host_loses_is_not_the_last_one() {
    for (polls, later) in [(true, NOW.plus(Duration::from_secs(4))), (false, NOW.minus(Duration::from_secs(1)))] {
        let mut document = known();
        assert!(matches!(document.demand(NOW), Demand::UnderWay(Some(_))));
        if polls {
            assert!(document.poll(later).is_none(), "it is not due");
            assert!(!document.is_under_way() && document.has_failed());
        } else {
            assert!(matches!(document.demand(later), Demand::TooSoon), "the clock was set back");
        }
        assert!(matches!(document.demand(later.plus(DEMAND_INTERVAL)), Demand::UnderWay(Some(_))));
    }
}
