//! Who calls, as the registry sees him.

use axum::http::Method;

use crate::http::answer::ApiAnswer;
use crate::http::route::{Route, Takes};
use crate::use_case::keeping::json;
use crate::use_case::me::Me;

pub static ROUTES: &[Route] = &[Route {
    method: Method::GET,
    template: "/me",
    takes: Takes::Nothing,
    run: |cx, _| Box::pin(async move { Ok(ApiAnswer::value(json(Me::of(cx.caller))?)) }),
}];
