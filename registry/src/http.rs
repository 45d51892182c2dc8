//! The service: requests become calls of use cases, and what these end with becomes answers.

pub mod address;
pub mod answer;
pub mod api;
pub mod at_once;
pub mod authentication;
pub mod conditions;
pub mod feed;
pub mod frame;
pub mod idempotency;
pub mod intake;
pub mod json;
pub mod notes;
pub mod openapi;
pub mod ops;
pub mod polls;
pub mod problem;
pub mod problem_pages;
pub mod problem_types;
pub mod query;
pub mod registry;
pub mod route;
pub mod routes;
pub mod schemas;
pub mod throttle;

#[cfg(test)]
mod tests;
