//! The routes of the API.

use crate::http::route::Route;

mod administration;
mod apis;
mod bodies;
mod catalogue;
mod contracts;

pub static ROUTES: &[&[Route]] = &[catalogue::ROUTES, apis::ROUTES, contracts::ROUTES, administration::ROUTES];
