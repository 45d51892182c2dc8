//! The service as it is run: the binary, on real databases, through what happens to it in the world.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod at_once;
mod authority;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/authorization_server.rs"]
mod authorization_server;
mod client;
mod collisions;
#[path = "../support/django.rs"]
mod django;
mod door;
mod entra;
mod followed;
mod gateway;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/graph.rs"]
mod graph;
mod load;
mod moving;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/oidc.rs"]
mod oidc;
mod outage;
mod place;
mod pool;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/postgres.rs"]
mod postgres;
mod proof;
mod provider_outage;
mod registered;
mod registrations;
mod replicas;
mod resealed;
mod rolling;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../support/scripted.rs"]
mod scripted;
mod second_server;
mod secrecy;
#[path = "../support/signing.rs"]
mod signing;
mod witness;
