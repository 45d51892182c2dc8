//! The routes of the API.

use crate::http::route::Route;

mod caller;

pub static ROUTES: &[&[Route]] = &[caller::ROUTES];
