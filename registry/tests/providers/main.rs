//! Authorization servers at which clients are registered: scripted ones, hostile ones, real ones.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod authorized;
#[path = "../support/django.rs"]
mod django;
mod ends;
mod entra;
#[path = "../support/graph.rs"]
mod graph;
mod judged;
mod managed;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/oidc.rs"]
mod oidc;
mod probed;
mod provider;
mod real;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/scripted.rs"]
mod scripted;
mod second;
#[path = "../support/signing.rs"]
mod signing;
