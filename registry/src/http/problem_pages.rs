//! The pages that explain the types of problems, where the types point.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::Response;

use crate::http::problem::HttpProblem;
use crate::http::problem_types::{PROBLEM_TYPES, ProblemType};

pub const PATH: &str = "/problems/";

/// # Errors
/// The answer where there is no such type.
pub fn page(slug: &str) -> Result<Response, HttpProblem> {
    let kind = PROBLEM_TYPES.iter().find(|kind| kind.slug == slug).ok_or_else(HttpProblem::not_found)?;
    let mut response = Response::new(Body::from(html(kind)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    Ok(response)
}

/// Titles and meanings are ours and without markup; code is between backticks.
fn html(kind: &ProblemType) -> String {
    let (title, status) = (marked(kind.title), kind.status);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{0}</title>\n<h1>{title}</h1>\n\
         <p>Type <code>{0}</code>, status {status}</p>\n<p>{1}</p>\n</html>\n",
        kind.slug,
        marked(kind.meaning),
    )
}

fn marked(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(number, part)| if number % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_a_page_and_a_slug_of_its_own() {
        for kind in PROBLEM_TYPES {
            assert!(page(kind.slug).is_ok());
            assert_eq!(PROBLEM_TYPES.iter().filter(|other| other.slug == kind.slug).count(), 1);
            assert!(
                !html(kind).contains('`') && !kind.title.contains(['<', '&']) && !kind.meaning.contains(['<', '&'])
            );
        }
        assert!(page("nothing").is_err() && page("").is_err());
    }
}
