//! What a path and a method lead to. One table of routes makes the service, its OpenAPI document and the tests.

use std::pin::Pin;

use axum::http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::domain::refusal::Refusal;
use crate::http::answer::ApiAnswer;
use crate::http::problem::HttpProblem;
use crate::use_case::context::Context;
use crate::use_case::shown::{Asked, Expected};

/// Where all routes begin.
pub const BASE: &str = "/api/v1";

/// A way to a use case.
pub struct Route {
    pub method: Method,
    /// Below [`BASE`]; a segment in braces is a parameter.
    pub template: &'static str,
    pub takes: Takes,
    pub run: Run,
}

/// What a route takes beside its parameters.
#[derive(Clone, Copy)]
pub enum Takes {
    Nothing,
    /// A query, with these filters.
    List(&'static [&'static str]),
    /// A JSON object.
    Object,
    /// A JSON object that changes what is there (RFC 7396).
    MergePatch,
    /// A text, whatever is in it.
    Text,
}

/// A request, as far as it is not HTTP.
pub struct ApiCall {
    /// Of the path, in its order.
    pub parameters: Vec<String>,
    pub asked: Asked,
    pub expected: Expected,
    pub object: Map<String, Value>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl ApiCall {
    /// A parameter of the path; empty where the template has none, so that nothing is found.
    pub fn parameter(&self, number: usize) -> &str {
        self.parameters.get(number).map_or("", String::as_str)
    }
}

pub type Running<'a> = Pin<Box<dyn Future<Output = Result<ApiAnswer, Refusal>> + Send + 'a>>;

/// Runs the use case.
pub type Run = for<'a, 'c> fn(&'a mut Context<'c>, &'a ApiCall) -> Running<'a>;

/// The route for a request, and the parameters of its path.
///
/// # Errors
/// The answer where there is none.
pub fn find<'r>(routes: &[&'r [Route]], method: &Method, path: &str) -> Result<(&'r Route, Vec<String>), HttpProblem> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut others = Vec::new();
    for route in routes.iter().flat_map(|part| part.iter()) {
        let Some(parameters) = parameters(route.template, path) else { continue };
        if route.method == method {
            return Ok((route, parameters));
        }
        others.push(&route.method);
    }
    if others.is_empty() {
        Err(HttpProblem::not_found())
    } else {
        Err(HttpProblem::method_not_allowed(&allow(&others)))
    }
}

/// The template that fits, for logs and metrics of requests without a route, too.
pub fn template(routes: &[&'static [Route]], path: &str) -> &'static str {
    let mut all = routes.iter().flat_map(|part| part.iter());
    all.find(|route| parameters(route.template, path).is_some()).map_or("", |route| route.template)
}

fn allow(methods: &[&Method]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.sort_unstable();
    names.join(", ")
}

/// What fills the braces, when the path is one of the template. What no identifier has (a slash, control characters)
/// fills none.
fn parameters(template: &str, path: &str) -> Option<Vec<String>> {
    let (mut names, mut segments) = (template.split('/'), path.split('/'));
    let mut filled = Vec::new();
    loop {
        match (names.next(), segments.next()) {
            (None, None) => return Some(filled),
            (Some(name), Some(segment)) if name.starts_with('{') => {
                let text = percent_decode_str(segment).decode_utf8().ok()?;
                if text.is_empty() || text.chars().any(|character| character == '/' || character.is_control()) {
                    return None;
                }
                filled.push(text.into_owned());
            }
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fills_the_braces_of_its_template() {
        let filled = |path| parameters("/apis/{environment}/{id}/openapi", path);
        assert_eq!(filled("/apis/prod/a.b-c_1/openapi"), Some(vec!["prod".to_owned(), "a.b-c_1".to_owned()]));
        assert_eq!(filled("/apis/prod/%61%20/openapi"), Some(vec!["prod".to_owned(), "a ".to_owned()]));
        for wrong in [
            "/apis/prod/openapi",
            "/apis/prod//openapi",
            "/apis/prod/a/openapi/",
            "/apis/prod/a/openapi/b",
            "apis/prod/a/openapi",
            "/APIS/prod/a/openapi",
            "/apis/prod/a%2Fb/openapi",
            "/apis/prod/a%00/openapi",
            "/apis/prod/%ff/openapi",
            "/apis/prod/a%0a/openapi",
        ] {
            assert_eq!(filled(wrong), None, "{wrong}");
        }
    }
}
