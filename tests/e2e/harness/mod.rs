//! What tests start and ask: Envoy, servers that do as they are told, clients, and what they must see.

pub mod admin;
pub mod answer;
pub mod authorization_server;
pub mod balancer;
pub mod certificates;
pub mod client;
pub mod command;
pub mod compose;
pub mod document_source;
pub mod envoy;
pub mod envoy_config;
pub mod envoy_log;
pub mod envoy_process;
pub mod eventually;
pub mod example;
pub mod faulty;
pub mod foreign_calls;
pub mod gate;
pub mod gateway;
pub mod host;
pub mod http2_client;
pub mod http2_frames;
pub mod http_server;
pub mod mcp;
pub mod message;
pub mod node;
pub mod oidc;
pub mod port;
pub mod prerequisites;
pub mod recorder;
pub mod refusal;
pub mod registry;
pub mod scratch;
pub mod secrecy;
pub mod upstream;

mod tests;
