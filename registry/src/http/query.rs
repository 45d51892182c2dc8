//! Query parameters: of lists, which part and which filters; of everything else, none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;

use crate::domain::fault::Fault;
use crate::http::problem::HttpProblem;
use crate::http::problem_types::INVALID_QUERY;
use crate::use_case::shown::Asked;

const USUAL_LIMIT: u32 = 50;
const LARGEST_LIMIT: u32 = 200;

/// The whole list, from its beginning.
pub fn everything() -> Asked {
    Asked { filters: Vec::new(), after: None, descending: false, limit: USUAL_LIMIT }
}

/// What is asked of a list that has these filters.
///
/// # Errors
/// The answer that names every fault.
pub fn list(query: &str, filters: &[&str]) -> Result<Asked, HttpProblem> {
    let (mut asked, mut faults, mut seen) = (everything(), Vec::new(), Vec::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let (name, value) = (name.into_owned(), value.into_owned());
        let outcome = match name.as_str() {
            _ if seen.contains(&name) => Err("is given twice"),
            _ if value.chars().any(char::is_control) => Err("has a control character"),
            "limit" => limit(&value).map(|limit| asked.limit = limit),
            "order" => descending(&value).map(|descending| asked.descending = descending),
            "after" => identifier(&value).map(|after| asked.after = Some(after)),
            known if filters.contains(&known) => {
                asked.filters.push((name.clone(), value));
                Ok(())
            }
            _ => Err("is no parameter of this list"),
        };
        faults.extend(outcome.err().map(|detail| Fault::new(format!("?{name}"), detail)));
        seen.push(name);
    }
    if faults.is_empty() { Ok(asked) } else { Err(problem(faults)) }
}

/// # Errors
/// The answer to a query where there is none.
pub fn none(query: &str) -> Result<(), HttpProblem> {
    let faults: Vec<Fault> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| Fault::new(format!("?{name}"), "is no parameter of this path"))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(problem(faults)) }
}

/// The query of the part of the list that comes after that identifier.
pub fn of_the_rest(asked: &Asked, after: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(&asked.filters);
    if asked.descending {
        query.append_pair("order", "desc");
    }
    query.append_pair("limit", &asked.limit.to_string());
    query.append_pair("after", &URL_SAFE_NO_PAD.encode(after));
    query.finish()
}

fn limit(value: &str) -> Result<u32, &'static str> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let limit = value.parse().ok().filter(|limit| digits && (1..=LARGEST_LIMIT).contains(limit));
    limit.ok_or("must be a whole number from 1 to 200")
}

fn descending(value: &str) -> Result<bool, &'static str> {
    match value {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err("must be asc or desc"),
    }
}

fn identifier(value: &str) -> Result<String, &'static str> {
    let decoded = URL_SAFE_NO_PAD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let fits = |text: &String| !text.is_empty() && text.len() <= 512 && !text.chars().any(char::is_control);
    decoded.filter(fits).ok_or("is not from a Link of this list")
}

fn problem(faults: Vec<Fault>) -> HttpProblem {
    let detail = format!("{} of the query parameters cannot be used", faults.len());
    HttpProblem::new(&INVALID_QUERY, detail).with_errors(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_be_filtered_and_cut() {
        let asked = list("q=a+b%26&limit=200&order=desc", &["q", "group"]).unwrap();
        assert_eq!((asked.limit, asked.descending, asked.after.as_deref()), (200, true, None));
        assert_eq!(asked.filters, [("q".to_owned(), "a b&".to_owned())]);
        let rest = of_the_rest(&asked, "prod/petstore");
        let again = list(&rest, &["q", "group"]).unwrap();
        assert_eq!(again, Asked { after: Some("prod/petstore".to_owned()), ..asked });
        assert_eq!(list("", &[]).unwrap(), everything());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            "x=1",
            "limit=0",
            "limit=201",
            "limit=",
            "limit=+5",
            "limit=5&limit=5",
            "order=up",
            "after=",
            "after=%00",
            "after=AA",
            "q=%00",
            "q=a&q=b",
            "q=%0a",
            "limit=99999999999",
            "Q=a",
        ] {
            assert!(list(wrong, &["q"]).is_err(), "{wrong}");
        }
        assert!(none("x").is_err() && none("").is_ok());
    }
}
