//! What a path and a method lead to. One table of routes makes the service, its OpenAPI document and the tests.

use std::pin::Pin;

use axum::http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::domain::refusal::Refusal;
use crate::http::answer::ApiAnswer;
use crate::http::problem::HttpProblem;
use crate::http::schemas::Schemas;
use crate::use_case::context::Context;
use crate::use_case::ports::Proof;
use crate::use_case::shown::{Asked, Expected, Page};

/// A way to a use case.
pub struct Route {
    pub method: Method,
    /// Below [`super::answer::BASE`]; a segment in braces is a parameter.
    pub template: &'static str,
    /// The operation's, in OpenAPI.
    pub name: &'static str,
    pub takes: Takes,
    /// Whether it needs `If-Match`.
    pub is_guarded: bool,
    pub gives: Gives,
    /// The member of the answer that is shown once.
    pub secret: Option<&'static str>,
    pub run: Run,
}

/// Describes a JSON value, and the parts that its description refers to.
pub type Schema = fn(&mut Schemas) -> Value;

/// What a route takes beside its parameters.
#[derive(Clone, Copy)]
pub enum Takes {
    Nothing,
    /// A query, with these filters.
    List(&'static [&'static str]),
    /// A JSON object.
    Object(Schema),
    /// A JSON object that changes what is there (RFC 7396).
    MergePatch(Schema),
    /// A text, whatever is in it.
    Text,
}

/// What a route answers when all is well.
#[derive(Clone, Copy)]
pub enum Gives {
    /// 200 with a part of a list of these.
    List(Schema),
    /// 200
    Shown(Schema),
    /// 201
    Created(Schema),
    /// 201, or 200 with what was there already.
    CreatedOrShown(Schema),
    /// 204
    Nothing,
    /// 202, or 204 when it is done.
    Going(Schema),
    /// 200 with a secret, or 410 when it was shown before.
    Secret(Schema),
    /// 200 with a text.
    Text,
}

impl Route {
    const fn of(method: Method, template: &'static str, name: &'static str, gives: Gives, run: Run) -> Self {
        Self { method, template, name, takes: Takes::Nothing, is_guarded: false, gives, secret: None, run }
    }

    pub const fn get(template: &'static str, name: &'static str, gives: Gives, run: Run) -> Self {
        Self::of(Method::GET, template, name, gives, run)
    }

    pub const fn list(
        template: &'static str,
        name: &'static str,
        filters: &'static [&'static str],
        item: Schema,
        run: Run,
    ) -> Self {
        Self::get(template, name, Gives::List(item), run).taking(Takes::List(filters))
    }

    pub const fn post(template: &'static str, name: &'static str, takes: Schema, gives: Gives, run: Run) -> Self {
        Self::of(Method::POST, template, name, gives, run).taking(Takes::Object(takes))
    }

    pub const fn put(template: &'static str, name: &'static str, takes: Takes, gives: Gives, run: Run) -> Self {
        Self::of(Method::PUT, template, name, gives, run).taking(takes)
    }

    pub const fn patch(template: &'static str, name: &'static str, takes: Schema, gives: Schema, run: Run) -> Self {
        Self::of(Method::PATCH, template, name, Gives::Shown(gives), run).taking(Takes::MergePatch(takes)).guarded()
    }

    pub const fn delete(template: &'static str, name: &'static str, gives: Gives, run: Run) -> Self {
        Self::of(Method::DELETE, template, name, gives, run)
    }

    const fn taking(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    pub const fn guarded(mut self) -> Self {
        self.is_guarded = true;
        self
    }

    pub const fn showing_once(mut self, member: &'static str) -> Self {
        self.secret = Some(member);
        self
    }
}

/// A request, as far as it is not HTTP.
pub struct ApiCall {
    /// Below [`super::answer::BASE`], as it came.
    pub path: String,
    /// Of the path, in its order.
    pub parameters: Vec<String>,
    pub asked: Asked,
    pub expected: Expected,
    pub object: Map<String, Value>,
    /// What a provider has said of a token that is to prove something.
    pub proof: Option<Proof>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl ApiCall {
    /// A parameter of the path; empty where the template has none, so that nothing is found.
    pub fn parameter(&self, number: usize) -> &str {
        self.parameters.get(number).map_or("", String::as_str)
    }

    /// Environment and identifier of an API, where a path begins with them.
    pub fn api(&self) -> (&str, &str) {
        (self.parameter(0), self.parameter(1))
    }

    /// And that of a tier of it.
    pub fn tier(&self) -> (&str, &str, &str) {
        (self.parameter(0), self.parameter(1), self.parameter(2))
    }

    pub fn page(&self, page: Page) -> ApiAnswer {
        ApiAnswer::page(&self.path, &self.asked, page)
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
